import Foundation
import Subprocess
import SystemPackage
import Testing

@Suite("Pipecat bots: record --whisker, import and export of .whisk")
struct WhiskerTests {
    private static func recording(_ name: String) -> String {
        Workbench.repository.appending("Tests/WhiskerBridgeTests/Resources/\(name).whisk").string
    }

    private static let content =
        "SELECT stage, batch, frame_order, direction, position, branch, frame_name FROM release_order"

    @Test("A recording of Whisker's is imported once, and shows what is wrong with the bot")
    func importing() async throws {
        let bench = try Workbench()
        let file = Self.recording("bots/row-7")
        let outcome = try await bench.lockstep("import", file)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("session 1 row-7 · imported, "))
        #expect(outcome.errors.contains("1 batch was still open at the end"))
        let check = try await bench.lockstep("check", "last")
        #expect(check.code == 1 && check.output.contains("sync-missing"))
        #expect(try await bench.sqlite("SELECT DISTINCT outcome FROM batches WHERE batch = 1") == "open")

        let again = try await bench.lockstep("import", file, "--json")
        #expect(again.code == 0 && again.output.contains(#""imported": false"#))
        #expect(try await bench.sqlite("SELECT count(*) FROM sessions") == "1")
    }

    @Test(
        "Each defect is listed once, under its own name, and a healthy recording shows none",
        arguments: [
            ("whisk/system-frames", "system-frame-duplicated|3"), ("bots/row-17", "late-output|2"),
            ("bots/row-9", "stale-output|1\nsystem-frame-duplicated|1"), ("bots/row-5", "upstream-held|2"),
            ("whisk/two-stages", ""), ("bots/nested", ""),
        ])
    func once(name: String, kinds: String) async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep("import", Self.recording(name))
        #expect(try await bench.sqlite("SELECT kind, count(*) FROM findings GROUP BY kind ORDER BY kind") == kinds)
        #expect(try await bench.lockstep("check").code == (kinds.isEmpty ? 0 : 1))
        #expect(try await bench.sqlite("SELECT count(*) FROM findings WHERE detail NOT LIKE '%; %'") == "0")
    }

    @Test("The frame order is inferred from what was released, or given")
    func orders() async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep("import", Self.recording("whisk/calendar-pipeline"))
        #expect(try await bench.sqlite("SELECT frame_order FROM stages") == "pipeline")
        _ = try await bench.lockstep(
            "import", Self.recording("whisk/stuck-barrier"), "--order", "pipeline", "--db", "given.sqlite")
        #expect(try await bench.sqlite("SELECT frame_order FROM stages", "given.sqlite") == "pipeline")
        _ = try await bench.lockstep("import", Self.recording("whisk/stuck-barrier"), "--db", "unknown.sqlite")
        #expect(try await bench.sqlite("SELECT frame_order IS NULL FROM stages", "unknown.sqlite") == "1")
    }

    @Test("A file that is cut off is imported up to there: exit code 3 says what is missing")
    func cut() async throws {
        let bench = try Workbench()
        let whole = try Data(contentsOf: URL(fileURLWithPath: Self.recording("whisk/calendar-arrival")))
        try bench.write(Array(whole.prefix(whole.count / 2)), to: "cut.whisk")
        let outcome = try await bench.lockstep("import", "cut.whisk")
        #expect(outcome.code == 3)
        #expect(outcome.errors.contains("missing: cut off at byte \(whole.count / 2)"), "\(outcome.errors)")
        #expect(try await bench.sqlite("SELECT state, inbound > 5 FROM sessions") == "failed|1")
    }

    @Test(
        "A file whose beginning is cut off begins with anything: its name says what it is",
        arguments: ["head.whisk", "head"])
    func headCut(name: String) async throws {
        let bench = try Workbench()
        let whole = try Data(contentsOf: URL(fileURLWithPath: Self.recording("whisk/two-stages")))
        try bench.write(Array(whole.dropFirst(whole.count / 3)), to: name)
        let outcome = try await bench.lockstep("import", name)
        #expect(outcome.code == 3, "\(outcome.errors)")
        #expect(outcome.errors.contains("missing: the file's beginning is missing"), "\(outcome.errors)")
        // Nothing goes into the first stage in what is left.
        #expect(try await bench.sqlite("SELECT stages, inbound > 3, released > 8 FROM sessions") == "1|1|1")
    }

    @Test("What is no recording is refused, and nothing is imported")
    func foreign() async throws {
        let bench = try Workbench()
        try bench.write([0x82, 0xA1, 0x61, 0x01, 0xA1, 0x62, 0x02], to: "other.whisk")
        let outcome = try await bench.lockstep("import", Self.recording("bots/row-7"), "other.whisk")
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("other.whisk is no recording of Whisker's"), "\(outcome.errors)")
        #expect(!bench.exists("lockstep.sqlite"))
    }

    @Test(
        "A session exported as .whisk and imported again has the same batches",
        arguments: ["bots/row-9", "whisk/two-stages", "whisk/system-frames", "whisk/upstream"])
    func roundTrip(name: String) async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep("import", Self.recording(name))
        let export = try await bench.lockstep("export", "last", "--format", "whisk", "--output", "copy.whisk")
        #expect(export.code == 0, "\(export.errors)")
        #expect(try bench.permissions("copy.whisk") == 0o600)
        let imported = try await bench.lockstep("import", "copy.whisk", "--db", "copy.sqlite")
        #expect(imported.code == 0, "\(imported.errors)")
        for query in [
            Self.content + " ORDER BY 1, 2, 3, 4, 5",
            "SELECT seq, event, stage, batch, branch, position, direction, frame_name, text FROM timeline ORDER BY seq",
            "SELECT stage, batch, outcome, frame_type FROM batches ORDER BY 1, 2",
            "SELECT seq, stage, batch, kind, detail FROM findings ORDER BY seq, kind",
            "SELECT stage, name, frame_order, branches FROM stages",
        ] {
            #expect(try await bench.sqlite(query) == bench.sqlite(query, "copy.sqlite"), "\(query)")
        }
    }

    @Test("Our own sessions travel as .whisk, too")
    func ownSession() async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep(
            "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input",
            Workbench.sample("ordering/frames.jsonl"), "--virtual-clock")
        #expect(try await bench.lockstep("export", "last", "--format", "whisk", "--output", "own.whisk").code == 0)
        #expect(try await bench.lockstep("import", "own.whisk", "--db", "copy.sqlite").code == 0)
        let query = Self.content + " ORDER BY 1, 2, 3, 4, 5"
        #expect(try await bench.sqlite(query) == bench.sqlite(query, "copy.sqlite"))
        #expect(try await bench.lockstep("replay", "last", "--db", "copy.sqlite").code == 0)
    }

    @Test("Findings of a bot's session travel in JSON lines")
    func findingsTravel() async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep("import", Self.recording("bots/row-7"))
        _ = try await bench.lockstep("export", "last", "--format", "jsonl", "--output", "s.jsonl")
        _ = try await bench.lockstep("import", "s.jsonl", "--db", "copy.sqlite")
        let query = "SELECT seq, stage, batch, branch, kind, severity, detail FROM findings"
        #expect(try await bench.sqlite(query) == bench.sqlite(query, "copy.sqlite"))
    }

    @Test("replay shows what a correct engine releases, against what Pipecat released")
    func replay() async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep("import", Self.recording("whisk/calendar-pipeline"))
        #expect(try await bench.lockstep("replay", "last").code == 0)
        _ = try await bench.lockstep("import", Self.recording("whisk/interruption"))
        let outcome = try await bench.lockstep("replay", "last")
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("does not come back"))
    }

    @Test(
        "An address that is none, and a bot that is not there, are exit code 2",
        arguments: [
            (["record", "--whisker", "http://localhost:9090"], "is neither a ws nor a wss address"),
            (["record", "--whisker", "ws://localhost:1"], "nobody listens at ws://localhost:1"),
            (["record", "--whisker", "ws://localhost:1", "--wait", "--duration", "1"], "no bot was there"),
            (["record", "--whisker", "ws://localhost:1", "--pipeline", "p.yaml"], "give --pipeline FILE"),
            (["record", "--whisker", "ws://localhost:1", "--output", "-"], "a bot has its own"),
            (["record", "--pipeline", "p.yaml", "--wait"], "are for --whisker"),
            (["record", "--whisker", "ws://localhost:1", "--duration", "0"], "--duration"),
        ])
    func noBot(arguments: [String], message: String) async throws {
        let bench = try Workbench()
        let outcome = try await bench.run(Workbench.program, arguments)
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }

    // MARK: - Real bots

    /// The virtual environment with Pipecat, that `make test` makes.
    private static let python: String? = {
        let given = ProcessInfo.processInfo.environment["LOCKSTEP_PIPECAT_VENV"]
        let path = FilePath(given ?? Workbench.repository.appending(".venv").string).appending("bin/python").string
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    /// Runs one of the bots of Tests/pipecat and lets `body` have its address once its server listens.
    private func withBot(_ name: String, _ options: [String], _ body: (String) async throws -> Void) async throws {
        let python = try #require(Self.python)
        let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        let port = try await Subprocess.run(
            .path(FilePath(python)), arguments: ["-c", script], output: .string(limit: 64)
        ).standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
        _ = try await Subprocess.run(
            .path(FilePath(python)),
            arguments: Arguments(["-B", "bot.py", name, "--port", port] + options), environment: .inherit,
            workingDirectory: Workbench.repository.appending("Tests/pipecat"), input: .none, output: .sequence,
            error: .discarded
        ) { execution in
            var lines = LineReader(execution.standardOutput)
            while let line = try await lines.next() { if line.contains("ready") { break } }
            try await body("ws://127.0.0.1:\(port)")
            try execution.send(signal: .kill)
        }
    }

    @Test(
        "A real bot is recorded while it runs, until it ends",
        .enabled(if: python != nil, "needs Tests/pipecat/setup.sh"),
        .timeLimit(.minutes(3)))
    func liveBot() async throws {
        let bench = try Workbench()
        try await withBot("two-branches", ["--await-client", "--linger", "1"]) { address in
            let outcome = try await bench.lockstep("record", "--whisker", address, "--name", "bot")
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("session 1 bot · complete"))
        }
        #expect(try await bench.sqlite("SELECT name, state, released > 0 FROM sessions") == "bot|complete|1")
        #expect(try await bench.lockstep("check").code == 0)
        let replay = try await bench.lockstep("replay", "last")
        #expect(replay.code == 0, "\(replay.output)")
    }

    @Test(
        "SIGINT ends the recording of a bot that hangs: its open batch and the branch to blame are in the history",
        .enabled(if: python != nil, "needs Tests/pipecat/setup.sh"), .timeLimit(.minutes(3)))
    func hangingBot() async throws {
        let bench = try Workbench()
        try await withBot("row-7", ["--await-client", "--linger", "60"]) { address in
            let outcome = try await bench.live("record", "--whisker", address) { live in
                // The history grows while it is recorded: a reader elsewhere sees when the bot hangs.
                while try await !bench.hasRows("SELECT 1 FROM timeline WHERE event = 'output'") {
                    try await Task.sleep(for: .milliseconds(50))
                }
                try live.signal(.interrupt)
            }
            #expect(outcome.code == 130, "\(outcome.errors)")
        }
        #expect(try await bench.sqlite("SELECT state FROM sessions") == "complete")
        #expect(try await bench.sqlite("SELECT outcome FROM batches") == "open")
        #expect(try await bench.lockstep("check").output.contains("sync-missing"))
    }
}

extension Workbench {
    /// Whether the query gives anything; false while there is no history.
    func hasRows(_ query: String) async throws -> Bool {
        guard exists("lockstep.sqlite") else { return false }
        return (try? await sqlite(query))?.isEmpty == false
    }
}
