import PipelineEngine
import Synchronization

/// Does for each synchronized frame what a script says.
final class ScriptedProcessor: FrameProcessor {
    enum Step: Sendable {
        case wait(Int64)
        case emit(String, FrameDirection = .downstream)
        case pass
        case fail
        /// A system frame is born.
        case interrupt
        case mute
        /// An output that nobody may drop.
        case emitStop
    }

    typealias Script = @Sendable (_ number: Int, _ frame: any Frame) -> [Step]

    let link = ProcessorLink()
    private let script: Script
    private let systemScript: Script
    private let swallowsEnd: Bool
    private let count = Atomic<Int>(0)

    /// - Parameter systemScript: what it does for a UserMuteStartedFrame, beside the synchronized frames and whether or not
    ///   their SyncFrames are back: so that outputs come late.
    init(
        swallowsEnd: Bool = false, onSystem systemScript: @escaping Script = { _, _ in [.pass] },
        _ script: @escaping Script
    ) {
        self.swallowsEnd = swallowsEnd
        self.script = script
        self.systemScript = systemScript
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        if swallowsEnd, frame.type.isKind(of: EndFrame.frameType) { return }
        let isSystem = !frame.type.frameClass.isSynchronized
        let isScripted =
            isSystem ? frame.type.name == "UserMuteStartedFrame" : !frame.type.isKind(of: EndFrame.frameType)
        guard isScripted, direction == .downstream else { return await push(frame, direction) }
        let number = count.add(1, ordering: .relaxed).oldValue
        for step in (isSystem ? systemScript : script)(number, frame) {
            switch step {
            case .wait(let time): try await link.clock.sleep(nanoseconds: time)
            case .emit(let text, let direction): await push(TextFrame(text), direction)
            case .emitStop:
                await push(GenericFrame(FrameType.known("AudioBufferStartRecordingFrame") ?? .controlFrame))
            case .pass: await push(frame, direction)
            case .fail: throw ScriptedError()
            case .interrupt: await push(InterruptionFrame())
            case .mute: await push(GenericFrame(FrameType.known("UserMuteStartedFrame") ?? .systemFrame))
            }
        }
    }
}

struct ScriptedError: Error {}
