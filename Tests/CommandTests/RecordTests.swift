import Subprocess
import SystemPackage
import Testing

@Suite("lockstep record")
struct RecordTests {
    private static let ordering = Workbench.sample("ordering/pipeline.yaml")
    private static let frames = Workbench.sample("ordering/frames.jsonl")

    /// Two branches that pass frames on; the first says with a system frame that it has one.
    private static let slow = """
        pipeline:
          - sync_parallel:
              branches:
                - name: slow
                  processors:
                    - emit: { on: TextFrame, pass: true, frames: [ { type: UserMuteStartedFrame } ] }
                    - delay: { ms: 3600000, on: [TextFrame] }
                - name: quick
                  processors: [ identity ]
        """

    @Test("On simulated time a session releases the same lines every time, and they are these")
    func virtualClock() async throws {
        let bench = try Workbench()
        let arguments = ["record", "--pipeline", Self.ordering, "--input", Self.frames, "--virtual-clock"]
        let first = try await bench.run(Workbench.program, arguments + ["--output", "-"])
        #expect(first.code == 0)
        #expect(first.errors == "session 1 ordering · complete · 5 in · 17 released\n")
        try expectGolden("record-ordering-arrival", first.output, in: bench)
        let second = try await bench.run(
            Workbench.program, arguments + ["--output", "out.jsonl", "--order", "pipeline"])
        #expect(second.code == 0 && second.output == "")
        try expectGolden("record-ordering-pipeline", bench.read("out.jsonl"), in: bench)
        #expect(try bench.permissions("out.jsonl") == 0o600)
        let third = try await bench.run(Workbench.program, arguments + ["--output", "-", "--name", "again"])
        #expect(third.output == first.output)
        #expect(
            try await bench.sqlite("SELECT session, name, state, inbound, released FROM sessions")
                == "1|ordering|complete|5|17\n2|ordering|complete|5|17\n3|again|complete|5|17")
        #expect(try await bench.sqlite("SELECT DISTINCT frame_order FROM stages WHERE session = 2") == "pipeline")
    }

    @Test("What is released is what the history says was released")
    func outputIsRecorded() async throws {
        let bench = try Workbench()
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Self.ordering, "--input", Self.frames, "--output", "-", "--virtual-clock")
        let written = outcome.output.split(separator: "\n").compactMap { line -> String? in
            guard let batch = line.firstMatch(of: /"batch": (\d+), "position": (\d+)/),
                let id = line.firstMatch(of: /"frame_id": (\d+)/)
            else { return nil }
            return "\(batch.output.1)|\(batch.output.2)|\(id.output.1)"
        }
        let recorded = try await bench.sqlite(
            "SELECT batch, position, frame_id FROM timeline WHERE event = 'release' ORDER BY seq")
        #expect(written.joined(separator: "\n") == recorded)
    }

    @Test("A frame on standard input comes out released while standard input stays open", .timeLimit(.minutes(2)))
    func livePipe() async throws {
        let bench = try Workbench()
        try bench.write("pipeline: [ { sync_parallel: { branches: [ { processors: [identity] } ] } } ]", to: "p.yaml")
        let outcome = try await bench.live("record", "--pipeline", "p.yaml", "--input", "-", "--output", "-") { live in
            _ = try await live.line(containing: "StartFrame")
            for word in ["one", "two", "three"] {
                try await live.send(#"{"type": "TextFrame", "text": "\#(word)"}"#)
                #expect(try await live.line(containing: word).contains("\"batch\""))
            }
        }
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("EndFrame"))
    }

    @Test(
        "SIGINT, SIGTERM and SIGHUP close the session; the open batch is there to see", .timeLimit(.minutes(2)),
        arguments: [Signal.interrupt, .terminate, .terminalClosed])
    func signals(signal: Signal) async throws {
        let bench = try Workbench()
        try bench.write(Self.slow, to: "p.yaml")
        let outcome = try await bench.live("record", "--pipeline", "p.yaml", "--input", "-", "--output", "-") { live in
            try await live.send(#"{"type": "TextFrame", "text": "held"}"#)
            _ = try await live.line(containing: "UserMuteStartedFrame")
            try live.signal(signal)
            while try await live.nextLine() != nil {}
        }
        #expect(outcome.code == 128 + signal.rawValue)
        #expect(try await bench.sqlite("SELECT state, ended_at IS NOT NULL FROM sessions") == "interrupted|1")
        #expect(
            try await bench.sqlite("SELECT frame_type, outcome FROM batches ORDER BY batch LIMIT 1")
                == "TextFrame|cancelled")
        #expect(
            try await bench.sqlite("SELECT branch, sync_ms IS NULL FROM barriers WHERE batch = 1 ORDER BY branch")
                == "0|1\n1|0")
        #expect(
            try await bench.sqlite("SELECT text FROM timeline WHERE event = 'output' AND batch = 1") == "held")
    }

    @Test("A reader that goes away ends the session, and what was not written is counted", .timeLimit(.minutes(2)))
    func brokenPipe() async throws {
        let bench = try Workbench()
        try bench.write(
            (0..<5_000).map {
                #"{"type": "TextFrame", "text": "\#($0) \#(String(repeating: "x", count: 200))"}"# + "\n"
            }
            .joined(), to: "in.jsonl")
        try bench.write("pipeline: [ { sync_parallel: { branches: [ { processors: [identity] } ] } } ]", to: "p.yaml")
        let outcome = try await bench.run(
            "/bin/bash",
            [
                "-c",
                "'\(Workbench.program)' record --pipeline p.yaml --input in.jsonl --output - | head -n 3 >/dev/null;"
                    + " exit ${PIPESTATUS[0]}",
            ])
        #expect(outcome.code == 3)
        #expect(outcome.errors.contains("the reader of standard output has gone"))
        #expect(outcome.errors.contains("not written"))
        #expect(try await bench.sqlite("SELECT state FROM sessions") == "interrupted")
    }

    @Test(
        "A line that is no frame ends the session as failed; what came before is recorded and released",
        arguments: [
            (#"{"type": "TextFrame", "text": "#, "in.jsonl:2:30: the JSON ends where a value is due"),
            (#"{"text": "no type"}"#, "in.jsonl:2:1: this frame has no 'type'"),
            (#"{"type": "TextFrame", "text": 7}"#, "in.jsonl:2:31: 'text' has to be a string in a TextFrame"),
            (#"{"type": "TextFrame", "text": "x", "at_ms": "soon"}"#, "in.jsonl:2:45: 'at_ms' has to be a number"),
            (#"{"type": "TextFrame", "text": "x", "at_ms": 5}"#, "in.jsonl:2: 'at_ms' goes back"),
            (#"{"type": "TextFrom", "text": "x"}"#, "did you mean TextFrame?"),
            ("{\"type\": \"TextFrame\", \"text\": \"\u{fffd}\"}", "UTF-8"),
        ])
    func badLine(line: String, message: String) async throws {
        let bench = try Workbench()
        var bytes = Array("{\"type\": \"TextFrame\", \"text\": \"first\", \"at_ms\": 10}\n".utf8)
        // U+FFFD stands for a byte that is no UTF-8.
        bytes += Array((line + "\n").utf8).replacing([0xEF, 0xBF, 0xBD], with: [0xFF])
        try bench.write(bytes, to: "in.jsonl")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Self.ordering, "--input", "in.jsonl", "--output", "-", "--virtual-clock")
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
        #expect(outcome.output.contains("first (3 of 3)"))
        #expect(try await bench.sqlite("SELECT state, findings FROM sessions") == "failed|1")
        #expect(try await bench.sqlite("SELECT kind, severity FROM findings") == "session-failed|error")
        #expect(try await bench.sqlite("SELECT detail FROM findings").contains(message))
        #expect(try await bench.lockstep("check").code == 1)
        #expect(try await bench.lockstep("verify").code == 0)
        #expect(try await bench.sqlite("SELECT outcome FROM batches WHERE batch = 1") == "released")
    }

    @Test(
        "Why a session failed is not kept where no words are to be, nor after a redaction", arguments: ["full", "hash"])
    func reasonWithoutWords(payload: String) async throws {
        let bench = try Workbench()
        try bench.write("{\"type\": \"SecretFrame\"}\n", to: "in.jsonl")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Self.ordering, "--input", "in.jsonl", "--payload", payload)
        #expect(outcome.code == 2)
        #expect(try await bench.sqlite("SELECT detail FROM findings").contains("SecretFrame") == (payload == "full"))
        #expect(try await bench.lockstep("redact", "last").code == 0)
        #expect(try await bench.sqlite("SELECT count(*) FROM findings WHERE detail LIKE '%SecretFrame%'") == "0")
        #expect(try await bench.sqlite("SELECT kind FROM findings") == "session-failed")
    }

    @Test("A line of 100 MB is refused by its number, not taken into memory")
    func hugeLine() async throws {
        let bench = try Workbench()
        try bench.write(
            Array("{\"type\": \"TextFrame\", \"text\": \"".utf8) + [UInt8](repeating: 0x61, count: 100 << 20),
            to: "in.jsonl")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Self.ordering, "--input", "in.jsonl", "--virtual-clock")
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("in.jsonl:1: this line is longer than"), "\(outcome.errors)")
    }

    @Test(
        "A pipeline file that is wrong is said with its place, and nothing runs",
        arguments: [
            ("a: [", "p.yaml:"),
            ("", "p.yaml"),
            ("just a text", "p.yaml"),
            ("pipeline: []", "p.yaml"),
            ("pipeline:\n  - sync_parallel:\n      branches: []\n", "p.yaml:2:5"),
            (
                "pipeline:\n  - sync_parallel:\n      frame_order: random\n      branches: [ { processors: [] } ]\n",
                "p.yaml:3"
            ),
            ("pipeline:\n  - telepathy\n", "p.yaml:2"),
            ("pipeline:\n  - delay: { ms: 3, mss: 4 }\n", "p.yaml:2"),
            ("pipeline:\n  - exec: { on: TextFrame, command: [no-such-program-here], emits: TextFrame }\n", "p.yaml:2"),
        ])
    func badPipeline(yaml: String, place: String) async throws {
        let bench = try Workbench()
        try bench.write(yaml, to: "p.yaml")
        let outcome = try await bench.lockstep("record", "--pipeline", "p.yaml", "--input", Self.frames)
        #expect(outcome.code == 2)
        #expect(outcome.errors.hasPrefix("error: \(place)"), "\(outcome.errors)")
        #expect(!bench.exists("lockstep.sqlite"))
    }

    @Test("A missing pipeline, input or place for the output is said, and nothing runs")
    func missingFiles() async throws {
        let bench = try Workbench()
        for arguments in [
            ["--pipeline", "none.yaml"], ["--pipeline", Self.ordering, "--input", "none.jsonl"],
            ["--pipeline", Self.ordering, "--output", "none/out.jsonl"],
        ] {
            let outcome = try await bench.run(Workbench.program, ["record"] + arguments)
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains("none"), "\(outcome.errors)")
            #expect(!bench.exists("lockstep.sqlite"))
        }
    }

    @Test("A history that cannot be written is said, whoever is at fault")
    func badHistory() async throws {
        let bench = try Workbench()
        try bench.write("not a history", to: "plain")
        for path in ["none/lockstep.sqlite", "plain/lockstep.sqlite", "plain", "/proc/lockstep.sqlite", "."] {
            let outcome = try await bench.lockstep(
                "record", "--pipeline", Self.ordering, "--input", Self.frames, "--virtual-clock", "--db", path)
            #expect(outcome.code == 2, "\(path)")
            #expect(outcome.errors.hasPrefix("error: "), "\(path): \(outcome.errors)")
        }
        #expect(try bench.read("plain") == "not a history")
    }

    @Test("A path is a path, whatever it looks like, and LOCKSTEP_DB names one")
    func paths() async throws {
        let bench = try Workbench()
        let arguments = ["record", "--pipeline", Self.ordering, "--input", Self.frames, "--virtual-clock"]
        #expect(try await bench.run(Workbench.program, arguments + ["--db", "file:x?mode=memory"]).code == 0)
        #expect(bench.exists("file:x?mode=memory"))
        #expect(
            try await bench.run(Workbench.program, arguments, environment: ["LOCKSTEP_DB": "elsewhere.sqlite"]).code
                == 0)
        #expect(bench.exists("elsewhere.sqlite") && !bench.exists("lockstep.sqlite"))
        #expect(try bench.permissions("elsewhere.sqlite") == 0o600)
    }

    @Test("Text with NUL, controls and wide characters is recorded as it is, and printed harmlessly")
    func strangeText() async throws {
        let bench = try Workbench()
        try bench.write(
            #"{"type": "TextFrame", "text": "nul\u0000 esc\u001b[31m bell\u0007 世界 👩‍👩‍👧 \u202e"}"# + "\n", to: "in.jsonl")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Self.ordering, "--input", "in.jsonl", "--output", "-", "--virtual-clock")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains(#"nul\u0000 esc\u001b[31m bell\u0007 世界 👩‍👩‍👧"#))
        let shown = try await bench.lockstep("show", "last", "--batch", "1")
        #expect(shown.code == 0)
        #expect(shown.output.contains(#"“nul\0 esc\x1b[31m bell\x07 世界 👩‍👩‍👧 \u{202e}”"#))
        #expect(!shown.output.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0 == "\u{202e}" })
    }

    @Test(
        "A program that fails, hangs, writes garbage or dies costs its frame and not the session",
        arguments: [
            (#"exec: { on: TextFrame, command: ["false"], emits: TextFrame }"#, "it ended with status 1"),
            (
                #"exec: { on: TextFrame, command: ["sleep", "1000"], emits: TextFrame, timeout_ms: 50 }"#,
                "it took longer than"
            ),
            (#"worker: { command: ["echo", "garbage"] }"#, "echo"),
            (#"worker: { command: ["true"] }"#, "true"),
        ])
    func badProgram(processor: String, message: String) async throws {
        let bench = try Workbench()
        try bench.write(
            "pipeline: [ { sync_parallel: { branches: [ { processors: [ { \(processor) } ] }, { processors: [identity] } ] } } ]",
            to: "p.yaml")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", "p.yaml", "--input", Self.frames, "--output", "-")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("\"ErrorFrame\""))
        #expect(outcome.output.contains("Train at six"))
        #expect(try await bench.sqlite("SELECT state FROM sessions") == "complete")
        let errors = try await bench.sqlite("SELECT text FROM timeline WHERE event = 'error'")
        #expect(errors.contains(message), "\(errors)")
    }

    @Test("C16: frames that share an id but differ are recorded with both contents, and checked")
    func collision() async throws {
        let bench = try Workbench()
        try bench.write(
            #"pipeline: [ { sync_parallel: { branches: [ { processors: [ { worker: { command: ["sed", "-u", "s/hello/bye/"] } } ] },"#
                + " { processors: [ identity ] } ] } } ]", to: "p.yaml")
        try bench.write(#"{"type": "TextFrame", "text": "hello", "id": 77}"# + "\n", to: "in.jsonl")
        let outcome = try await bench.lockstep("record", "--pipeline", "p.yaml", "--input", "in.jsonl")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(
            try await bench.sqlite(
                "SELECT text FROM timeline WHERE event = 'output' AND frame_id = 77 ORDER BY text") == "bye\nhello")
        let check = try await bench.lockstep("check", "last")
        #expect(check.code == 1)
        #expect(check.output.contains("collision"), "\(check.output)")
    }

    @Test("--json says what was recorded, as data unless the data are the frames")
    func json() async throws {
        let bench = try Workbench()
        let arguments = ["record", "--pipeline", Self.ordering, "--input", Self.frames, "--virtual-clock", "--json"]
        let plain = try await bench.run(Workbench.program, arguments)
        #expect(plain.output.contains(#""session": 1"#) && plain.errors == "")
        let piped = try await bench.run(Workbench.program, arguments + ["--output", "-"])
        #expect(piped.errors.contains(#""session": 2"#) && !piped.output.contains(#""uuid""#))
    }
}
