import Synchronization
import Testing

@testable import PipelineEngine
@testable import Recording
@testable import SessionHistory

/// Recorders and histories that are closed or let go while somebody still uses them.
struct RecorderLifetimeTests {
    private let folder = TestFolder()

    /// It fills what the recorder has room for, several times.
    private static let manyFrames = 12_000

    @Test("a session whose recording was closed runs on unrecorded", .timeLimit(.minutes(1)), arguments: [false, true])
    func closedBeforeTheSession(holdsReleases: Bool) async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let pipeline = try Pipeline([SyncParallelPipeline([[], []])])
        let recorder = try await SessionRecorder.start(in: history, definition: pipeline.definition())
        let delivered = Atomic(0)
        let releases = holdsReleases ? recorder.holdReleases { _ in delivered.add(1, ordering: .relaxed) } : nil
        let session = try PipelineSession(pipeline, observer: recorder) { releases?.add($0) }
        try await session.start()
        try await session.send(TextFrame("recorded"))
        await releases?.settle()
        try await recorder.close(state: .complete)
        for _ in 0..<Self.manyFrames { try await session.send(TextFrame("not recorded")) }
        #expect(await session.end() == .ended)
        await releases?.settle()
        let stored = try #require(try history.sessions().first)
        #expect(stored.state == .complete)
        #expect(stored.inbound == 1)
        #expect(recorder.uncommittedEvents > Int64(Self.manyFrames))
        if let releases {
            // The StartFrame and the first text; of what came later no event is in the history.
            #expect(delivered.load(ordering: .relaxed) == 2)
            #expect(releases.withheld == Int64(Self.manyFrames) + 1)
        }
    }

    @Test("a recorder that is let go delivers what is committed, and holds nothing", .timeLimit(.minutes(1)))
    func letGoWithReleases() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let delivered = Atomic(0)
        weak var releases: HeldReleases?
        do {
            let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition())
            let held = recorder.holdReleases { _ in delivered.add(1, ordering: .relaxed) }
            releases = held
            recorder.observe(Events.bypass(1))
            held.add(ReleasedFrame(frame: TextFrame("a"), direction: .downstream, origin: nil, time: 0))
        }
        while releases != nil { await Task.yield() }
        #expect(delivered.load(ordering: .relaxed) == 1)
        #expect(try history.sessions().map(\.state) == [.interrupted])
    }

    @Test("a session let go without its end is closed as interrupted", .timeLimit(.minutes(1)))
    func sessionLetGo() async throws {
        let path = folder.file("h.sqlite")
        do {
            let session = try await RecordedSession.start(Pipeline([SyncParallelPipeline([[], []])]), at: path)
            try await session.send(TextFrame("a"))
        }
        let reader = try History.open(at: path)
        while try reader.sessions().first?.state == .recording { await Task.yield() }
        let stored = try #require(try reader.sessions().first)
        #expect(stored.state == .interrupted)
        #expect(stored.inbound == 1)
    }

    @Test("a recording that begins while its history is closed begins wholly, or says that the history is closed")
    func beginningWhileClosing() async throws {
        let path = folder.file("h.sqlite")
        var recorded = 0
        for round in 0..<60 {
            let history = try History.open(at: path, for: .writing)
            let recording = Task.detached { () -> Bool in
                let recorder: SessionRecorder
                do {
                    recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition())
                } catch let error as HistoryError {
                    #expect(error.code == .closed)
                    return false
                }
                recorder.observe(Events.bypass(1))
                try await recorder.flush()
                try await recorder.close(state: .complete)
                return true
            }
            for _ in 0..<round * 4 { await Task.yield() }
            history.close()
            if try await recording.value { recorded += 1 }
        }
        let states = try History.open(at: path).sessions().map(\.state)
        // One whose beginning was written, and nothing more, is closed by whoever opens the history next.
        #expect(states.count { $0 == .complete } == recorded)
        #expect(!states.contains(.recording))
    }

    @Test("a session with an event that cannot be kept is closed as failed, and says so each time")
    func closingWithAnEventThatCannotBe() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition())
        recorder.observe(Events.bypass(1))
        try await recorder.flush()
        recorder.observe(Events.bypass(7))
        let error = await #expect(throws: HistoryError.self) { try await recorder.close(state: .complete) }
        #expect(error?.code == .invalidEvent)
        let stored = try #require(try history.sessions().first)
        #expect(stored.state == .failed)
        #expect(try history.verify().isWhole)
    }
}
