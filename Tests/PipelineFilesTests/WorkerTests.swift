import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

/// `worker` in running pipelines, with real programs.
@Suite struct WorkerTests {
    private func worker(_ script: String) -> String {
        // In YAML's single quotes a quote is doubled.
        "{ worker: { command: [sh, -c, '\(script.replacing("'", with: "''"))'] } }"
    }

    /// Answers each line by a case of its own; SyncFrame lines are written again.
    private func answering(_ cases: String, at start: String = "") -> String {
        worker(
            "\(start) while IFS= read -r line; do case $line in *'\"SyncFrame\"'*) echo \"$line\";; \(cases) esac; done"
        )
    }

    @Test(arguments: [false, true])
    func catIsAnIdentity(isReal: Bool) async throws {
        let lines = [
            text("a"), #"{"type": "UserStartedSpeakingFrame"}"#,
            #"{"type": "TTSStartedFrame", "pts": 4, "metadata": {"m": 1}, "f": [1]}"#,
            text("b", #""direction": "upstream""#), #"{"type": "InputAudioRawFrame", "audio": {"$base64": "AAE="}}"#,
        ]
        let through = try await Run(
            "pipeline: [ { worker: { command: [cat] } } ]", lines, time: isReal ? .real : .virtual())
        #expect(
            through.shown.sorted() == ["InputAudioRawFrame", "TTSStartedFrame", "UserStartedSpeakingFrame", "^b", "a"])
        let started = try #require(through.released.first { $0.frame.type.name == "TTSStartedFrame" }?.frame)
        #expect(started.header.pts == 4 && started.header.metadata == ["m": 1] && started.fields == ["f": .array([1])])
        #expect(
            through.released.map(\.frame.type.name).filter { $0 == "EndFrame" || $0 == "StartFrame" } == [
                "StartFrame", "EndFrame",
            ])
    }

    @Test func itsAnswersComeInOrderBeforeTheNextFrame() async throws {
        let run = try await Run(
            stage(
                answering(
                    #"*TextFrame*) echo '{"type": "TTSTextFrame", "text": "1"}'; echo '{"type": "TTSTextFrame", "text": "2", "direction": "upstream"}'; echo '{"type": "TTSTextFrame", "text": "3"}';;"#
                ),
                order: "pipeline"), [text("a"), text("b")])
        #expect(run.shown == ["^2", "1", "3", "^2", "1", "3"])
    }

    @Test func framesThatItDoesNotWriteAgainAreGone() async throws {
        let run = try await Run(
            stage(answering(""), "identity"), [text("a"), #"{"type": "UserStartedSpeakingFrame"}"#])
        #expect(run.shown.sorted() == ["UserStartedSpeakingFrame", "a"])
        #expect(run.ending == .ended)
    }

    @Test("C11: a worker that dies gives an error for every frame from then on; the session goes on")
    func deathIsAnErrorForEveryFrame() async throws {
        let dying = worker("read -r start; read -r frame; echo 'out of luck' >&2; exit 5")
        let run = try await Run(
            stage(dying, "identity"), [text("a"), text("b"), #"{"type": "UserStartedSpeakingFrame"}"#, text("c")])
        #expect(run.shown.filter { $0 != "^ErrorFrame" } == ["a", "b", "UserStartedSpeakingFrame", "c"])
        #expect(run.errors.count == 4, "three texts and the EndFrame")
        #expect(
            run.errors.allSatisfy {
                $0.contains("sh: it ended with status 5, and frames can no longer be given to it; it said: out of luck")
            })
        #expect(run.ending == .ended)
    }

    @Test func garbageIsAnErrorAndTheRestCounts() async throws {
        let run = try await Run(
            stage(
                answering(
                    #"*TextFrame*) echo oops; echo '{"type": "Unheard"}'; echo; echo '{"type": "TTSTextFrame", "text": "good"}';;"#
                )),
            [text("a"), #"{"type": "TTSStartedFrame"}"#])
        #expect(run.shown == ["^ErrorFrame", "good"])
        #expect(
            run.errors[0].contains(
                "it wrote a line that is no frame, a value is due here: oops (and 1 more such lines)"))
        #expect(run.count(.error) == 1)
    }

    @Test func syncFramesThatNobodySentAreErrors() async throws {
        let run = try await Run(
            stage(answering(#"*TextFrame*) echo '{"type": "SyncFrame", "id": 99}';;"#)), [text("a")])
        #expect(run.errors.first?.contains("it wrote SyncFrame 99 when 1 was due") == true)
    }

    @Test("C12: a worker that hangs is a stall, named")
    func hangIsAStall() async throws {
        let run = try await Run(
            stage(worker("exec sleep 1000"), "identity", more: "stall_timeout_ms: 50\n      stall_policy: fail"),
            [text("a")], time: .real)
        #expect(run.count(.stall) == 1)
        #expect(run.events.first { $0.kind == .stall }?.processor == "Worker#0")
        #expect(run.ending != .ended)
    }

    @Test func systemFramesDoNotWaitForIt() async throws {
        // It answers the text only when it has been told of the system frame.
        let run = try await Run(
            stage(
                answering(
                    #"*TextFrame*) read -r sync; read -r other; echo '{"type": "TTSTextFrame", "text": "late"}'; echo "$sync";;"#
                )),
            [text("a"), #"{"type": "UserStartedSpeakingFrame"}"#], time: .real)
        #expect(run.shown == ["UserStartedSpeakingFrame", "late"])
    }

    @Test func itMayAnswerSystemFramesAtAnyTime() async throws {
        let run = try await Run(
            stage(
                answering(
                    #"*UserStarted*) echo '{"type": "TTSTextFrame", "text": "heard"}'; echo '{"type": "BotStoppedSpeakingFrame"}';;"#
                )),
            [#"{"type": "UserStartedSpeakingFrame"}"#, text("a"), text("b")], time: .real)
        #expect(run.shown.sorted() == ["BotStoppedSpeakingFrame", "UserStartedSpeakingFrame", "heard"])
    }

    @Test("C10: what it writes for an interrupted frame does not come out later")
    func interruptionLeavesNothingStale() async throws {
        // It notices the interruption only after the fact, and answers the text all the same.
        let run = try await Run(
            stage(
                answering(
                    #"*slow*) read -r sync; read -r interruption; echo '{"type": "TTSTextFrame", "text": "stale"}'; echo "$sync";; *quick*) echo '{"type": "TTSTextFrame", "text": "fresh"}';;"#
                )),
            [text("slow"), #"{"type": "InterruptionFrame", "at_ms": 30}"#, text("quick", #""at_ms": 60"#)], time: .real)
        #expect(run.shown == ["InterruptionFrame", "fresh"])
        #expect(run.events.contains { $0.kind == .drop && $0.frame?.text == "stale" })
    }

    @Test func itMayWriteMoreThanAPipeHolds() async throws {
        let many =
            "*TextFrame*) i=0; while [ $i -lt 3000 ]; do echo \"{\\\"type\\\": \\\"TTSTextFrame\\\", \\\"text\\\": \\\"$i\\\"}\"; i=$((i+1)); done;;"
        let run = try await Run(stage(answering(many)), [text("a")])
        #expect(run.shown == (0..<3000).map(String.init))
    }

    @Test func aLargeFrameGoesThroughIt() async throws {
        let large = String(repeating: "0123456789", count: 50_000)
        #expect(try await Run("pipeline: [ { worker: { command: [cat] } } ]", [text(large)]).shown == [large])
    }

    @Test func itsInputEndsWithTheSession() async throws {
        let file = try TemporaryFile("")
        _ = try await Run("pipeline: [\(answering("", at: "trap 'echo bye > \(file.path)' EXIT;"))]", [text("a")])
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "bye\n")
    }

    @Test func itIsKilledIfItDoesNotEndThen() async throws {
        let file = try TemporaryFile("")
        _ = try await Run(
            "pipeline: [\(answering("", at: "trap '' TERM; echo $$ > \(file.path);")), identity]".replacing(
                "done'", with: "done; sleep 1000'"), [text("a")])
        let id = try #require(pid_t(try String(contentsOfFile: file.path, encoding: .utf8).dropLast()))
        #expect(kill(id, 0) != 0)
    }

    @Test("C18: workers do not make simulated time differ")
    func isDeterministic() async throws {
        let yaml = stage(
            "{ worker: { command: [cat] } }, { delay: { ms: 2, on: TextFrame } }", "{ worker: { command: [cat] } }",
            "identity")
        func events() async throws -> [String] {
            try await Run(yaml, (0..<10).map { text("\($0)") }).events.map {
                "\($0.sequence) \($0.time) \($0.kind) \($0.branch) \($0.subject)"
            }
        }
        let first = try await events()
        for _ in 0..<3 { #expect(try await events() == first) }
    }
}
