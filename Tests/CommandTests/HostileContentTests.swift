import Foundation
import SystemPackage
import Testing

@Suite("Names and texts from frames")
struct HostileContentTests {
    /// Escapes that move, colour, retitle, ring, reorder; SQL; a path; a line end.
    private static let evil =
        "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}'); DROP TABLE session;--\r\n../../etc/x%n\u{0}\u{85}"

    /// A session whose every name and text is hostile.
    private func bench() async throws -> (Workbench, [String]) {
        let bench = try Workbench()
        let json =
            "\"" + Self.evil.utf16.map { "\\u" + String(0x1_0000 + Int($0), radix: 16).dropFirst() }.joined() + "\""
        try bench.write(
            """
            name: \(json)
            pipeline:
              - sync_parallel:
                  branches:
                    - name: \(json)
                      processors:
                        - emit: { on: TextFrame, frames: [ { type: TextFrame, text: "{text}" }, { type: Evil, class: data, note: "{text}" } ] }
                    - name: \(json)
                      processors:
                        - fail: { on: TextFrame, message: \(json) }
            """.replacing("\\u0000", with: ""), to: "p.yaml")
        try bench.write(
            """
            {"type": "TextFrame", "text": \(json), "metadata": {"k": \(json)}}
            {"type": "Own", "class": "data", "words": \(json)}

            """, to: "f.jsonl")
        let outcome = try await bench.lockstep(
            "record", "--pipeline", "p.yaml", "--input", "f.jsonl", "--virtual-clock", "--name",
            "evil \u{1b}[31m'; DROP TABLE session")
        #expect(outcome.code == 0 || outcome.code == 3, "\(outcome.errors)")
        return (bench, [outcome.errors, outcome.output])
    }

    @Test("cannot steer the terminal: record, sessions, show, diff, check, replay, verify, export, redact, delete")
    func terminal() async throws {
        let (bench, first) = try await bench()
        var texts = first
        for arguments in [
            ["sessions"], ["show", "last"], ["show", "last", "--batch", "2"],
            ["show", "last", "--batch", "2", "--all"],
            ["show", "last", "--batch", "3", "--all"], ["diff", "last"], ["diff", "1", "1", "--all"], ["check"],
            ["check", "last"], ["replay", "last"],
            ["verify"], ["export", "last", "--format", "jsonl", "--output", "out.jsonl"], ["import", "out.jsonl"],
            ["recover", "lockstep.sqlite", "--output", "new.sqlite"], ["redact", "last", "--payload", "text"],
            ["delete", "last", "--dry-run"], ["show", Self.evil.replacing("\u{0}", with: "")],
            ["prune", "--keep", "0", "--dry-run"],
        ] {
            for options in [["--color", "never"], ["--json"]]
            where !(arguments[0] == "recover" && options == ["--json"]) {
                let outcome = try await bench.run(Workbench.program, arguments + options)
                #expect(outcome.code <= 3, "\(arguments): \(outcome.errors)")
                texts += [outcome.output, outcome.errors]
            }
        }
        for text in texts {
            let harmful = text.unicodeScalars.first { scalar in
                (scalar.value < 0x20 && scalar != "\n") || (0x7F..<0xA0).contains(scalar.value)
                    || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            }
            #expect(
                harmful == nil,
                "\(harmful.map { String($0.value, radix: 16) } ?? "") in \(text.prefix(300).debugDescription)")
        }
        #expect(texts.joined().contains("DROP TABLE"))
        #expect(try await bench.sqlite("SELECT count(*) FROM sessions") == "1")
        #expect(!bench.exists("../../etc/x%n"))
    }

    @Test("come out of an export as they went in")
    func exports() async throws {
        let (bench, _) = try await bench()
        for format in ["jsonl", "whisk"] {
            let outcome = try await bench.lockstep("export", "last", "--format", format, "--output", "out.\(format)")
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(try bench.permissions("out.\(format)") == 0o600)
            let imported = try await bench.lockstep("import", "out.\(format)", "--db", "\(format).sqlite")
            #expect(imported.code == 0, "\(imported.errors)")
            let question = "SELECT hex(text), hex(fields), hex(metadata) FROM frames ORDER BY seq"
            #expect(try await bench.sqlite(question, "\(format).sqlite") == bench.sqlite(question))
        }
    }

    @Test("An export does not follow a link, and is its owner's alone")
    func exportThroughLink() async throws {
        let (bench, _) = try await bench()
        try bench.write("precious", to: "precious")
        try FileManager.default.createSymbolicLink(
            atPath: bench.folder.appending("out.jsonl").string, withDestinationPath: "precious")
        let outcome = try await bench.lockstep("export", "last", "--format", "jsonl", "--output", "out.jsonl")
        #expect(outcome.code == 0)
        #expect(try bench.read("precious") == "precious")
        #expect(try bench.permissions("out.jsonl") == 0o600)
    }
}
