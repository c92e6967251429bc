import Foundation
import Synchronization
import Testing

@testable import PipelineEngine
@testable import Recording
@testable import SessionHistory

/// Releases that wait for their events to be committed.
struct HeldReleasesTests {
    private let folder = TestFolder()

    /// Lets a test commit when it wants to.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        let arrived = Atomic(0)

        func wait() {
            arrived.add(1, ordering: .relaxed)
            semaphore.wait()
        }

        func open(_ times: Int = 1) { for _ in 0..<times { semaphore.signal() } }
    }

    private func released(_ text: String) -> ReleasedFrame {
        ReleasedFrame(frame: TextFrame(text), direction: .downstream, origin: nil, time: 0)
    }

    @Test func nothingLeavesBeforeItIsCommittedAndAllInOrder() async throws {
        let gate = Gate()
        var options = WriterOptions()
        options.throttle = .init { gate.wait() }
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing, options: options)
        let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition())
        let reader = try History.open(at: history.path)
        // What is delivered is looked for in the history by somebody else, at that moment.
        let seen = Mutex<[(text: String, stored: Int64)]>([])
        let releases = recorder.holdReleases { frame in
            let count = Int64((try? Shell.run("SELECT count(*) FROM event", on: reader.path).dropLast()) ?? "") ?? -1
            seen.withLock { $0.append((frame.frame.text ?? "", count)) }
        }
        // Before any event, nothing is waited for.
        releases.add(released("first"))
        gate.open()
        await releases.settle()
        for number in 1...20 {
            recorder.observe(Events.bypass(Int64(number)))
            releases.add(released("\(number)"))
        }
        #expect(seen.withLock { $0.count } == 1)
        gate.open(100)
        await releases.settle()
        let all = seen.withLock { $0 }
        #expect(all.map(\.text) == ["first"] + (1...20).map(String.init))
        #expect(all.dropFirst().allSatisfy { $0.stored >= Int64($0.text) ?? .max }, "\(all)")
        try await recorder.close(state: .complete)
    }

    /// A consumer that does not keep up slows the session down; memory is bounded (C19).
    @Test func aSlowConsumerMakesItCongested() async throws {
        let gate = Gate()
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition())
        let count = Atomic(0)
        let releases = recorder.holdReleases { _ in
            gate.wait()
            count.add(1, ordering: .relaxed)
        }
        var sequence: Int64 = 0
        while !recorder.isCongested {
            sequence += 1
            recorder.observe(Events.bypass(sequence))
            releases.add(released("x"))
            if sequence % 1_000 == 0 { try await recorder.flush() }
        }
        #expect(sequence >= Int64(HeldReleases.maxFrames) && sequence <= Int64(HeldReleases.maxFrames) + 1)
        let waiting = Task { await recorder.waitWhileCongested() }
        gate.open(Int(sequence))
        await waiting.value
        await releases.settle()
        #expect(count.load(ordering: .relaxed) == Int(sequence))
        try await recorder.close(state: .complete)
    }

    /// A closed recording holds nothing in memory.
    @Test(.timeLimit(.minutes(1))) func nothingIsLeftBehind() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        weak var left: HeldReleases?
        do {
            let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition())
            let releases = recorder.holdReleases { _ in }
            left = releases
            recorder.observe(Events.bypass(1))
            releases.add(released("x"))
            await releases.settle()
            try await recorder.close(state: .complete)
        }
        // The thread that delivered may be about to let go.
        while left != nil { await Task.yield() }
    }
}
