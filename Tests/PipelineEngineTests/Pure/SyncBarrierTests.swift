import Testing

@testable import PipelineEngine

/// The barrier alone: no task, no queue, no clock.
@Suite struct SyncBarrierTests {
    @Test("C3, C4, C5: every interleaving of up to 3 branches with up to 3 outputs each, in both orders")
    func everyInterleaving() {
        var interleavings = 0
        for branches in 1...3 {
            for counts in combinations(of: branches, upTo: 3) {
                forEachInterleaving(of: counts.map { $0 + 1 }) { turns in
                    interleavings += 1
                    check(turns: turns, counts: counts)
                }
            }
        }
        // The sum of the multinomial coefficients: pins the enumeration itself.
        #expect(interleavings == 109_758)
    }

    /// `turns[i]` is the branch that acts in step i; its last action is giving its SyncFrame back.
    private func check(turns: [Int], counts: [Int]) {
        var barrier = SyncBarrier(branches: counts.count)
        let batch = barrier.open()
        var done = Array(repeating: 0, count: counts.count)
        var arrived: [(branch: Int, emission: Int)] = []
        for (step, branch) in turns.enumerated() {
            if done[branch] < counts[branch] {
                let decision = barrier.output(SyncBarrierTests.parcel, .downstream, from: branch)
                guard decision == .output else {
                    Issue.record("\(turns): output taken as \(decision)")
                    return
                }
                arrived.append((branch, done[branch]))
            } else {
                let decision = barrier.sync(of: batch, from: branch)
                let expected: SyncBarrier.SyncDecision = step == turns.count - 1 ? .complete : .waiting
                guard decision == expected else {
                    Issue.record("\(turns): sync taken as \(decision)")
                    return
                }
            }
            done[branch] += 1
        }
        // Distinct ids, so that the orders are seen whole; deduplication has tests of its own.
        let outputs = close(&barrier).enumerated().map { index, output in
            PlacedOutput(
                outputBranch: output.branch, outputDirection: output.direction, outputFrameID: Int64(index + 1),
                emission: output.emission)
        }
        let byArrival = ReleaseOrder.arrange(outputs, .arrival).map { outputs[$0.output] }
        let byPipeline = ReleaseOrder.arrange(outputs, .pipeline).map { outputs[$0.output] }
        let expectedPipeline = counts.indices.flatMap { branch in (0..<counts[branch]).map { (branch, $0) } }
        if byArrival.map(\.place) != arrived.map({ [$0.branch, $0.emission] })
            || byPipeline.map(\.place) != expectedPipeline.map({ [$0.0, $0.1] })
        {
            Issue.record("\(turns): arrival \(byArrival.map(\.place)), pipeline \(byPipeline.map(\.place))")
        }
    }

    private func close(_ barrier: inout SyncBarrier) -> [SyncBarrier.Output] {
        var ended: [SyncBarrier.Output] = []
        barrier.close(into: &ended)
        return ended
    }

    private static let parcel = Parcel(TextFrame("x"))

    private func combinations(of length: Int, upTo limit: Int) -> [[Int]] {
        if length == 0 { return [[]] }
        return combinations(of: length - 1, upTo: limit).flatMap { rest in (0...limit).map { rest + [$0] } }
    }

    private func forEachInterleaving(of remaining: [Int], _ prefix: [Int] = [], _ body: ([Int]) -> Void) {
        if remaining.allSatisfy({ $0 == 0 }) { return body(prefix) }
        for branch in remaining.indices where remaining[branch] > 0 {
            var rest = remaining
            rest[branch] -= 1
            forEachInterleaving(of: rest, prefix + [branch], body)
        }
    }

    @Test("C6: a SyncFrame of another batch, or one given back twice, is stray")
    func strays() {
        var barrier = SyncBarrier(branches: 2)
        let first = barrier.open()
        #expect(barrier.sync(of: first + 1, from: 0) == .stray)
        #expect(barrier.sync(of: first, from: 0) == .waiting)
        #expect(barrier.sync(of: first, from: 0) == .stray)
        #expect(barrier.missing == [1])
        #expect(barrier.sync(of: first, from: 1) == .complete)
    }

    @Test("C13: what a branch puts out after its SyncFrame is late, and counts on in the batch it joins")
    func late() {
        var barrier = SyncBarrier(branches: 2)
        let first = barrier.open()
        _ = barrier.sync(of: first, from: 0)
        #expect(barrier.output(Parcel(TextFrame("late")), .downstream, from: 0) == .late)
        #expect(barrier.output(Parcel(TextFrame("on time")), .downstream, from: 1) == .output)
        #expect(barrier.currentBatch == first)
        _ = barrier.sync(of: first, from: 1)
        #expect(close(&barrier).map(\.arrival) == [0, 1])
        #expect(barrier.output(Parcel(TextFrame("between")), .downstream, from: 1) == .late)
        #expect(barrier.currentBatch == first + 1)
        #expect(barrier.open() == first + 1)
        #expect(barrier.output(Parcel(TextFrame("next")), .downstream, from: 1) == .output)
        #expect(barrier.outputs.map(\.emission) == [0, 1])
    }

    @Test("C12: a batch released without a branch leaves that branch owing its SyncFrame; what it puts out is late")
    func overdue() {
        var barrier = SyncBarrier(branches: 2)
        let first = barrier.open()
        _ = barrier.sync(of: first, from: 0)
        _ = close(&barrier)
        let second = barrier.open()
        #expect(barrier.output(Parcel(TextFrame("of the first")), .downstream, from: 1) == .late)
        #expect(barrier.sync(of: second, from: 1) == .stray)
        #expect(barrier.sync(of: first, from: 1) == .overdue)
        #expect(barrier.output(Parcel(TextFrame("of the second")), .downstream, from: 1) == .output)
        #expect(barrier.sync(of: second, from: 1) == .waiting)
        #expect(barrier.sync(of: second, from: 0) == .complete)
    }

    @Test("C10: an interruption drops what is interruptible, and keeps the rest")
    func interruption() {
        var barrier = SyncBarrier(branches: 1)
        let batch = barrier.open()
        _ = barrier.output(Parcel(TextFrame("gone")), .downstream, from: 0)
        _ = barrier.output(Parcel(ReceiptFrame()), .downstream, from: 0)
        #expect(barrier.interrupt().map { $0.parcel.frame.text } == ["gone"])
        #expect(barrier.isInterrupted)
        #expect(barrier.sync(of: batch, from: 0) == .complete)
        #expect(close(&barrier).map { $0.parcel.frame.text } == ["receipt"])
        #expect(!barrier.isInterrupted)
    }
}

struct PlacedOutput: ReleasableOutput {
    var outputBranch: Int
    var outputDirection: FrameDirection
    var outputFrameID: Int64
    var emission: Int
    var outputType: FrameType { TextFrame.frameType }

    var place: [Int] { [outputBranch, emission] }
}
