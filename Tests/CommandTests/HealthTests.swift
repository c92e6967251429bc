import Foundation
import SystemPackage
import Testing

@Suite("verify, recover, redact, and what is kept")
struct HealthTests {
    private func recorded(_ options: String...) async throws -> Workbench {
        let bench = try Workbench()
        try await record(in: bench, options)
        return bench
    }

    private func record(in bench: Workbench, _ options: [String] = []) async throws {
        let outcome = try await bench.run(
            Workbench.program,
            [
                "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input",
                Workbench.sample("ordering/frames.jsonl"), "--virtual-clock",
            ] + options)
        #expect(outcome.code == 0, "\(outcome.errors)")
    }

    /// Changes a bit of the text of a frame, as a failing disk does.
    private func damage(_ bench: Workbench) throws {
        let path = bench.folder.appending("lockstep.sqlite").string
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = try #require(bytes.range(of: Data("Dentist at nine (1 of 3)".utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    @Test("verify says that a history is whole, or what is not as it was written")
    func verify() async throws {
        let bench = try await recorded()
        let whole = try await bench.lockstep("verify")
        #expect(whole.code == 0 && whole.errors == "")
        try expectGolden("verify", whole.output, in: bench)
        try damage(bench)
        let damaged = try await bench.lockstep("verify")
        #expect(damaged.code == 1)
        try expectGolden("verify-damaged", damaged.output + damaged.errors, in: bench)
        let json = try await bench.lockstep("verify", "--json")
        #expect(json.code == 1)
        try expectGolden("verify-damaged-json", json.output, in: bench)
    }

    @Test("verify of what is no history is trouble, not damage")
    func verifyNothing() async throws {
        let bench = try Workbench()
        try bench.write("hello", to: "text")
        for path in ["missing.sqlite", "text"] {
            let outcome = try await bench.lockstep("verify", "--db", path)
            #expect(outcome.code == 2 && outcome.output == "" && outcome.errors.contains(path))
        }
    }

    @Test("recover brings everything over from a whole history, and exits with 0")
    func recoverWhole() async throws {
        let bench = try await recorded()
        let before = try Data(contentsOf: URL(fileURLWithPath: bench.folder.appending("lockstep.sqlite").string))
        let outcome = try await bench.lockstep("recover", "lockstep.sqlite", "--output", "new.sqlite")
        #expect(outcome.code == 0 && outcome.errors == "")
        try expectGolden("recover", outcome.output, in: bench)
        #expect(try bench.permissions("new.sqlite") == 0o600)
        for view in ["sessions", "stages", "branches", "timeline", "frames", "findings"] {
            #expect(
                try await bench.sqlite("SELECT * FROM \(view)", "new.sqlite") == bench.sqlite("SELECT * FROM \(view)"))
        }
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: bench.folder.appending("lockstep.sqlite").string)) == before)
        #expect(try await bench.lockstep("verify", "--db", "new.sqlite").code == 0)
        let again = try await bench.lockstep("recover", "lockstep.sqlite", "--output", "new.sqlite")
        #expect(again.code == 2 && again.errors.contains("there already"))
    }

    @Test("recover says what is lost, keeps it as a finding, and exits with 3")
    func recoverWithLoss() async throws {
        let bench = try await recorded()
        try damage(bench)
        let outcome = try await bench.lockstep("recover", "lockstep.sqlite", "--output", "new.sqlite")
        #expect(outcome.code == 3)
        try expectGolden("recover-loss", outcome.output, in: bench)
        #expect(try await bench.lockstep("verify", "--db", "new.sqlite").code == 0)
        #expect(try await bench.lockstep("check", "--db", "new.sqlite").output.contains("recording-incomplete"))
        #expect(try await bench.sqlite("SELECT count(*) FROM frames WHERE omitted = 'damaged'", "new.sqlite") != "0")
        let json = try await bench.lockstep("recover", "lockstep.sqlite", "--output", "other.sqlite", "--json")
        #expect(json.code == 3 && json.output.contains("\"whole\": false"))
    }

    @Test("recover refuses what is no history and leaves nothing behind")
    func recoverNothing() async throws {
        let bench = try Workbench()
        try bench.write(Array(repeating: 0x50, count: 100_000), to: "noise")
        try bench.write("", to: "empty")
        _ = try await bench.sqlite("CREATE TABLE mine(x)", "foreign.db")
        for path in ["noise", "empty", "foreign.db", "missing", "."] {
            let outcome = try await bench.lockstep("recover", path, "--output", "new.sqlite")
            #expect(outcome.code == 2 && outcome.output == "" && outcome.errors.hasPrefix("error: "), "\(path)")
            #expect(!bench.exists("new.sqlite") && !bench.exists("new.sqlite.recovery"), "\(path)")
        }
    }

    @Test("redact takes the words out of every file of the history; order and replay stay")
    func redact() async throws {
        let bench = try await recorded()
        let order = "SELECT frame_order, batch, position, frame_id FROM release_order"
        let before = try await bench.sqlite(order)
        let diff = try await bench.lockstep("diff", "last", "--summary").output
        let outcome = try await bench.lockstep("redact", "last")
        #expect(outcome.code == 0)
        try expectGolden("redact", outcome.output, in: bench)
        for name in try FileManager.default.contentsOfDirectory(atPath: bench.folder.string) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.folder.appending(name).string))
            #expect(bytes.range(of: Data("Dentist".utf8)) == nil, "\(name)")
        }
        #expect(try await bench.sqlite(order) == before)
        #expect(try await bench.lockstep("diff", "last", "--summary").output == diff)
        #expect(try await bench.lockstep("replay", "last").code == 0)
        #expect(try await bench.lockstep("verify").code == 0)
        try expectGolden("show-redacted", try await bench.lockstep("show", "last").output, in: bench)
        try expectGolden(
            "show-batch-redacted", try await bench.lockstep("show", "last", "--batch", "1").output, in: bench)
        let full = try await bench.lockstep("redact", "last", "--payload", "full")
        #expect(full.code == 2)
        let missing = try await bench.lockstep("redact", "1", "--db", "missing.sqlite")
        #expect(missing.code == 2 && !bench.exists("missing.sqlite"))
    }

    @Test(
        "record --payload hash and none: no text in any file; replay and diff still work; exports say so",
        arguments: [
            "hash", "none",
        ])
    func payload(mode: String) async throws {
        let bench = try await recorded("--payload", mode)
        for name in try FileManager.default.contentsOfDirectory(atPath: bench.folder.string) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.folder.appending(name).string))
            #expect(bytes.range(of: Data("Dentist".utf8)) == nil, "\(name)")
        }
        let full = try await recorded()
        #expect(
            try await bench.lockstep("diff", "1", "--summary").output
                == full.lockstep("diff", "1", "--summary").output)
        #expect(try await bench.lockstep("replay", "1").code == 0)
        #expect(try await bench.lockstep("verify").code == 0)
        try expectGolden("show-\(mode)", try await bench.lockstep("show", "1", "--batch", "1").output, in: bench)
        // A copy is as the original is.
        #expect(try await bench.lockstep("export", "1", "--format", "jsonl", "--output", "s.jsonl").code == 0)
        #expect(try bench.permissions("s.jsonl") == 0o600)
        #expect(try await bench.lockstep("import", "s.jsonl", "--db", "copy.sqlite").code == 0)
        for view in ["sessions", "frames", "timeline"] {
            #expect(
                try await bench.sqlite("SELECT * FROM \(view)", "copy.sqlite") == bench.sqlite("SELECT * FROM \(view)"))
        }
    }

    @Test("import --payload keeps no more than it says, and no more than there is")
    func importPayload() async throws {
        let bench = try await recorded("--payload", "text")
        #expect(try await bench.lockstep("export", "1", "--format", "jsonl", "--output", "s.jsonl").code == 0)
        for (asked, kept) in [("full", "text"), ("hash", "hash")] {
            let outcome = try await bench.lockstep("import", "s.jsonl", "--payload", asked, "--db", "\(asked).sqlite")
            #expect(outcome.code == 0)
            #expect(try await bench.sqlite("SELECT payload FROM sessions", "\(asked).sqlite") == kept)
        }
    }

    @Test("A frame over --max-frame passes unharmed and is recorded as size and hash")
    func maxFrame() async throws {
        let bench = try Workbench()
        let lines = [20, 21].map { "{\"type\": \"TextFrame\", \"text\": \"\(String(repeating: "x", count: $0))\"}\n" }
        let outcome = try await bench.run(
            Workbench.program,
            [
                "record", "--pipeline", Workbench.sample("ordering/pipeline.yaml"), "--input", "-", "--output", "-",
                "--virtual-clock", "--max-frame", "20B",
            ], input: lines.joined())
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains(String(repeating: "x", count: 21)))
        #expect(
            try await bench.sqlite(
                "SELECT text, text_bytes, omitted FROM frames WHERE frame_type = 'TextFrame' ORDER BY seq")
                == "xxxxxxxxxxxxxxxxxxxx|20|\n|21|truncated")
        for size in ["0B", "257MiB", "1GB"] {
            let wrong = try await bench.lockstep("record", "--pipeline", "x.yaml", "--max-frame", size)
            #expect(wrong.code == 2 && wrong.errors.contains("--max-frame has to be from 1B to 256MiB"))
        }
    }
}
