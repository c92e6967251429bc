import Foundation
import PipelineEngine
import Synchronization

@testable import PipelineFiles

/// One session of a pipeline file, run to its end.
struct Run {
    var released: [ReleasedFrame]
    var events: [SessionEvent]
    var ending: PipelineSession.Ending

    /// Runs the lines through the pipeline.
    init(
        _ yaml: String, _ lines: [String], time: PipelineSession.Time = .virtual(), order: FrameOrder? = nil
    ) async throws {
        let description = try PipelineDescription(yaml: Array(yaml.utf8), file: "p.yaml")
        let log = EventLog()
        let session = try PipelineSession(try description.build(order: order), time: time, observer: log) {
            log.add($0)
        }
        try await session.start()
        let input = try TemporaryFile(lines.map { $0 + "\n" }.joined())
        let frames = try FrameInput(path: input.path, types: description.types)
        do { try await session.send(timed: frames.timed(session.identity)) } catch {
            _ = await session.cancel()
            throw error
        }
        ending = await session.end()
        released = log.released
        events = log.events
    }

    /// What came out: texts, else type names; upstream ones with an arrow. Without the session's own Start and End.
    var shown: [String] {
        released.filter { !["StartFrame", "EndFrame"].contains($0.frame.type.name) }.map {
            ($0.direction == .upstream ? "^" : "") + ($0.frame.text ?? $0.frame.type.name)
        }
    }

    /// When each of `shown` came out, in ms.
    var times: [Int64] {
        released.filter { !["StartFrame", "EndFrame"].contains($0.frame.type.name) }.map { $0.time / 1_000_000 }
    }

    var errors: [String] { released.compactMap { ($0.frame as? ErrorFrame)?.error } }

    /// How many events of a kind there were in the first batch: the one of the first frame, not that of the EndFrame.
    func count(_ kind: SessionEvent.Kind) -> Int { events.count { $0.kind == kind && $0.batch == 1 } }
}

/// A stage of these branches, each a list of processors in YAML.
func stage(_ branches: String..., order: String = "arrival", more: String = "") -> String {
    """
    pipeline:
      - sync_parallel:
          frame_order: \(order)
    \(more.isEmpty ? "" : "      \(more)\n")      branches:

    """ + branches.map { "        - processors: [\($0)]\n" }.joined()
}

func text(_ text: String, _ more: String = "") -> String {
    #"{"type": "TextFrame", "text": "\#(text)"\#(more.isEmpty ? "" : ", " + more)}"#
}

private final class EventLog: SessionObserver {
    private let state = Mutex<(released: [ReleasedFrame], events: [SessionEvent])>(([], []))

    var released: [ReleasedFrame] { state.withLock { $0.released } }
    var events: [SessionEvent] { state.withLock { $0.events } }

    func observe(_ event: SessionEvent) { state.withLock { $0.events.append(event) } }
    func add(_ frame: ReleasedFrame) { state.withLock { $0.released.append(frame) } }
}

/// A file that is gone with this object.
final class TemporaryFile: Sendable {
    let path: String

    init(_ content: String) throws {
        path = NSTemporaryDirectory() + "lockstep-\(UUID().uuidString)"
        try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
