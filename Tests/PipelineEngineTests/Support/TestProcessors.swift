import PipelineEngine
import Synchronization

/// Holds synchronized frames of some texts, or all, for a while.
final class Delay: FrameProcessor {
    let link: ProcessorLink
    private let nanoseconds: Int64
    private let only: Set<String>?

    init(_ milliseconds: Int64, only: Set<String>? = nil, name: String? = nil) {
        link = ProcessorLink(name: name)
        nanoseconds = milliseconds * 1_000_000
        self.only = only
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        if frame.type.frameClass.isSynchronized, only.map({ $0.contains(frame.text ?? "") }) ?? (frame.text != nil) {
            try await link.clock.sleep(nanoseconds: nanoseconds)
        }
        await push(frame, direction)
    }
}

/// Replaces each text frame by others: its text with a suffix each.
final class Emit: ImmediateProcessor {
    let link = ProcessorLink()
    private let suffixes: [String]
    private let upstream: [String]

    init(_ suffixes: String..., upstream: [String] = []) {
        self.suffixes = suffixes
        self.upstream = upstream
    }

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) {
        guard let text = frame.text else { return output.push(frame, direction) }
        for suffix in upstream {
            output.push(TextFrame(text + suffix), direction == .upstream ? .downstream : .upstream)
        }
        for suffix in suffixes { output.push(TextFrame(text + suffix), direction) }
    }
}

/// Swallows text frames, or what the test says.
final class Drop: ImmediateProcessor {
    let link = ProcessorLink()
    private let isDropped: @Sendable (any Frame) -> Bool

    init(_ isDropped: @escaping @Sendable (any Frame) -> Bool = { $0.text != nil }) { self.isDropped = isDropped }

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) {
        if !isDropped(frame) { output.push(frame, direction) }
    }
}

/// Does what the test says, asynchronously.
final class Custom: FrameProcessor {
    typealias Body = @Sendable (any Frame, FrameDirection, Custom) async throws -> Void

    let link: ProcessorLink
    private let body: Body
    private let drainBody: @Sendable () async throws -> Void

    init(
        name: String? = nil, drain: @escaping @Sendable () async throws -> Void = {}, body: @escaping Body
    ) {
        link = ProcessorLink(name: name)
        self.body = body
        drainBody = drain
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        try await body(frame, direction, self)
    }

    func drain() async throws { try await drainBody() }
}

struct TestError: Error, CustomStringConvertible {
    let description: String
}

/// A frame of a user's own.
struct WeatherFrame: Frame {
    static let frameType = FrameType("WeatherFrame", base: .dataFrame)
    var header = FrameHeader()
    var celsius: Double
    var place: String?
}

/// One that no interruption drops.
struct ReceiptFrame: Frame {
    static let frameType = FrameType("ReceiptFrame", base: .dataFrame, isInterruptible: false)
    var header = FrameHeader()
    var text: String? { "receipt" }
    var fields: FrameFields { [:] }
}
