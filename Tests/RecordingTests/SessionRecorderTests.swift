import Foundation
import PipelineEngine
import Synchronization
import Testing

@testable import Recording
@testable import SessionHistory

/// The recorder between a live session and its history.
struct SessionRecorderTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID())").path
    private var path: String { folder + "/h.sqlite" }

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func removeFolder() { try? FileManager.default.removeItem(atPath: folder) }

    private static let definition = SessionDefinition(stages: [
        .init(number: 0, name: "S", frameOrder: .arrival, branches: [.init(number: 0, processors: [])])
    ])

    private static func event(_ sequence: Int64, payload: Int = 0) -> SessionEvent {
        var audio = OutputAudioRawFrame(
            audio: [UInt8](repeating: UInt8(sequence % 251), count: payload), sampleRate: 8000)
        audio.header = FrameHeader(id: sequence)
        return SessionEvent(
            sequence: sequence, time: sequence, kind: .bypass, stage: 0, frame: payload > 0 ? audio : nil)
    }

    /// Tells two observers the same, so that one can be held against the other.
    private final class Both: SessionObserver {
        let recorder: SessionRecorder
        let seen = Mutex<[SessionEvent]>([])

        init(_ recorder: SessionRecorder) { self.recorder = recorder }

        func observe(_ event: SessionEvent) {
            seen.withLock { $0.append(event) }
            recorder.observe(event)
        }

        var isCongested: Bool { recorder.isCongested }
        func waitWhileCongested() async { await recorder.waitWhileCongested() }
    }

    @Test func aLiveSessionIsInTheHistoryEventByEvent() async throws {
        defer { removeFolder() }
        let stage = try SyncParallelPipeline(
            [[IdentityProcessor(name: "same")], [IdentityProcessor(name: "also")]], frameOrder: .pipeline)
        let pipeline = try Pipeline([stage])
        let history = try History.open(at: path, for: .writing)
        let recorder = try await SessionRecorder.start(
            in: history, definition: try pipeline.definition(), name: "live")
        let observer = Both(recorder)
        let session = try PipelineSession(pipeline, time: .virtual(), observer: observer)
        try await session.start()
        for number in 1...50 { try await session.send(TextFrame("hello \(number)")) }
        try await session.send(InterruptionFrame())
        await session.end()
        try await recorder.close(state: .complete)

        let seen = observer.seen.withLock { $0 }
        var read: [SessionEvent] = []
        try history.forEachEvent(of: recorder.session) {
            read.append($0)
            return true
        }
        #expect(read.count == seen.count && seen.count > 300)
        for (was, is_) in zip(seen, read) {
            #expect(was.sequence == is_.sequence && was.kind == is_.kind && was.time == is_.time)
            #expect(was.subject == is_.subject && was.outcome == is_.outcome && was.batch == is_.batch)
            #expect(was.position == is_.position && was.emission == is_.emission && was.arrival == is_.arrival)
            if let frame = was.frame {
                #expect(is_.frame.map(frame.hasSameContent) ?? false || is_.frame?.text == frame.text)
            }
        }
        // The engine's own release against the two orders that SQL computes.
        let recorded = try history.releases(of: recorder.session, order: .recorded)
        #expect(try history.releases(of: recorder.session, order: .pipeline).map(\.frameID) == recorded.map(\.frameID))
        #expect(recorded.count == 51)
    }

    /// With a writer that does not keep up, input stops at a bound, and goes on; nothing is lost (C19).
    @Test func aSlowWriterSlowsTheInputDown() async throws {
        defer { removeFolder() }
        let gate = DispatchSemaphore(value: 0)
        let isOpen = Atomic(false)
        var options = WriterOptions()
        options.throttle = .init { if !isOpen.load(ordering: .relaxed) { gate.wait() } }
        let history = try History.open(at: path, for: .writing, options: options)
        let recorder = try await SessionRecorder.start(in: history, definition: Self.definition)
        let limit = Int64(SessionLog.maxWaitingEvents)
        var sequence: Int64 = 0
        // The writer takes what there is, once, and then stands still with it.
        while !recorder.isCongested {
            sequence += 1
            recorder.observe(Self.event(sequence))
        }
        #expect(sequence >= limit && sequence <= 2 * limit)
        let wait = Task { await recorder.waitWhileCongested() }
        isOpen.store(true, ordering: .relaxed)
        gate.signal()
        await wait.value
        #expect(!recorder.isCongested)
        for _ in 0..<100 {
            sequence += 1
            recorder.observe(Self.event(sequence))
        }
        try await recorder.close(state: .complete)
        let session = try history.session("last")
        #expect(session.bypasses == sequence)
        #expect(try history.releases(of: session.session, order: .recorded).isEmpty)
    }

    /// What is written is let go of: much content at once, little of it with the events that come after.
    @Test(.timeLimit(.minutes(1)), arguments: [1, 1 << 20])
    func whatIsWrittenIsLetGoOf(_ bytes: Int) async throws {
        defer { removeFolder() }
        let history = try History.open(at: path, for: .writing)
        let recorder = try await SessionRecorder.start(in: history, definition: Self.definition)
        weak let token = recorder.observeWatched(1, bytes: bytes)
        try await recorder.flush()
        #expect((token != nil) == (bytes == 1))  // or the rest would show nothing
        // Given back with the next exchange, and let go of with the event after that.
        for sequence in Int64(2)...3 {
            recorder.observe(Self.event(sequence))
            try await recorder.flush()
        }
        #expect(token == nil)
        try await recorder.close(state: .complete)
        #expect(try history.session("last").bypasses == 3)
    }

    /// A closed recording holds no frame, whoever holds the recorder.
    @Test(.timeLimit(.minutes(1))) func aClosedRecordingHoldsNothing() async throws {
        defer { removeFolder() }
        let history = try History.open(at: path, for: .writing)
        let recorder = try await SessionRecorder.start(in: history, definition: Self.definition)
        weak let token = recorder.observeWatched(1, bytes: 1)
        try await recorder.close(state: .complete)
        withExtendedLifetime(recorder) { #expect(token == nil) }
        #expect(try history.session("last").bypasses == 1)
    }

    /// Behind a disk that stands still, input stops and memory with it; in a process of its own, whose memory it is.
    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: "/proc/self/status"),
            "the system does not say how much is resident"))
    func memoryIsBoundedBehindASlowDisk() async throws {
        defer { removeFolder() }
        await #expect(processExitsWith: .success) { [path = path as String] in
            let (before, peak) = try await Self.recordBehindAStandstill(path)
            try #require(peak - before < 100, "\(before) MB resident at first, \(peak) MB at most")
        }
    }

    /// Records 240 MB of text, while the writer stands still at first, and gives what is resident in MB before the first frame,
    /// which is the program itself, and at most.
    private static func recordBehindAStandstill(_ path: String) async throws -> (before: Int, peak: Int) {
        let gate = DispatchSemaphore(value: 0)
        var options = WriterOptions()
        options.throttle = .init {
            gate.wait()
            gate.signal()
        }
        let history = try History.open(at: path, for: .writing, options: options)
        let pipeline = try Pipeline([SyncParallelPipeline([[IdentityProcessor()], [IdentityProcessor()]])])
        let recorder = try await SessionRecorder.start(in: history, definition: try pipeline.definition())
        let session = try PipelineSession(pipeline, observer: recorder)
        try await session.start()
        let before = try residentAtMost()
        let frames = 30_000
        let accepted = Counter()
        let sender = Task {
            for number in 0..<frames {
                try await session.send(TextFrame(String(repeating: "\(number % 10) ", count: 4_000)))
                accepted.value.store(number + 1, ordering: .relaxed)
            }
        }
        while !recorder.isCongested { await Task.yield() }
        try #require(accepted.value.load(ordering: .relaxed) < frames / 2)
        gate.signal()
        try await sender.value
        await session.end()
        try await recorder.close(state: .complete)
        let recorded = try history.session("last")
        try #require(recorded.inbound == frames + 1 && recorded.outputs == 2 * (frames + 1))
        return (before, try residentAtMost())
    }

    /// Not from `getrusage`, which on Linux begins with the peak of the process that started this one.
    private static func residentAtMost() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber))) >> 10
    }

    private final class Counter: Sendable { let value = Atomic(0) }

    @Test func largeFramesCountByTheirBytes() async throws {
        defer { removeFolder() }
        let gate = DispatchSemaphore(value: 0)
        var options = WriterOptions()
        options.throttle = .init { gate.wait() }
        let history = try History.open(at: path, for: .writing, options: options)
        let first = try await SessionRecorder.start(in: history, definition: Self.definition)
        let second = try await SessionRecorder.start(in: history, definition: Self.definition)
        let size = 4 << 20
        var count: Int64 = 0
        while !first.isCongested {
            count += 1
            first.observe(Self.event(count, payload: size))
        }
        #expect(Int(count) * size <= SessionLog.maxWaitingBytes)
        // All sessions together have a bound as well.
        var other: Int64 = 0
        while !second.isCongested {
            other += 1
            second.observe(Self.event(other, payload: size))
        }
        #expect(Int(count + other) * size <= 2 * SessionLog.maxWaitingBytes)
        let waits = [first, second].map { recorder in Task { await recorder.waitWhileCongested() } }
        for _ in 0..<20 { gate.signal() }
        for wait in waits { await wait.value }
        try await first.close(state: .complete)
        try await second.close(state: .complete)
        #expect(try history.sessions().map(\.bypasses) == [count, other])
    }

    /// A file that may not grow: the failure is told once, thrown at flush and close, and no death of the process.
    @Test func aFileThatMayNotGrow() async throws {
        defer { removeFolder() }
        await #expect(processExitsWith: .success) { [path = path as String] in
            let history = try History.open(at: path, for: .writing)
            let told = Mutex<[HistoryError.Code]>([])
            let recorder = try await SessionRecorder.start(in: history, definition: Self.definition) { error in
                told.withLock { $0.append(error.code) }
            }
            for sequence in 1...10 { recorder.observe(Self.event(Int64(sequence), payload: 1000)) }
            try await recorder.flush()
            var limit = rlimit(rlim_cur: 2 << 20, rlim_max: 2 << 20)
            setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
            for sequence in 11...100 {
                recorder.observe(Self.event(Int64(sequence), payload: 100_000))
                if recorder.isCongested { await recorder.waitWhileCongested() }
            }
            for _ in 0..<2 {
                let error = await #expect(throws: HistoryError.self) { try await recorder.flush() }
                try #require(error?.code == .full, "\(String(describing: error))")
            }
            // It goes on being told and says nothing more.
            recorder.observe(Self.event(101))
            try #require(!recorder.isCongested)
            await #expect(throws: HistoryError.self) { try await recorder.close(state: .complete) }
            try #require(told.withLock { $0 } == [.full])
        }
        // What was committed before is intact.
        let history = try History.open(at: path, for: .writing)
        let session = try history.session("last")
        #expect(session.bypasses >= 10)
        #expect([.failed, .interrupted].contains(session.state))
    }

    @Test func aRecorderThatIsLetGoLeavesAnInterruptedSession() async throws {
        defer { removeFolder() }
        do {
            let history = try History.open(at: path, for: .writing)
            let recorder = try await SessionRecorder.start(in: history, definition: Self.definition)
            recorder.observe(Self.event(1))
            try await recorder.flush()
        }
        let history = try History.open(at: path, for: .writing)
        // What the writer does next comes after what it does for the one that was let go.
        let next = try await SessionRecorder.start(in: history, definition: Self.definition)
        let session = try history.session("1")
        #expect(session.state == .interrupted && session.bypasses == 1)
        try await next.close(state: .complete)
    }

    @Test func importing() async throws {
        defer { removeFolder() }
        let history = try History.open(at: path, for: .writing)
        let start = SessionStart(
            definition: Self.definition, name: "copy", uuid: "0f8fad5b-d9cb-469f-a165-70867728950e",
            startedAt: "2020-01-01T00:00:00.000Z")
        let recorder = try #require(try await SessionRecorder.importing(start, into: history))
        recorder.observe(Self.event(1))
        try await recorder.close(state: .failed, endedAt: "2020-01-01T00:00:01.000Z")
        #expect(try await SessionRecorder.importing(start, into: history) == nil)
        let session = try history.session("copy")
        #expect(session.startedAt == "2020-01-01T00:00:00.000Z" && session.endedAt == "2020-01-01T00:00:01.000Z")
        #expect(session.uuid == start.uuid && session.bypasses == 1 && session.state == .failed)
        // Closing twice is once.
        try await recorder.close(state: .complete)
        try await recorder.flush()
    }
}

/// A frame that tells, through a weak reference to its token, whether anybody still holds it.
private struct WatchedFrame: Frame {
    final class Token: Sendable {}

    static let frameType = FrameType("WatchedFrame", base: .dataFrame)
    var header = FrameHeader()
    let token = Token()
    let bytes: Int
    var payload: FramePayload? { FramePayload(name: "audio", bytes: [UInt8](repeating: 7, count: bytes)) }
    var fields: FrameFields { [:] }
}

extension SessionRecorder {
    /// Observes such a frame, which nobody else holds, and returns its token.
    fileprivate func observeWatched(_ sequence: Int64, bytes: Int) -> WatchedFrame.Token {
        let frame = WatchedFrame(bytes: bytes)
        observe(SessionEvent(sequence: sequence, time: sequence, kind: .bypass, stage: 0, frame: frame))
        return frame.token
    }
}
