import Foundation
import Testing

/// Where output goes, and what it must not destroy.
@Suite("Output")
struct OutputTests {
    private static let frames = (1...3).map { #"{"type": "TextFrame", "text": "\#($0)"}"# + "\n" }.joined()

    /// With an input, a pipeline and a history of one session.
    private func bench() async throws -> Workbench {
        let bench = try Workbench()
        try bench.write(Self.frames, to: "in.jsonl")
        try bench.write("pipeline: [ { sync_parallel: { branches: [ { processors: [identity] } ] } } ]", to: "p.yaml")
        let outcome = try await bench.lockstep("record", "--pipeline", "p.yaml", "--input", "in.jsonl")
        try #require(outcome.code == 0)
        return bench
    }

    @Test(
        "Output that would be written over what the command works with is refused, and nothing is touched",
        arguments: [
            ("record --pipeline p.yaml --input in.jsonl --output in.jsonl", "in.jsonl is the input"),
            ("record --pipeline p.yaml --input - --output ./in.jsonl < in.jsonl", "./in.jsonl is the input"),
            ("record --pipeline p.yaml --input in.jsonl --output - >> in.jsonl", "standard output is the input"),
            ("record --pipeline p.yaml --input in.jsonl --output p.yaml", "p.yaml is the pipeline's file"),
            ("record --pipeline p.yaml --input in.jsonl --output lockstep.sqlite", "lockstep.sqlite is the history"),
            ("record --pipeline p.yaml --input in.jsonl --output link", "link is the history"),
            ("replay 1 --output lockstep.sqlite", "lockstep.sqlite is the history"),
            ("export 1 --format jsonl --output lockstep.sqlite", "lockstep.sqlite is the history"),
        ])
    func notOverItsOwn(command: String, message: String) async throws {
        let bench = try await bench()
        let outcome = try await bench.run(
            "/bin/bash", ["-c", "ln -s lockstep.sqlite link; exec timeout 20 \"$0\" \(command)", Workbench.program])
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
        #expect(try bench.read("in.jsonl") == Self.frames)
        #expect(try bench.read("p.yaml").hasPrefix("pipeline:"))
        #expect(try await bench.sqlite("SELECT count(*) FROM sessions") == "1")
    }

    @Test("Playing from behind a session's end says so, and does not go round for ever", arguments: ["", "--loop"])
    func nothingToPlay(loop: String) async throws {
        let bench = try await bench()
        let outcome = try await bench.run(
            "/bin/bash",
            ["-c", "exec timeout 20 \"$0\" replay 1 --output - --start-offset 500 \(loop)", Workbench.program])
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains("nothing was released from 8 min 20 s on"), "\(outcome.errors)")
    }

    @Test("A file stays as it is until the history is open")
    func keptUntilThen() async throws {
        let bench = try await bench()
        try bench.write("kept", to: "out.jsonl")
        let arguments = ["record", "--pipeline", "p.yaml", "--input", "in.jsonl", "--output", "out.jsonl"]
        let failed = try await bench.run(Workbench.program, arguments + ["--db", "nowhere/h.sqlite"])
        #expect(failed.code == 2)
        #expect(try bench.read("out.jsonl") == "kept")
        let done = try await bench.run(Workbench.program, arguments)
        #expect(done.code == 0)
        let lines = try bench.read("out.jsonl")
        #expect(lines.hasPrefix("{") && lines.contains(#""text": "3""#))
    }

    @Test("Closed standard streams are nobody else's", .timeLimit(.minutes(1)))
    func closedStreams() async throws {
        let bench = try await bench()
        let record = "timeout 20 \"$0\" record --pipeline p.yaml --input"
        for (command, code) in [
            ("\(record) in.jsonl --output - >&-", 3), ("\(record) in.jsonl <&- 2>&- >&-", 0),
            ("\(record) - <&-", 0), ("timeout 20 \"$0\" replay 1 --output - >&-", 3), ("\"$0\" sessions >&-", 2),
        ] {
            let outcome = try await bench.run("/bin/bash", ["-c", command, Workbench.program])
            #expect(outcome.code == code, "\(command): \(outcome.errors)")
        }
        #expect(try await bench.lockstep("verify").code == 0)
    }

    @Test("A number that is gone is not the beginning of another session's uuid when it is deleted or redacted")
    func numbersAreNumbers() async throws {
        let bench = try await bench()
        let exported = try await bench.lockstep("export", "1", "--format", "jsonl").output
        let uuid = try #require(exported.firstMatch(of: /"uuid": "([0-9a-f-]{36})"/)?.1)
        let other = "51234567" + uuid.dropFirst(8)
        try bench.write(exported.replacingOccurrences(of: uuid, with: other), to: "other.jsonl")
        #expect(try await bench.lockstep("import", "other.jsonl").code == 0)
        #expect(try await bench.lockstep("show", "51").code == 0)
        for command in [["delete", "51"], ["redact", "51", "--payload", "none"]] {
            let outcome = try await bench.run(Workbench.program, command)
            #expect(outcome.code == 2 && outcome.errors.contains("there is no session '51'"))
        }
        #expect(try await bench.lockstep("delete", "51234567").code == 0)
        #expect(try await bench.sqlite("SELECT count(*) FROM sessions") == "1")
    }

    @Test("A time that no session has is refused, and where it stands already it is damage that is said")
    func times() async throws {
        let bench = try await bench()
        let exported = try await bench.lockstep("export", "1", "--format", "jsonl").output
        for time in [Int64.min, .max, 9_200_000_000_000_000_000] {
            try bench.write(
                exported.replacing(/"at_ns": [0-9]+/, with: "\"at_ns\": \(time)", maxReplacements: 3), to: "t.jsonl")
            let imported = try await bench.lockstep("import", "t.jsonl", "--db", "new.sqlite")
            #expect(imported.code == 2 && imported.errors.contains("'at_ns' has to be"), "\(imported.errors)")
            _ = try await bench.sqlite("UPDATE event SET time = \(time) WHERE seq = 4")
            for command in [
                ["show", "1"], ["show", "1", "--batch", "1"], ["replay", "1"], ["replay", "1", "--output", "-"],
            ] {
                let outcome = try await bench.run(Workbench.program, command)
                #expect(outcome.code == 2 && outcome.errors.contains("'time'"), "\(command): \(outcome.errors)")
            }
            #expect(try await bench.lockstep("verify").code == 1)
        }
    }
}
