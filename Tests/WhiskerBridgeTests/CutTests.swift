import PipelineEngine
import Testing

@testable import WhiskerBridge

/// Recordings lack head and tail, and files are cut.
@Suite struct CutTests {
    @Test func cutAtEveryByteKeepsWhatComesBefore() throws {
        let recording = Recording.named("stuck-barrier")
        let bytes = try recording.bytes
        let records = try recording.records
        var ends: Set<Int> = []
        var end = 0
        for record in records {
            end += record.count
            ends.insert(end)
        }
        var stream = WhiskerStream()
        var told: [WhiskerStep] = []
        for (index, byte) in bytes.enumerated() {
            told += stream.read([byte])
            var cut = stream
            let ending = cut.end(.complete)
            let sessionBegan = index + 1 >= records[0].count
            #expect(ending.isEmpty == !sessionBegan)
            #expect((cut.damage == nil) == ends.contains(index + 1), "cut between two records is no damage")
            guard let error = cut.damage else { continue }
            #expect(error.code == .cut)
            #expect(error.message.contains("cut off at byte \(index + 1)"))
            guard sessionBegan, case .ended(let summary) = ending.last else { continue }
            #expect(summary.ending == .damaged(error))
            #expect(summary.losses == [error.message])
            let findings = ending.compactMap { if case .finding(let finding) = $0 { finding } else { nil } }
            #expect(findings.last?.kind == .recordingIncomplete, "and the history says so")
        }
        let session = try Interpreted(told + stream.end(.complete))
        #expect(session.lines == (try Interpreted(bytes).lines), "what was told before each cut is what happened")
    }

    @Test(arguments: Recording.files + Recording.bots)
    func theTailMayBeMissing(_ recording: Recording) throws {
        let records = try recording.records
        let whole = try Interpreted(recording.bytes)
        let kindsOfAll = Set(whole.defects.map(\.kind)).union([.recordingIncomplete])
        let all = whole.definition.stages.map { whole.left($0.number) }
        var stream = WhiskerStream()
        var told: [WhiskerStep] = []
        for (index, record) in records.enumerated() {
            told += stream.read(record)
            guard index.isMultiple(of: max(1, records.count / 50)) else { continue }
            var cut = stream
            let session = try Interpreted(told + cut.end(.complete))
            for stage in session.definition.stages {
                #expect(all[stage.number].starts(with: session.left(stage.number)))
            }
            let kinds = Set(session.defects.map(\.kind))
            #expect(kinds.isSubset(of: kindsOfAll), "\(index): \(session.findingLines)")
        }
    }

    @Test(arguments: Recording.files + Recording.bots)
    func theHeadMayBeMissing(_ recording: Recording) throws {
        let records = try recording.records
        let whole = try Interpreted(recording.bytes)
        let isHealthy = whole.defects.isEmpty
        let all = whole.definition.stages.map { whole.left($0.number) }
        for first in stride(from: 1, to: records.count, by: records.count > 1_000 ? 777 : records.count / 12) {
            let session = try Interpreted((records[..<1] + records[first...]).flatMap { $0 })
            for stage in session.definition.stages {
                let left = session.left(stage.number)
                #expect(Array(all[stage.number].suffix(left.count)) == left)
            }
            let kinds = Set(session.defects.map(\.kind))
            if isHealthy {
                #expect(kinds.subtracting([.recordingIncomplete]).isEmpty, "\(first): \(session.findingLines)")
            }
            #expect((session.summary?.batchesWithoutHead ?? 0) <= Int64(session.definition.stages.count))
        }
    }

    @Test func aBatchWithoutItsHeadIsMarked() throws {
        let records = try Recording.named("two-branches").records
        let first = try #require(records.firstIndex { String(decoding: $0, as: UTF8.self).contains("LLMTextFrame#0") })
        let session = try Interpreted((records[..<1] + records[first...]).flatMap { $0 })
        var assembler = BatchAssembler()
        let batches = session.events.flatMap { assembler.add($0) }
        #expect(batches[0].inbound == nil)
        #expect(batches[0].outcome == .released)
        #expect(batches.dropFirst().allSatisfy { $0.inbound != nil })
        #expect(session.findingLines == ["recording-incomplete s0 b1 LLMTextFrame#0"])
        #expect(session.definition.stages[0].frameOrder == .arrival, "the others tell the order")
    }

    @Test func recordsMissingInTheMiddleAreSaid() throws {
        let records = try Recording.named("two-branches").records
        let session = try Interpreted((records[..<60] + records[80...]).flatMap { $0 })
        #expect(session.defects.contains { $0.kind == .recordingIncomplete && $0.detail.hasPrefix("20 of Whisker's") })
        #expect(session.summary?.missingRecords == 20)
        #expect(session.summary?.losses.count == 1)
        let whole = try Interpreted(records.flatMap { $0 })
        #expect(Set(session.left(0)).isSubset(of: whole.left(0)))
    }
}
