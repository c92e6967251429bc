import Subprocess
import SystemPackage
import Testing

/// What `record` promises of its history, and does when it cannot keep it.
@Suite("lockstep record, its promises")
struct RecordPromisesTests {
    private static let ordering = Workbench.sample("ordering/pipeline.yaml")
    private static let frames = Workbench.sample("ordering/frames.jsonl")

    /// Frames that are 4 MB together, one a line.
    private static let large = (0..<400).map {
        #"{"type": "TextFrame", "text": "\#($0) \#(String(repeating: "x", count: 10_000))"}"# + "\n"
    }.joined()

    private func bench() throws -> Workbench {
        let bench = try Workbench()
        try bench.write(Self.large, to: "in.jsonl")
        try bench.write(
            "pipeline: [ { sync_parallel: { branches: [ { processors: [identity] } ] } } ]", to: "p.yaml")
        return bench
    }

    /// Runs it where files may not become larger than 2 MiB.
    ///
    /// - Parameter endsInput: whether the input is `in.jsonl`, or one that begins with it and then stays open, so that nothing but the failure ends the
    ///   session, however late it is noticed.
    private func limited(_ bench: Workbench, _ options: String, endsInput: Bool) async throws -> Workbench.Outcome {
        let input = endsInput ? "in.jsonl" : "<(exec 2> /dev/null; cat in.jsonl; exec sleep 60)"
        return try await bench.run(
            "/bin/bash",
            [
                "-c",
                "ulimit -f 2048; exec \"$0\" record --pipeline p.yaml --input - --output /dev/stdout \(options) < \(input)",
                Workbench.program,
            ])
    }

    @Test(
        "A file that may not grow stops the session, says what is lost, and leaves what was committed",
        arguments: [false, true])
    func stop(writeAhead: Bool) async throws {
        let bench = try bench()
        let outcome = try await limited(bench, writeAhead ? "--write-ahead" : "", endsInput: false)
        #expect(outcome.code == 3)
        #expect(outcome.errors.contains("a limit on file sizes reached (ulimit -f)"), "\(outcome.errors)")
        #expect(outcome.errors.contains("the session was stopped"), "\(outcome.errors)")
        #expect(outcome.errors.contains("not in the history"), "\(outcome.errors)")
        #expect(!outcome.output.contains("EndFrame"))
        #expect(try await bench.sqlite("PRAGMA integrity_check") == "ok")
        // The next one to write finds it whole.
        let again = try await bench.lockstep("record", "--pipeline", "p.yaml")
        #expect(again.code == 0, "\(again.errors)")
        #expect(
            try await bench.sqlite("SELECT state IN ('failed', 'interrupted') FROM sessions WHERE session = 1") == "1")
        guard writeAhead else { return }
        #expect(outcome.errors.contains("withheld"), "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").filter {
            $0.contains("\"batch\": ") && !$0.contains("\"batch\": null")
        }
        let recorded = try await bench.sqlite("SELECT count(*) FROM timeline WHERE session = 1 AND event = 'release'")
        #expect(lines.count <= Int(recorded) ?? 0, "\(lines.count) went out, \(recorded) are recorded")
    }

    @Test("--on-storage-error continue runs the session to its end, unrecorded", arguments: [false, true])
    func goOn(writeAhead: Bool) async throws {
        let bench = try bench()
        let outcome = try await limited(
            bench, "--on-storage-error continue \(writeAhead ? "--write-ahead" : "")", endsInput: true)
        #expect(outcome.code == 3)
        #expect(outcome.errors.contains("warning: "), "\(outcome.errors)")
        #expect(outcome.errors.contains("The session goes on unrecorded"), "\(outcome.errors)")
        #expect(outcome.errors.contains("since it could not be written any more"), "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").count == 402)
        #expect(outcome.output.contains("EndFrame"))
        #expect(try await bench.sqlite("PRAGMA integrity_check") == "ok")
    }

    @Test("--write-ahead and --durability full release the same, recorded before", arguments: ["normal", "full"])
    func writeAhead(durability: String) async throws {
        let bench = try Workbench()
        let arguments = [
            "record", "--pipeline", Self.ordering, "--input", Self.frames, "--virtual-clock", "--output", "-",
        ]
        let plain = try await bench.run(Workbench.program, arguments)
        let held = try await bench.run(
            Workbench.program, arguments + ["--write-ahead", "--durability", durability])
        #expect(held.code == 0)
        #expect(held.output == plain.output)
    }

    @Test("A reader that goes away is noticed with --write-ahead as well", .timeLimit(.minutes(2)))
    func brokenPipe() async throws {
        let bench = try bench()
        let outcome = try await bench.run(
            "/bin/bash",
            [
                "-c",
                "\"$0\" record --pipeline p.yaml --input in.jsonl --output - --write-ahead | head -n 3 > /dev/null; exit ${PIPESTATUS[0]}",
                Workbench.program,
            ])
        #expect(outcome.code == 3, "\(outcome.errors)")
        #expect(outcome.errors.contains("not written"), "\(outcome.errors)")
    }

    @Test("Another program that holds the history locked is named, and the wait is bounded", .timeLimit(.minutes(3)))
    func locked() async throws {
        let bench = try Workbench()
        _ = try await bench.lockstep("record", "--pipeline", Self.ordering, "--virtual-clock")
        // Held for a second: waited for, and nothing is lost.
        let outcome = try await bench.run(
            "/bin/bash",
            [
                "-c",
                """
                (echo "BEGIN IMMEDIATE; SELECT 1;"; sleep 1; echo "COMMIT;") | sqlite3 lockstep.sqlite > locked &
                until [ -s locked ]; do sleep 0.02; done
                "$0" record --pipeline "$1" --input "$2" --virtual-clock
                """,
                Workbench.program, Self.ordering, Self.frames,
            ])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await bench.sqlite("SELECT inbound FROM sessions WHERE session = 2") == "5")
    }

    @Test(
        "What makes no sense with a bot is refused",
        arguments: [["--write-ahead"], ["--on-storage-error", "continue"]])
    func bots(options: [String]) async throws {
        let bench = try Workbench()
        let outcome = try await bench.run(
            Workbench.program, ["record", "--whisker", "ws://localhost:1"] + options)
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("a bot runs by itself"), "\(outcome.errors)")
    }
}
