import PipelineEngine
import Replay
import Synchronization

/// Keeps a session's events in memory.
final class MemoryRecording: SessionObserver {
    private let log = Mutex<[SessionEvent]>([])

    var events: [SessionEvent] { log.withLock { $0 } }

    func observe(_ event: SessionEvent) { log.withLock { $0.append(event) } }

    /// The events of one stage, as the history gives them: events with a subject carry its frame.
    func events(of stage: Int) -> [SessionEvent] {
        let all = events
        let frames = Dictionary(uniqueKeysWithValues: all.map { ($0.sequence, $0.frame) })
        return all.filter { $0.stage == stage }.map { event in
            var event = event
            if event.frame == nil { event.frame = frames[event.subject] ?? nil }
            return event
        }
    }
}

/// Runs frames through a pipeline on simulated time, each at its time, and returns what was recorded.
func record(
    _ pipeline: Pipeline, _ frames: [TimedFrame], seed: UInt64? = nil, ending: Bool = true
) async throws -> (recording: MemoryRecording, definition: SessionDefinition) {
    let recording = MemoryRecording()
    let session = try PipelineSession(pipeline, time: .virtual(seed: seed), observer: recording)
    try await session.start()
    for frame in frames { session.identity.skip(past: frame.frame.id) }
    try await session.send(timed: ArraySequence(frames))
    if ending { await session.end() } else { await session.cancel() }
    return (recording, session.definition)
}

/// An array as an asynchronous sequence.
struct ArraySequence: AsyncSequence, Sendable {
    let elements: [TimedFrame]

    init(_ elements: [TimedFrame]) { self.elements = elements }

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<TimedFrame>
        mutating func next() async -> TimedFrame? { rest.popFirst() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: elements[...]) }
}

/// Runs a recorded stage again and returns its batches.
func rerun(
    _ recording: MemoryRecording, _ stage: SessionDefinition.Stage, order: FrameOrder, stallRule: StallRule = .never
) async throws -> [StageRerun.Batch] {
    let rerun = StageRerun(stage: stage, order: order, stallRule: stallRule)
    let pages = Mutex([recording.events(of: stage.number)])
    let batches = Mutex<[StageRerun.Batch]>([])
    try await rerun.run({ pages.withLock { $0.popLast() } }, { batch in batches.withLock { $0.append(batch) } })
    return batches.withLock { $0 }
}

extension RecordedBatch {
    /// What was released, in short: direction, position, id, branch.
    var releaseNotes: [String] {
        recordedRelease.map { "\($0.direction == .upstream ? "up" : "")\($0.position):\($0.frame.id)@\($0.branch)" }
    }
}
