import PipelineEngine
import Testing

@testable import WhiskerBridge

/// Recordings that are damaged, or none: nothing traps, and what is told keeps the vocabulary.
@Suite struct DamageTests {
    @Test(arguments: ["row-10", "row-15", "system-frames", "workers"])
    func randomDamageNeverTraps(_ name: String) throws {
        let records = try Recording.named(name).records
        var random = SeededRandom(seed: 17)
        for _ in 0..<40 {
            var bytes = records.flatMap { $0 }
            for _ in 0..<Int.random(in: 1...4, using: &random) { bytes.mutate(&random) }
            var stream = WhiskerStream()
            check(stream.read(bytes) + stream.end(.complete))
        }
    }

    /// Records that are whole, but lost, doubled and moved: the stages see what no bot does.
    @Test(arguments: ["row-10", "row-15", "row-18", "row-6", "system-frames", "workers", "row-21", "own-types"])
    func shuffledRecordsNeverTrap(_ name: String) throws {
        let records = try Recording.named(name).records
        var random = SeededRandom(seed: 23)
        for _ in 0..<40 {
            var changed = records
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let place = Int.random(in: 1..<changed.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed.remove(at: place)
                case 1: changed.insert(changed[place], at: Int.random(in: 1..<changed.count, using: &random))
                default: changed.swapAt(place, Int.random(in: 1..<changed.count, using: &random))
                }
            }
            var stream = WhiskerStream()
            check(stream.read(changed.flatMap { $0 }) + stream.end(.complete))
        }
    }

    private func check(_ steps: [WhiskerStep]) {
        for session in Interpreted.sessions(steps) {
            #expect(session.events.map(\.sequence) == (0..<session.events.count).map { Int64($0 + 1) })
            for event in session.events {
                #expect(event.subject < event.sequence)
                #expect(event.stage < session.definition.stages.count)
                if event.kind == .release { #expect(event.subject > 0 || event.frame != nil) }
            }
        }
    }

    @Test(
        arguments: [
            ([], .notWhisker), (Array("PNG is no recording".utf8), .notWhisker), ([0xc1], .malformed),
            ([0x01], .notWhisker),
            (MessagePackEncoder.encode(.map(["a": .integer(1)])), .notWhisker),
            (MessagePackEncoder.encode(.map(["type": .string("frame")])), .notWhisker),
            (
                MessagePackEncoder.encode(.map(["type": .string("snapshot"), "protocol": .string("2")])),
                .unknownProtocol
            ),
            (MessagePackEncoder.encode(.map(["type": .string("snapshot")])), .unknownProtocol),
            ([0x81, 0xa4], .cut),
        ] as [([UInt8], WhiskerError.Code)])
    func whatIsNoRecordingTellsNothing(_ bytes: [UInt8], _ code: WhiskerError.Code) {
        var stream = WhiskerStream()
        #expect((stream.read(bytes) + stream.end(.complete)).isEmpty)
        if !bytes.isEmpty { #expect(stream.damage?.code == code, "\(stream.damage?.message ?? "")") }
    }

    @Test func anErrorNamesTheRecordAndItsPlace() throws {
        let records = try Recording.named("row-1").records
        let wrong = MessagePackEncoder.encode(.map(["type": .string("frame"), "name": .string("TextFrame#1")]))
        var stream = WhiskerStream()
        let session = try Interpreted(
            stream.read(records[..<5].flatMap { $0 } + wrong + records[5]) + stream.end(.complete))
        let place = records[..<5].map(\.count).reduce(0, +)
        let expected = "record 6, at byte \(place): the record has no text under 'action'; what comes before it is kept"
        #expect(stream.damage?.message == expected)
        #expect(session.summary?.ending == .damaged(WhiskerError(.notWhisker, expected)))
        #expect(session.summary?.records == 5)
    }

    @Test func unknownRecordsAndKeysArePassedOver() throws {
        let records = try Recording.named("row-1").records
        let later = MessagePackEncoder.encode(.map(["type": .string("metrics"), "load": .number(0.5)]))
        let session = try Interpreted(records.flatMap { $0 + later })
        #expect(session.lines == (try Interpreted(records.flatMap { $0 }).lines))
    }

    @Test func aSecondSnapshotBeginsASecondSession() throws {
        let bytes = try Recording.named("row-1").bytes
        var stream = WhiskerStream()
        let sessions = Interpreted.sessions(stream.read(bytes + bytes) + stream.end(.complete))
        #expect(sessions.count == 2)
        #expect(sessions[0].lines == sessions[1].lines)
        #expect(sessions[1].events.first?.sequence == 1)
    }

    @Test(arguments: [1_000_000, 64])
    func aTopologyBeyondTheLimitsIsRefused(_ stages: Int) {
        var limits = WhiskerLimits()
        limits.stages = stages == 64 ? 63 : 1_024
        let isDeep = stages != 64
        var processors: [MessagePackValue] = []
        for index in 0..<min(stages, 200) {
            let parent: MessagePackValue = isDeep && index > 0 ? .string("SPP#\(index - 1)") : .null
            processors.append(.map(["id": .string("SPP#\(index)"), "parent": parent, "type": .string("S")]))
            processors.append(
                .map([
                    "id": .string("Source#\(index)"), "parent": .string("SPP#\(index)"),
                    "type": .string("SyncParallelPipelineSource"),
                ]))
        }
        let worker = MessagePackValue.map([
            "worker_id": .string("w"), "topology": .map(["processors": .array(processors)]),
        ])
        let snapshot = MessagePackValue.map([
            "type": .string("snapshot"), "protocol": .string("1"), "workers": .array([worker]),
        ])
        var stream = WhiskerStream(limits: limits)
        #expect((stream.read(MessagePackEncoder.encode(snapshot)) + stream.end(.complete)).isEmpty)
        #expect(stream.damage?.code == .malformed)
    }
}
