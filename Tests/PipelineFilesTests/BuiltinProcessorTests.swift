import PipelineEngine
import Testing

@testable import PipelineFiles

/// The processors of pipeline files, run by the engine on simulated time.
@Suite struct BuiltinProcessorTests {
    @Test func identityPassesEverything() async throws {
        let run = try await Run(
            "pipeline: [identity]", [text("a"), #"{"type": "UserStartedSpeakingFrame"}"#, text("b")])
        #expect(run.shown == ["a", "UserStartedSpeakingFrame", "b"] && run.ending == .ended)
    }

    @Test func delayHoldsTheFramesItNames() async throws {
        let run = try await Run(
            "pipeline: [ { delay: { ms: 40, on: TextFrame } } ]",
            [text("a"), #"{"type": "TTSStartedFrame"}"#, text("b", #""at_ms": 100"#)])
        #expect(run.shown == ["a", "TTSStartedFrame", "b"])
        #expect(run.times == [40, 40, 140])
    }

    @Test func delayHoldsSubtypesToo() async throws {
        let run = try await Run(
            "pipeline: [ { delay: { ms: 5, on: [TextFrame] } } ]", [#"{"type": "TranscriptionFrame", "text": "a"}"#])
        #expect(run.times == [5])
    }

    @Test func delayWithoutOnHoldsAllButSystemFrames() async throws {
        let run = try await Run(
            "pipeline: [ { delay: { ms: 10 } } ]",
            [text("a"), #"{"type": "UserStartedSpeakingFrame"}"#, #"{"type": "TTSStartedFrame"}"#])
        #expect(run.shown == ["UserStartedSpeakingFrame", "a", "TTSStartedFrame"])
        #expect(run.times == [0, 10, 20])
        #expect(run.released.last?.frame is EndFrame && run.released.last?.time == 30_000_000)
    }

    @Test func jitterFollowsItsSeed() async throws {
        func times(_ seed: Int) async throws -> [Int64] {
            let yaml = "pipeline: [ { delay: { ms: 10, jitter_ms: 20, seed: \(seed), on: TextFrame } } ]"
            let run = try await Run(yaml, (0..<20).map { text("\($0)", #""at_ms": \#($0 * 100)"#) })
            return run.released.filter { $0.frame is TextFrame }.enumerated().map {
                $0.element.time - Int64($0.offset) * 100_000_000
            }
        }
        let seven = try await times(7)
        #expect(try await times(7) == seven)
        #expect(try await times(8) != seven)
        #expect(seven.allSatisfy { (10_000_000...30_000_000).contains($0) } && Set(seven).count > 10)
    }

    @Test func emitMakesFramesInOrder() async throws {
        let run = try await Run(
            """
            pipeline:
              - emit:
                  on: TextFrame
                  frames:
                    - { type: TTSTextFrame, text: "1 {text}" }
                    - { type: TTSTextFrame, text: "2 {text}{missing}", direction: upstream }
                    - { type: TTSTextFrame, text: "3 {user}" }
            """, [#"{"type": "TextFrame", "text": "a", "user": "me"}"#, #"{"type": "TTSStartedFrame"}"#])
        #expect(run.shown.sorted() == ["1 a", "3 me", "TTSStartedFrame", "^2 a"])
        #expect(run.shown.filter { !$0.hasPrefix("^") } == ["1 a", "3 me", "TTSStartedFrame"])
    }

    @Test func emitPassesTheFrameOnLastIfTold() async throws {
        let yaml = { (pass: String) in
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: new } ]\(pass) } } ]"
        }
        #expect(try await Run(yaml(""), [text("a")]).shown == ["new"])
        #expect(try await Run(yaml(", pass: true"), [text("a")]).shown == ["new", "a"])
    }

    @Test func emitWaitsBeforeEachFrame() async throws {
        let run = try await Run(
            """
            pipeline:
              - emit:
                  on: TextFrame
                  pass: true
                  frames:
                    - { type: TTSTextFrame, text: "x", after_ms: 30 }
                    - { type: TTSTextFrame, text: "y" }
                    - { type: TTSTextFrame, text: "z", after_ms: 20 }
            """, [text("a")])
        #expect(run.shown == ["x", "y", "z", "a"])
        #expect(run.times == [30, 30, 50, 50])
    }

    @Test func emittedFramesGetIdsOfTheSession() async throws {
        let yaml =
            "pipeline: [ { emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: x }, { type: TTSTextFrame, text: y, id: 40 } ] } } ]"
        let run = try await Run(yaml, [text("a"), text("b")])
        #expect(run.released.map(\.frame.id) == [1, 3, 40, 5, 40, 6])
    }

    @Test func emitCanForwardBytesAndNumbers() async throws {
        let yaml =
            #"pipeline: [ { emit: { on: InputAudioRawFrame, frames: [ { type: OutputAudioRawFrame, audio: "{audio}", sample_rate: "{sample_rate}", num_channels: 1 } ] } } ]"#
        let line =
            #"{"type": "InputAudioRawFrame", "audio": {"$base64": "AAEC"}, "sample_rate": 8000, "num_channels": 1}"#
        let run = try await Run(yaml, [line])
        let audio = try #require(run.released.compactMap { $0.frame as? OutputAudioRawFrame }.first)
        #expect(audio.audio == [0, 1, 2] && audio.sampleRate == 8000)
    }

    @Test func dropSwallows() async throws {
        let run = try await Run(
            "pipeline: [ { drop: { on: TextFrame } } ]", [text("a"), #"{"type": "TTSStartedFrame"}"#])
        #expect(run.shown == ["TTSStartedFrame"])
    }

    @Test("C11: a processor that throws costs its frame")
    func failThrows() async throws {
        let run = try await Run(
            stage("{ fail: { on: TextFrame, message: no luck } }", "identity"),
            [text("a"), #"{"type": "TTSStartedFrame"}"#])
        #expect(run.shown == ["^ErrorFrame", "a", "TTSStartedFrame"])
        #expect(run.errors.first?.contains("no luck") == true)
        #expect(run.count(.error) == 1)
    }

    @Test func burnTakesSimulatedTime() async throws {
        let run = try await Run(
            stage("{ burn: { ms: 200, on: TextFrame } }", "{ burn: { ms: 300, on: TextFrame } }"), [text("a")])
        #expect(run.times == [300])
    }

    @Test func burnEndsWhenCancelled() async throws {
        let burn = Burn(.synchronized, nanoseconds: 3_600_000_000_000, name: nil)
        let task = Task { try await burn.process(TextFrame("a"), direction: .downstream) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("C4: order of branches under pipeline, of arrival under arrival; the command line overrides it")
    func ordersDiffer() async throws {
        let slow =
            "{ delay: { ms: 40, on: TextFrame } }, { emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: 'image {text}' } ] } }"
        let fast = "{ emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: 'audio {text}' } ] } }"
        let lines = [text("a"), text("b")]
        let arrival = ["audio a", "image a", "audio b", "image b"]
        let pipeline = ["image a", "audio a", "image b", "audio b"]
        #expect(try await Run(stage(slow, fast), lines).shown == arrival)
        #expect(try await Run(stage(slow, fast, order: "pipeline"), lines).shown == pipeline)
        #expect(try await Run(stage(slow, fast), lines, order: .pipeline).shown == pipeline)
    }

    @Test("C15: stages nest in files")
    func stagesNest() async throws {
        let yaml = """
            pipeline:
              - sync_parallel:
                  frame_order: pipeline
                  branches:
                    - processors:
                        - sync_parallel:
                            frame_order: pipeline
                            branches:
                              - processors: [ { delay: { ms: 5, on: TextFrame } }, { emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: 1 } ] } } ]
                              - processors: [ { emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: "2" } ] } } ]
                    - processors: [ { parallel: { branches: [ { processors: [] } ] } } ]
            """.replacing("text: 1 }", with: "text: \"1\" }")
        let run = try await Run(yaml, [text("a")])
        #expect(run.shown == ["1", "2", "a"])
    }

    @Test("C12: a stage of a file stalls after its own time, by its own policy")
    func stallsAsTold() async throws {
        let run = try await Run(
            stage(
                "{ delay: { ms: 5000, on: TextFrame } }", "identity",
                more: "stall_timeout_ms: 100\n      stall_policy: release"),
            [text("a")])
        #expect(run.count(.stall) == 1)
        #expect(run.times.first == 100)
    }

    @Test("C16: ids that collide in a file are recorded, and both frames are kept")
    func idsCollide() async throws {
        let emit = { (words: String) in
            "{ emit: { on: TextFrame, frames: [ { type: TTSTextFrame, text: \(words), id: 900 } ] } }"
        }
        let run = try await Run(stage(emit("one"), emit("two")), [text("a")])
        #expect(run.shown == ["one"])
        #expect(run.count(.duplicate) == 1 && run.count(.anomaly) == 1)
    }

    @Test("C18: the same files give the same events")
    func isDeterministic() async throws {
        let yaml = stage(
            "{ delay: { ms: 3, jitter_ms: 9 } }", "{ delay: { ms: 3, jitter_ms: 9 } }",
            "{ emit: { on: TextFrame, pass: true, frames: [ { type: TTSTextFrame, text: '{text}', after_ms: 4 } ] } }")
        func events() async throws -> [String] {
            try await Run(yaml, (0..<30).map { text("\($0)") }).events.map {
                "\($0.sequence) \($0.time) \($0.kind) \($0.branch) \($0.frame?.id ?? 0) \($0.subject)"
            }
        }
        let first = try await events()
        for _ in 0..<5 { #expect(try await events() == first) }
    }

    @Test func aBadLineStopsTheInputBehindTheGoodOnes() async throws {
        await #expect {
            try await Run("pipeline: [identity]", [text("a"), "oops"])
        } throws: { ($0 as? FileProblem)?.line == 2 }
    }
}
