import SystemPackage
import Testing

@Suite("Usage")
struct UsageTests {
    @Test(
        "Wrong usage is exit code 2, with a sentence on standard error and nothing on standard output",
        arguments: [
            (["bogus"], "Unexpected argument 'bogus'"),
            (["record"], "give --pipeline FILE to run a pipeline, or --whisker ADDRESS to record a bot"),
            (
                ["record", "--pipeline", "x.yaml", "--order", "alphabetical"],
                "Please provide one of 'arrival' and 'pipeline'"
            ),
            (["prune"], "give one of --older-than, --keep and --max-size"),
            (["prune", "--keep", "1", "--older-than", "3d"], "give one of --older-than, --keep and --max-size"),
            (["prune", "--keep", "-1"], "--keep"),
            (["prune", "--older-than", "soon"], "'soon' is invalid"),
            (["prune", "--max-size", "10 parsecs"], "'10 parsecs' is invalid"),
            (["delete"], "Missing expected argument"),
            (["show"], "Missing expected argument '<session>'"),
            (["show", "last", "--batch", "0"], "batches count from 1"),
            (["diff", "last", "--limit", "-2"], "--limit"),
            (["export", "last"], "--format"),
            (["export", "last", "--format", "xml"], "'xml' is invalid"),
            (["replay", "last", "--rate", "2"], "add --output"),
            (["replay", "last", "--rate", "fast", "--output", "-"], "'fast' is invalid"),
            (["replay", "last", "--order", "both", "--output", "-"], "only one order can be played"),
            (["sessions", "--color", "perhaps"], "'perhaps' is invalid"),
            (["sessions", "--db", ""], "--db names no file"),
        ])
    func wrongUsage(arguments: [String], message: String) async throws {
        let bench = try Workbench()
        let outcome = try await bench.run(Workbench.program, arguments)
        #expect(outcome.code == 2)
        #expect(outcome.errors.hasPrefix("error: "))
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
        #expect(outcome.output == "")
        #expect(!bench.exists("lockstep.sqlite"))
    }

    @Test("Help and version are data, and exit code 0")
    func help() async throws {
        let bench = try Workbench()
        for arguments in [["--help"], ["help"], [], ["help", "diff"], ["diff", "--help"]] {
            let outcome = try await bench.run(Workbench.program, arguments)
            #expect(outcome.code == 0 && outcome.errors == "" && outcome.output.contains("USAGE: lockstep"))
        }
        let version = try await bench.lockstep("--version")
        #expect(version.code == 0 && version.output == "0.1.0\n")
    }

    @Test("What a user types cannot steer the terminal")
    func escapes() async throws {
        let bench = try Workbench()
        for arguments in [["\u{1b}[2J"], ["show", "\u{1b}]0;x\u{7}", "--db", "\u{1b}[31m.sqlite"]] {
            let outcome = try await bench.run(Workbench.program, arguments)
            #expect(outcome.code == 2)
            #expect(!outcome.errors.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        }
    }

    @Test("The man page knows every command and every option")
    func manPage() async throws {
        let bench = try Workbench()
        let page = try bench.read(Workbench.repository.appending("docs/lockstep.1").string)
            .replacing("\\-", with: "-").replacing("\\fR", with: "")
        let root = try await bench.lockstep("--help").output
        let commands = root.split(separator: "SUBCOMMANDS:\n")[1].split(separator: "\n")
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }.compactMap { $0.split(separator: " ").first }
            .filter { $0 != "See" }
        #expect(commands.count >= 9)
        for command in commands {
            #expect(page.contains("\n.SS \(command)\n"), "\(command)")
            let help = try await bench.lockstep(String(command), "--help").output
            for option in help.matches(of: /--[a-z][a-z-]+/) {
                #expect(page.contains(String(option.output)), "\(command) \(option.output)")
            }
        }
    }

    @Test("Completions come for the shells that have them", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) async throws {
        let bench = try Workbench()
        let outcome = try await bench.lockstep("--generate-completion-script", shell)
        #expect(outcome.code == 0 && outcome.output.contains("lockstep"))
    }
}
