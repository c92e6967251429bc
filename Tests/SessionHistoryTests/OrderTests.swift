import PipelineEngine
import Testing

@testable import SessionHistory

/// C4 in SQL, held against C4 in the plainest Swift, on random batches.
struct OrderTests {
    private struct Output {
        var branch: Int
        var direction: FrameDirection
        var frame: any Frame
        var isDropped = false
    }

    /// What C4 says: sorted, upstream first, then the first of each id in either direction. A batch's own EndFrame is last.
    private func oracle(_ outputs: [Output], _ order: RecordedOrder, endingWith end: Int64?) -> [String] {
        var result: [String] = []
        for direction in [FrameDirection.upstream, .downstream] {
            var own = outputs.filter { $0.direction == direction && !$0.isDropped }
            let last = own.filter { $0.frame.id == end }
            own.removeAll { $0.frame.id == end }
            if order == .pipeline {
                own = (0..<8).flatMap { branch in own.filter { $0.branch == branch } }
            }
            var seen: Set<Int64> = []
            let released = (own + last).filter { seen.insert($0.frame.id).inserted }
            for (position, output) in released.enumerated() {
                result.append(
                    "\(direction) \(position) \(output.branch) \(output.frame.name) \(output.frame.text ?? "-")")
            }
        }
        return result
    }

    private func random(_ random: inout SeededGenerator, _ batch: Int64, ending: (any Frame)?) -> [Output] {
        let branches = Int.random(in: 1...4, using: &random)
        var outputs = (0..<Int.random(in: 0...8, using: &random)).map { _ in
            // Few ids, so that many collide, some with other content.
            let id = batch * 100 + Int64.random(in: 1...5, using: &random)
            return Output(
                branch: Int.random(in: 0..<branches, using: &random),
                direction: Int.random(in: 0...3, using: &random) == 0 ? .upstream : .downstream,
                frame: SessionScript.text("t\(Int.random(in: 0...1, using: &random))", id: id),
                isDropped: Int.random(in: 0...6, using: &random) == 0)
        }
        if let ending {
            for branch in 0..<branches where Bool.random(using: &random) {
                outputs.append(Output(branch: branch, direction: .downstream, frame: ending))
            }
            outputs.shuffle(using: &random)
        }
        return outputs
    }

    @Test(arguments: 1...6)
    func sqlOrdersAreC4(_ seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        var generator = SeededGenerator(seed: seed)
        var script = SessionScript()
        var expected: [RecordedOrder: [Int64: [String]]] = [.arrival: [:], .pipeline: [:]]
        var differing: Set<Int64> = []
        for number in Int64(1)...60 {
            script.stage = Int(number % 2)
            var ending: (any Frame)?
            if number % 7 == 0 {
                var end = EndFrame()
                end.header = FrameHeader(id: number * 100 + 50)
                ending = end
            }
            let outputs = random(&generator, number, ending: ending)
            script.add(
                .inbound, batch: number, direction: .downstream,
                frame: ending ?? SessionScript.text("in", id: number * 100))
            let inbound = Int64(script.events.count)
            var emissions = [Int](repeating: 0, count: 8)
            for (arrival, output) in outputs.enumerated() {
                let isLate = arrival % 5 == 4
                let sequence = script.add(
                    isLate ? .late : .output, batch: number, branch: output.branch, direction: output.direction,
                    emission: emissions[output.branch], arrival: arrival, frame: output.frame)
                emissions[output.branch] += 1
                if output.isDropped {
                    script.add(.drop, batch: number, branch: output.branch, subject: sequence, detail: "x")
                }
            }
            for order in [RecordedOrder.arrival, .pipeline] {
                expected[order]?[number] = oracle(outputs, order, endingWith: ending?.id)
            }
            if let ending, !outputs.contains(where: { $0.frame.id == ending.id }) {
                // No branch gave it back: the stage releases its own (C9).
                let position = outputs.filter { $0.direction == .downstream && !$0.isDropped }
                script.add(
                    .release, batch: number, direction: .downstream, position: Set(position.map(\.frame.id)).count,
                    subject: inbound, outcome: .released)
                let line = "downstream \(Set(position.map(\.frame.id)).count) -1 \(ending.name) -"
                for order in [RecordedOrder.arrival, .pipeline] { expected[order]?[number]?.append(line) }
            } else {
                script.add(.close, batch: number, outcome: .released)
            }
            let lines = [RecordedOrder.arrival, .pipeline].map { order -> [String] in
                let lines: [String] = expected[order]?[number] ?? []
                // Whose frame it is does not count, only what it is.
                return lines.map { line in
                    line.split(separator: " ").enumerated().filter { $0.offset != 2 }.map(\.element).joined(
                        separator: " ")
                }
            }
            if lines[0] != lines[1] { differing.insert(number) }
        }
        let log = try await history.record(
            script.events,
            definition: SessionDefinition(
                stages: (0..<2).map { .init(number: $0, name: "S\($0)", frameOrder: .arrival, branches: []) }))
        for order in [RecordedOrder.arrival, .pipeline] {
            var found: [Int64: [String]] = [:]
            for row in try history.releases(of: log.session, order: order) {
                let line = "\(row.direction) \(row.position) \(row.branch ?? -1) \(row.frameName) \(row.text ?? "-")"
                found[row.batch, default: []].append(line)
            }
            for number in Int64(1)...60 {
                #expect(found[number] ?? [] == expected[order]?[number], "batch \(number), \(order)")
            }
        }
        let reported = try SQLiteShell.lines("SELECT DISTINCT batch FROM order_diff ORDER BY batch", on: history.path)
        #expect(reported == differing.sorted().map { "\($0)" })
    }
}
