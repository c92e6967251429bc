import Testing

@Suite("Export, import, delete, prune")
struct TransferTests {
    private static let views = [
        "sessions", "stages", "branches", "timeline", "release_order", "order_diff", "barriers", "batches", "findings",
    ]

    private func record(in bench: Workbench, name: String = "s") async throws {
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input",
            Workbench.sample("ordering/frames.jsonl"), "--virtual-clock", "--name", name)
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    @Test("An exported session imported elsewhere is the same in every view; importing it twice changes nothing")
    func roundTrip() async throws {
        let bench = try Workbench()
        try await record(in: bench)
        let export = try await bench.lockstep("export", "last", "--format", "jsonl", "--output", "s.jsonl")
        #expect(export.code == 0 && export.output == "")
        #expect(try bench.permissions("s.jsonl") == 0o600)
        let printed = try await bench.lockstep("export", "last", "--format", "jsonl")
        #expect(try printed.output == bench.read("s.jsonl"))

        let imported = try await bench.lockstep("import", "s.jsonl", "--db", "other.sqlite")
        #expect(imported.code == 0, "\(imported.errors)")
        for view in Self.views {
            let columns =
                view == "sessions"
                ? "uuid, name, source, state, started_at, ended_at, duration_ms, inbound, outputs, released, duplicates, bypasses, findings"
                : "*"
            let query = "SELECT \(columns) FROM \(view) ORDER BY 1, 2, 3, 4, 5"
            #expect(try await bench.sqlite(query) == bench.sqlite(query, "other.sqlite"), "\(view)")
        }
        let again = try await bench.lockstep("import", "s.jsonl", "--db", "other.sqlite")
        #expect(again.code == 0)
        #expect(again.errors.contains("is there already"))
        #expect(try await bench.sqlite("SELECT count(*) FROM sessions", "other.sqlite") == "1")
        let back = try await bench.lockstep("export", "last", "--format", "jsonl", "--db", "other.sqlite")
        #expect(try back.output == bench.read("s.jsonl"))
    }

    @Test("A file that is cut off or broken is refused with its line, and nothing of it is imported")
    func broken() async throws {
        let bench = try Workbench()
        try await record(in: bench)
        let whole = try await bench.lockstep("export", "last", "--format", "jsonl").output
        let lines = whole.split(separator: "\n")
        try bench.write(lines.dropLast().joined(separator: "\n"), to: "cut.jsonl")
        try bench.write(
            lines.enumerated().map { $0 == 4 ? "{" : String($1) }.joined(separator: "\n"), to: "broken.jsonl")
        try bench.write(
            lines.enumerated().filter { $0.offset != 6 }.map { String($0.element) }.joined(separator: "\n"),
            to: "gap.jsonl")
        for (file, message) in [
            ("cut.jsonl", "cut.jsonl:\(lines.count): the session is cut off"), ("broken.jsonl", "broken.jsonl:5:"),
            ("gap.jsonl", "gap.jsonl:7:1: the event of sequence 6 is due here"), ("none.jsonl", "none.jsonl"),
        ] {
            let outcome = try await bench.lockstep("import", file, "--db", "other.sqlite")
            #expect(outcome.code == 2)
            #expect(outcome.errors.contains(message), "\(outcome.errors)")
        }
        #expect(!bench.exists("other.sqlite"))
    }

    @Test("delete and prune remove what they say, and --dry-run only says it")
    func removal() async throws {
        let bench = try Workbench()
        for name in ["a", "b", "c", "d"] { try await record(in: bench, name: name) }
        func names() async throws -> String { try await bench.sqlite("SELECT group_concat(name, '') FROM sessions") }

        let dry = try await bench.lockstep("delete", "b", "--dry-run")
        #expect(dry.code == 0 && dry.output.hasPrefix("would delete session 2 b"))
        #expect(try await names() == "abcd")
        let deleted = try await bench.lockstep("delete", "b", "2")
        #expect(deleted.code == 0 && deleted.output.hasPrefix("deleted session 2 b"))
        #expect(try await names() == "acd")
        #expect(try await bench.sqlite("SELECT count(*) FROM timeline WHERE session = 2") == "0")

        let dryPrune = try await bench.lockstep("prune", "--keep", "1", "--dry-run", "--json")
        #expect(dryPrune.code == 0 && dryPrune.output.contains("\"dry_run\": true"))
        #expect(try await names() == "acd")
        #expect(try await bench.lockstep("prune", "--keep", "2").code == 0)
        #expect(try await names() == "cd")
        #expect(try await bench.lockstep("prune", "--older-than", "1d").errors == "nothing to delete\n")
        #expect(try await bench.lockstep("prune", "--max-size", "1B").code == 0)
        #expect(try await names() == "")
    }

    @Test("The file really shrinks")
    func shrinks() async throws {
        let bench = try Workbench()
        try bench.write(
            (0..<3_000).map {
                #"{"type": "TextFrame", "text": "\#($0) \#(String(repeating: "words ", count: 100))"}"# + "\n"
            }
            .joined(), to: "in.jsonl")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input", "in.jsonl", "--virtual-clock"
        )
        #expect(outcome.code == 0)
        let before = try await bench.run("/usr/bin/du", ["-cb", "lockstep.sqlite"]).output
        #expect(try await bench.lockstep("delete", "last").code == 0)
        let after = try await bench.run("/usr/bin/du", ["-cb", "lockstep.sqlite"]).output
        func bytes(_ text: String) -> Int { Int(text.prefix { $0.isNumber }) ?? 0 }
        #expect(bytes(after) < bytes(before) / 3)
    }
}
