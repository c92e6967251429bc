import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

/// Real programs, run and watched.
@Suite struct ProgramRunTests {
    private func run(
        _ script: String, arguments: [String] = [], timeout: Duration = .seconds(60), limit: Int = 1 << 20
    ) async throws -> String {
        let run = ProgramRun(
            name: "sh", path: "/bin/sh", arguments: ["-c", script, "sh"] + arguments, timeout: timeout,
            outputLimit: limit)
        return String(decoding: try await run.output(), as: UTF8.self)
    }

    private func failure(
        _ script: String, arguments: [String] = [], timeout: Duration = .seconds(60), limit: Int = 1 << 20
    ) async -> String? {
        do {
            _ = try await run(script, arguments: arguments, timeout: timeout, limit: limit)
            return nil
        } catch { return "\(error)" }
    }

    @Test func argumentsReachTheProgramAsTheyAre() async throws {
        let nasty = #"$(echo x); `id` "q" 'q' * \ > /dev/null"#
        #expect(try await run(#"printf '%s|' "$@""#, arguments: [nasty, "", "é\n"]) == nasty + "||é\n|")
    }

    @Test func itsInputIsEmpty() async throws {
        #expect(try await run("cat; echo end") == "end\n")
    }

    @Test func aFailureNamesProgramStatusAndItsLastWords() async {
        #expect(await failure("exit 3") == "sh: it ended with status 3")
        #expect(
            await failure("printf 'no\\033[31m such\\tvoice\\n\\n' >&2; exit 1")
                == "sh: it ended with status 1; it said: no[31m such voice")
        #expect(await failure("kill -9 $$") == "sh: it was ended by signal 9")
    }

    @Test func longComplaintsAreCutToTheirEnd() async throws {
        let said = try #require(
            await failure("i=0; while [ $i -lt 3000 ]; do echo \"line é $i\"; i=$((i+1)); done >&2; exit 1"))
        #expect(said.utf8.count < 1200 && said.hasSuffix("line é 2999") && said.contains("it said: …"))
    }

    @Test func aNULCannotBeGivenToAProgram() async {
        #expect(await failure("true", arguments: ["a\u{0}b"])?.contains("an argument has a NUL in it") == true)
    }

    @Test func aProgramThatIsGoneIsAnError() async {
        let run = ProgramRun(name: "gone", path: "/nonexistent/gone", arguments: [], timeout: .seconds(60))
        await #expect { try await run.output() } throws: { "\($0)".hasPrefix("gone: it could not be run: ") }
    }

    @Test func anArgumentThatIsTooLongIsAnError() async {
        let long = String(repeating: "x", count: 4 << 20)
        #expect(await failure("true", arguments: [long])?.hasPrefix("sh: it could not be run") == true)
    }

    @Test func outputIsBounded() async throws {
        #expect(try await run("head -c 1000 /dev/zero", limit: 1000).utf8.count == 1000)
        #expect(
            await failure("head -c 1001 /dev/zero", limit: 1000) == "sh: it wrote more than 1000 bytes and was killed")
        #expect(await failure("yes", limit: 100_000) == "sh: it wrote more than 100000 bytes and was killed")
    }

    @Test func itIsKilledWithAllThatItStartedWhenItTakesTooLong() async throws {
        let file = try TemporaryFile("")
        let script = "sleep 1000 & echo $! > \(file.path); trap '' TERM; sleep 1000"
        let said = await failure(script, timeout: .milliseconds(300))
        #expect(said?.contains("it took longer than 0.3 seconds and was killed") == true)
        try await expectGone(file)
    }

    @Test func itIsKilledWithAllThatItStartedWhenCancelled() async throws {
        let file = try TemporaryFile("")
        let task = Task { try await run("sleep 1000 & echo $! > \(file.path); sleep 1000") }
        while try processID(in: file) == nil { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await expectGone(file)
    }

    @Test func childrenThatKeepItsOutputOpenDoNotHoldItUp() async throws {
        let file = try TemporaryFile("")
        #expect(try await run("sleep 1000 & echo $! > \(file.path); echo done") == "done\n")
        kill(try #require(try processID(in: file)), SIGKILL)
    }

    @Test func programsRunAtTheSameTime() async throws {
        // Each waits for the other's file: one after the other they would take too long.
        let (a, b) = (try TemporaryFile(""), try TemporaryFile(""))
        let script = { @Sendable (mine: String, other: String) in
            "echo x > \(mine); until [ -s \(other) ]; do :; done; echo met"
        }
        async let one = run(script(a.path, b.path))
        async let other = run(script(b.path, a.path))
        let both = try await [one, other]
        #expect(both == ["met\n", "met\n"])
    }

    private func processID(in file: TemporaryFile) throws -> pid_t? {
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        return text.hasSuffix("\n") ? pid_t(text.dropLast()) : nil
    }

    /// The process of that number does not run; it may be a zombie that nobody reaps here.
    private func expectGone(_ file: TemporaryFile) async throws {
        let id = try #require(try processID(in: file))
        for _ in 0..<10_000 {
            let status = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
            if kill(id, 0) != 0 || status?.contains(") Z ") == true { return }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("process \(id) still runs")
    }
}
