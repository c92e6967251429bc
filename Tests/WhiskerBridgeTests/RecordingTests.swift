import PipelineEngine
import Testing

@testable import WhiskerBridge

/// Recordings of real bots, held against what the bots' own processes saw.
@Suite struct RecordingTests {
    @Test(arguments: Recording.files)
    func releasesEqualTheTruthsPart(_ recording: Recording) throws {
        let session = try Interpreted(recording.bytes)
        let truth = try recording.truth
        #expect(session.definition.stages.map(\.name).sorted() == truth.keys.sorted())
        for stage in session.definition.stages {
            let pushed = try pushes(recording, of: stage.name)
            #expect(session.left(stage.number) == pushed, "all that the recording covers")
            #expect(truth[stage.name]?.hasPart(pushed) == true)
        }
    }

    @Test(arguments: Recording.bots + [.audioLeftOut])
    func releasesOfWholeRecordingsEqualTheTruth(_ recording: Recording) throws {
        let session = try Interpreted(recording.bytes)
        let truth = try recording.truth
        for stage in session.definition.stages {
            var expected = truth[stage.name] ?? []
            if recording.name == "audio-left-out" { expected.removeAll { $0.hasPrefix("TTSAudio") } }
            #expect(session.left(stage.number) == expected)
        }
    }

    @Test(arguments: Recording.bots)
    func outputsAndBatchesEqualTheTruth(_ recording: Recording) throws {
        try Interpreted(recording.bytes).expectOutputsAndBatches(asSeen: recording.lines)
    }

    @Test(arguments: Recording.files + Recording.bots)
    func eventsKeepTheVocabulary(_ recording: Recording) throws {
        let session = try Interpreted(recording.bytes)
        #expect(session.events.map(\.sequence) == (0..<session.events.count).map { Int64($0 + 1) })
        var assembler = BatchAssembler()
        var batches: [RecordedBatch] = []
        for event in session.events { batches += assembler.add(event) }
        batches += assembler.unfinished()
        #expect(Int64(batches.count) == session.summary?.batches)
        for stage in session.definition.stages {
            let numbers = batches.filter { $0.stage == stage.number }.map(\.batch)
            #expect(numbers == (0..<numbers.count).map { Int64($0 + 1) }, "each batch is there once, in order")
        }
        for batch in batches {
            #expect(batch.outputs.map(\.arrival) == Array(batch.outputs.indices))
            for branch in Set(batch.outputs.map(\.branch)) {
                let emissions = batch.outputs.filter { $0.branch == branch }.map(\.emission)
                #expect(emissions == Array(emissions.indices))
            }
            for direction in FrameDirection.allCases {
                let positions = batch.releases.filter { $0.direction == direction }.map(\.position)
                #expect(positions == Array(positions.indices))
            }
            #expect(Set(batch.syncs.map(\.branch)).count == batch.syncs.count, "a branch syncs once")
        }
        let frames = session.events.compactMap(\.frame)
        #expect(
            Dictionary(grouping: frames, by: \.name).values.allSatisfy { Set($0.map(\.id)).count == 1 },
            "a name has one id")
        #expect(Set(frames.map(\.id)).count == Set(frames.map(\.name)).count, "and an id one name")
        for event in session.events where event.subject > 0 {
            #expect(event.subject < event.sequence)
            #expect([.output, .late].contains(session.events[Int(event.subject) - 1].kind))
        }
    }

    @Test func theTopologyBecomesStages() throws {
        let stages = try Interpreted(Recording.named("nested").bytes).definition.stages
        #expect(stages.map(\.name) == ["SyncParallelPipeline#0", "SyncParallelPipeline#1"])
        #expect(stages.map(\.parent) == [nil, nil])
        #expect(stages[0].branches.map(\.processors) == [["Emit#0"], ["Pass#1"], []])
        #expect(stages[0].branches.map(\.name) == ["Emit#0", "Pass#1", nil])
        let inner = try Interpreted(Recording.named("row-15").bytes).definition.stages
        #expect(inner.map(\.name) == ["SyncParallelPipeline#1", "SyncParallelPipeline#0"], "outer before inner")
        #expect(inner.map(\.parent) == [nil, 0])
        #expect(inner[0].branches.map(\.processors) == [["SyncParallelPipeline#0"], ["Emit#0"]])
        #expect(try Interpreted(Recording.named("workers").bytes).definition.stages.count == 2, "one of each worker")
    }

    @Test(arguments: [
        ("calendar-arrival", [FrameOrder.arrival]), ("calendar-pipeline", [.pipeline]), ("endframe-lost", [nil]),
        ("in-parallel", [.arrival]), ("interruption", [.arrival]), ("late-start", [.arrival]), ("stuck-barrier", [nil]),
        ("system-frames", [.pipeline]), ("two-stages", [.arrival, nil]), ("two-branches", [.arrival]),
        ("two-branches-pipeline", [.pipeline]),
    ])
    func theFrameOrderIsInferred(_ name: String, _ orders: [FrameOrder?]) throws {
        let session = try Interpreted(Recording.named(name).bytes)
        #expect(session.definition.stages.map(\.frameOrder) == orders)
        #expect(session.summary?.stagesWithoutOrder == orders.indices.filter { orders[$0] == nil })
    }

    @Test func aGivenOrderIsTaken() throws {
        let session = try Interpreted(Recording.named("two-stages").bytes, order: .pipeline)
        #expect(session.definition.stages.map(\.frameOrder) == [.pipeline, .pipeline])
    }

    @Test func framesCarryWhatWhiskerSays() throws {
        let session = try Interpreted(Recording.named("calendar-arrival").bytes)
        let month = try #require(session.events.first?.frame)
        #expect(month.name == "MonthFrame#0")
        #expect(month.type.name == "MonthFrame")
        #expect(month.type.frameClass == .data)
        let text = try #require(session.events.first { $0.frame?.name == "TextFrame#0" }?.frame)
        #expect(text.type == FrameType.known("TextFrame"))
        #expect(text.text?.isEmpty == false)
        #expect(text.fields["text"] == nil)
        let audio = try #require(session.events.first { $0.frame?.name == "TTSAudioRawFrame#0" }?.frame)
        #expect(audio.fields["sample_rate"] == 22050)
        #expect(audio.fields["audio"] == "<type: bytes>")
        #expect(session.source?.pipecat == "1.14.0")
        #expect(session.source?.whisker == "2.0.1")
    }

    /// The frames that a stage pushed, straight from the recording.
    private func pushes(_ recording: Recording, of stage: String) throws -> [String] {
        try recording.records.compactMap { record in
            var decoder = MessagePackDecoder()
            decoder.feed(record)
            guard let record = try decoder.next(), record["from"]?.string == stage, record["action"]?.string == "push",
                let name = record["name"]?.string
            else { return nil }
            return (record["direction"]?.string == "upstream" ? "^" : "") + name
        }
    }
}
