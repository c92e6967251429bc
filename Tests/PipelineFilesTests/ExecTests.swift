import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

/// `exec` in running pipelines, with real programs.
@Suite struct ExecTests {
    private func exec(_ command: String, emits: String = "TTSTextFrame", _ more: String = "") -> String {
        "{ exec: { on: TextFrame, command: [\(command)], emits: \(emits)\(more) } }"
    }

    @Test(arguments: [false, true])
    func whatAProgramWritesBecomesAFrame(isReal: Bool) async throws {
        let run = try await Run(
            "pipeline: [\(exec(#"printf, "<%s>", "{text}""#))]",
            [text("a"), text("$(b) 'c'"), #"{"type": "TTSStartedFrame"}"#],
            time: isReal ? .real : .virtual())
        #expect(run.shown == ["<a>", "<$(b) 'c'>", "TTSStartedFrame"])
    }

    @Test func theFrameItselfGoesOnIfTold() async throws {
        #expect(try await Run("pipeline: [\(exec("echo, new", ", pass: true"))]", [text("a")]).shown == ["new", "a"])
    }

    @Test func upstreamFramesAreAnsweredUpstream() async throws {
        #expect(
            try await Run("pipeline: [\(exec("echo, new"))]", [text("a", #""direction": "upstream""#)]).shown == [
                "^new"
            ])
    }

    @Test("C11: a program that fails costs its frame; the session goes on")
    func failuresAreErrorFrames() async throws {
        let run = try await Run(
            stage(
                exec(#"sh, -c, 'test "$1" = good && echo fine || { echo bad luck >&2; exit 4; }', sh, "{text}""#),
                "identity"),
            [text("bad"), text("good")])
        #expect(
            run.shown == ["^ErrorFrame", "bad", "fine", "good"] || run.shown == ["^ErrorFrame", "bad", "good", "fine"])
        #expect(run.errors.first?.contains("sh: it ended with status 4; it said: bad luck") == true)
        #expect(run.count(.error) == 1 && run.ending == .ended)
    }

    @Test func garbageIsAnError() async throws {
        let run = try await Run(
            "pipeline: [\(exec(#"printf, '\377\376'"#)), \(exec("echo, noise", emits: "TTSAudioRawFrame"))]",
            [text("a")])
        #expect(run.errors.count == 1 && run.errors[0].contains("printf: its output is not UTF-8 text"))
        let audio = try await Run("pipeline: [\(exec("echo, noise", emits: "TTSAudioRawFrame"))]", [text("a")])
        #expect(audio.errors.first?.contains("echo: its output is no WAV file") == true)
    }

    @Test func aProgramThatHangsIsKilledAtItsTimeout() async throws {
        let run = try await Run(
            "pipeline: [\(exec("sleep, 1000", ", timeout_ms: 50"))]", [text("a"), #"{"type": "TTSStartedFrame"}"#])
        #expect(run.shown == ["^ErrorFrame", "TTSStartedFrame"])
        #expect(run.errors[0].contains("sleep: it took longer than 0.05 seconds and was killed"))
    }

    @Test func aProgramThatIsGoneIsAnErrorAtRunTime() async throws {
        let script = try TemporaryFile("#!/bin/sh\necho here\nrm \"$0\"\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
        let run = try await Run("pipeline: [\(exec(script.path))]", [text("a"), text("b")])
        #expect(run.shown == ["here", "^ErrorFrame"])
        #expect(run.errors[0].contains("could not be run"))
    }

    @Test func aNULInTextIsAnErrorOfThatFrame() async throws {
        let run = try await Run(
            "pipeline: [\(exec(#"echo, "{text}""#))]", [#"{"type": "TextFrame", "text": "a\u0000b"}"#, text("c")])
        #expect(run.shown == ["^ErrorFrame", "c"])
        #expect(run.errors[0].contains("has a NUL in it"))
    }

    @Test("C10: an interruption ends the program")
    func interruptionEndsTheProgram() async throws {
        let run = try await Run(
            stage(exec(#"sh, -c, 'test "$1" = slow && sleep 1000; echo "$1"', sh, "{text}""#)),
            [text("slow"), #"{"type": "InterruptionFrame", "at_ms": 30}"#, text("quick", #""at_ms": 60"#)], time: .real)
        #expect(run.shown == ["InterruptionFrame", "quick"])
        #expect(run.events.first { $0.batch == 1 && $0.outcome != nil }?.outcome == .interrupted)
    }

    @Test("C18: programs do not make simulated time differ")
    func isDeterministic() async throws {
        let slow = exec(#"sh, -c, 'i=0; while [ $i -lt 500 ]; do i=$((i+1)); done; echo slow'"#)
        let yaml = stage("\(slow), { delay: { ms: 2, on: TTSTextFrame } }", exec("echo, quick"), exec("echo, third"))
        func shown() async throws -> [String] {
            let run = try await Run(yaml, [text("a"), text("b"), text("c")])
            return zip(run.shown, run.times).map { "\($0) \($1)" }
        }
        let first = try await shown()
        #expect(first.prefix(3) == ["quick 2", "third 2", "slow 2"])
        for _ in 0..<3 { #expect(try await shown() == first) }
    }

    @Test("C17: branches that wait for programs overlap")
    func branchesOverlap() async throws {
        // Each waits for the other's file: one after the other, neither would end before its timeout.
        let (a, b) = (try TemporaryFile(""), try TemporaryFile(""))
        let meet = { (mine: String, other: String) in
            self.exec(#"sh, -c, "echo x > \#(mine); until [ -s \#(other) ]; do :; done; echo met""#)
        }
        let run = try await Run(stage(meet(a.path, b.path), meet(b.path, a.path)), [text("a")], time: .real)
        #expect(run.shown == ["met", "met"])
    }

    @Test func speaksAndDraws() async throws {
        let speech = exec(#"espeak-ng, --stdout, "--", "{text}""#, emits: "TTSAudioRawFrame", ", chunk_ms: 100")
        let image = exec(#"convert, -size, 120x40, "caption:{text}", "png:-""#, emits: "OutputImageRawFrame")
        let run = try await Run(stage(image, speech, order: "pipeline"), [text("Hello")])
        let frames = run.released.map(\.frame).filter { $0.payload != nil }
        let drawn = try #require(frames.first as? OutputImageRawFrame)
        #expect(drawn.width == 120 && drawn.height == 40 && drawn.format == "PNG")
        let spoken = frames.dropFirst()
        #expect(spoken.count > 3 && spoken.allSatisfy { $0.type.name == "TTSAudioRawFrame" })
        let rate = try #require(spoken.first?.fields["sample_rate"])
        #expect(rate == 22050 && spoken.first?.payload?.bytes.count == 2 * 2205)
    }
}
