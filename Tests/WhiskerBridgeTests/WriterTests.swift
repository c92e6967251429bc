import PipelineEngine
import Testing

@testable import WhiskerBridge

/// `export --format whisk`: what is written comes back.
@Suite struct WriterTests {
    private func export(_ session: Interpreted) -> [UInt8] {
        var writer = WhiskWriter(
            definition: session.definition, source: session.source ?? WhiskerSource(), findings: session.findings)
        return writer.header() + session.events.flatMap { writer.write($0) }
    }

    /// Everything about an event but its frame's content.
    private func facts(_ event: SessionEvent) -> [String] {
        let numbers = [
            event.sequence, event.time, Int64(event.kind.rawValue), Int64(event.stage), event.batch,
            Int64(event.branch),
            Int64(event.emission), Int64(event.arrival), Int64(event.position), event.subject, event.frame?.id ?? 0,
        ]
        let texts = [
            event.direction?.rawValue, event.detail, event.processor, event.outcome?.rawValue, event.frame?.name,
            event.frame?.type.name,
        ]
        return numbers.map(String.init) + texts.map { $0 ?? "-" }
    }

    @Test(arguments: Recording.files + Recording.bots)
    func anExportedSessionComesBackAsItWas(_ recording: Recording) throws {
        let session = try Interpreted(recording.bytes)
        let again = try Interpreted(export(session))
        #expect(again.source == session.source)
        #expect(again.definition == session.definition)
        #expect(again.findings == session.findings)
        #expect(again.events.map(facts) == session.events.map(facts))
        for (left, right) in zip(again.events, session.events) {
            guard let left = left.frame, let right = right.frame else { continue }
            #expect(left.hasSameContent(as: right))
            #expect(left.type.frameClass == right.type.frameClass)
            #expect(left.type.isInterruptible == right.type.isInterruptible)
        }
        #expect(again.summary?.batches == session.summary?.batches)
        #expect(again.summary?.openBatches == session.summary?.openBatches)
        #expect(again.summary?.batchesWithoutHead == session.summary?.batchesWithoutHead)
        #expect(again.summary?.stagesWithoutOrder == session.summary?.stagesWithoutOrder)
    }

    /// What Whisker sees says the same, without what was added to it.
    @Test(arguments: [
        "calendar-arrival", "calendar-pipeline", "in-parallel", "late-start", "two-stages", "audio", "nested",
        "two-branches", "two-branches-pipeline", "row-2-flush", "row-3", "row-20",
    ])
    func theWhiskerRecordsThemselvesSayTheSame(_ name: String) throws {
        let session = try Interpreted(Recording.named(name).bytes)
        var stream = WhiskerStream()
        stream.readsAnnotations = false
        let again = try Interpreted(stream.read(export(session)) + stream.end(.complete))
        #expect(again.definition.stages.map(\.branches) == session.definition.stages.map(\.branches))
        #expect(again.definition.stages.map(\.frameOrder) == session.definition.stages.map(\.frameOrder))
        #expect(again.lines == session.lines)
        #expect(again.findingLines == session.findingLines)
    }

    @Test func aSessionOfTheEnginesComesBackAsItWas() throws {
        let stage = SessionDefinition.Stage(
            number: 0, name: "stage", frameOrder: .pipeline,
            branches: [
                .init(number: 0, name: "image", processors: ["draw", "inner"]), .init(number: 1, processors: []),
            ])
        let inner = SessionDefinition.Stage(
            number: 1, name: "inner", frameOrder: .arrival, branches: [.init(number: 0, processors: ["draw"])],
            parent: 0)
        let own = FrameType("Picture", base: .dataFrame, isInterruptible: false)
        var picture = GenericFrame(own, header: FrameHeader(id: 7, pts: 5, metadata: ["a": .array([1, .null])]))
        picture.payload = FramePayload(name: "pixels", bytes: [0, 255])
        picture.fields = ["raw": FieldValue.bytes([9]), "none": FieldValue.null, "ratio": 1.5]
        var text = GenericFrame(.dataFrame, header: FrameHeader(id: 1))
        text.text = "a\0b"
        let events = [
            SessionEvent(sequence: 1, time: 1, kind: .inbound, stage: 0, batch: 1, direction: .downstream, frame: text),
            SessionEvent(
                sequence: 2, time: 2, kind: .error, stage: 0, batch: 1, branch: 0, detail: "boom", processor: "draw"),
            SessionEvent(
                sequence: 3, time: 3, kind: .output, stage: 0, batch: 1, branch: 0, direction: .upstream, emission: 0,
                arrival: 0, frame: picture),
            SessionEvent(sequence: 4, time: 4, kind: .stall, stage: 0, batch: 1, branch: 1, processor: "hang"),
            SessionEvent(sequence: 5, time: 5, kind: .sync, stage: 0, batch: 1, branch: 0),
            SessionEvent(sequence: 6, time: 6, kind: .sync, stage: 0, batch: 1, branch: 1),
            SessionEvent(
                sequence: 7, time: 7, kind: .release, stage: 0, batch: 1, branch: 0, direction: .upstream, position: 0,
                subject: 3, outcome: .released),
            SessionEvent(sequence: 8, time: 7, kind: .inbound, stage: 0, batch: 2, direction: .upstream, frame: text),
            SessionEvent(sequence: 9, time: 8, kind: .close, stage: 0, batch: 2, outcome: .cancelled),
            SessionEvent(sequence: 10, time: 9, kind: .anomaly, detail: "of the session as a whole"),
            SessionEvent(
                sequence: 11, time: 9, kind: .bypass, stage: 1, branch: 0, direction: .downstream, frame: picture),
        ]
        let definition = SessionDefinition(stages: [stage, inner])
        var writer = WhiskWriter(definition: definition, source: WhiskerSource(startedAt: 1_700_000_000))
        let again = try Interpreted(writer.header() + events.flatMap { writer.write($0) })
        #expect(again.definition == definition)
        #expect(again.events.map(facts) == events.map(facts))
        for (left, right) in zip(again.events, events) {
            guard let left = left.frame, let right = right.frame else { continue }
            #expect(left.hasSameContent(as: right))
        }
        #expect(again.events[2].frame?.payload?.bytes == [0, 255])
        #expect(again.events[2].frame?.type.isInterruptible == false)
        #expect(again.events[2].frame?.type.frameClass == .data)
    }

    @Test(arguments: ["row-10", "system-frames"])
    func aDamagedExportNeverTraps(_ name: String) throws {
        let bytes = export(try Interpreted(Recording.named(name).bytes))
        var random = SeededRandom(seed: 29)
        for _ in 0..<40 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) { damaged.mutate(&random) }
            var stream = WhiskerStream()
            let steps = stream.read(damaged) + stream.end(.complete)
            for session in Interpreted.sessions(steps) {
                #expect(session.events.map(\.sequence) == (0..<session.events.count).map { Int64($0 + 1) })
            }
        }
    }

    @Test func anExportThatLacksAnEventIsDamaged() throws {
        let session = try Interpreted(Recording.named("row-1").bytes)
        var writer = WhiskWriter(definition: session.definition, source: WhiskerSource())
        var bytes = writer.header()
        for event in session.events where event.sequence != 3 { bytes += writer.write(event) }
        let again = try Interpreted(bytes)
        #expect(again.events.count == 2)
        guard case .damaged(let error) = again.summary?.ending else {
            Issue.record("it is not damaged")
            return
        }
        #expect(error.message.contains("the event after number 2 is missing"))
    }
}
