internal import ArgumentParser
internal import PipelineEngine
internal import PipelineFiles
internal import SessionHistory
internal import WhiskerBridge

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The program: finds the command, runs it, and turns what comes of it into an exit code.
@main
struct Lockstep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockstep",
        abstract: "A flight recorder for synchronized parallel pipelines.",
        discussion: """
            Runs pipelines and records every frame that goes in, comes out of a branch and is released, into a history that \
            you can replay, compare and query with the sqlite3 shell.

            The history is --db PATH, else $LOCKSTEP_DB, else lockstep.sqlite in the current folder.
            SESSION is a number, a unique beginning of the uuid, a name (the newest of that name) or 'last'.

            Exit codes: 0 done, same, nothing found; 1 differences or findings; 2 usage or trouble, nothing done; 3 done, but \
            something was lost; 129, 130 and 143 stopped by SIGHUP, SIGINT and SIGTERM.
            """,
        version: "0.1.0",
        subcommands: [
            Record.self, Import.self, Sessions.self, Show.self, Replay.self, Diff.self, Check.self, Export.self,
            Delete.self, Prune.self, Redact.self, Verify.self, Recover.self,
        ])

    /// On the process's first thread, and there the commands that wait for nothing: they then need no other, and what they
    /// allocate comes from the C library's first arena, which grows in larger steps than those of other threads.
    @MainActor
    static func main() async {
        openStandardStreams()
        let status = await run(Array(CommandLine.arguments.dropFirst()))
        terminate(status.code)
    }

    /// Whoever started the program may have closed its standard streams. What it opens next would take their numbers: the history, say, into
    /// which a message then goes. Reading finds nothing, writing fails as it would have.
    private static func openStandardStreams() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
            _ = open("/dev/null", O_RDONLY)
        }
    }

    @MainActor
    private static func run(_ arguments: [String]) async -> ExitStatus {
        // Before the options are known: as the user's environment asks.
        var terminal = Terminal()
        do {
            let command = try parseAsRoot(arguments)
            if command is Lockstep { throw CleanExit.helpRequest() }
            switch command {
            case let command as any SpeakingCommand:
                terminal = Terminal(colour: command.speech.colour)
                let status = try command.run(on: terminal)
                try terminal.flush()
                return status
            case let command as any WaitingCommand: return await run(command)
            case var help:
                // Help, of the program or of a command: it says what it has to say by throwing it.
                try help.run()
                return .done
            }
        } catch {
            return explain(error, on: terminal)
        }
    }

    private static func run(_ command: any WaitingCommand) async -> ExitStatus {
        let terminal = Terminal(colour: command.speech.colour)
        do {
            let status = try await command.run(on: terminal)
            try terminal.flush()
            return status
        } catch {
            return explain(error, on: terminal)
        }
    }

    /// Says why a command ended early, behind what it had printed.
    private static func explain(_ error: any Error, on terminal: Terminal) -> ExitStatus {
        switch error {
        case let failure as CommandFailure:
            try? terminal.flush()
            terminal.report(failure.message)
            return failure.status
        case let failure as OutputStream.Failure:
            terminal.report("\(failure)")
            return failure.isClosedPipe ? .lossy : .trouble
        case _ where isOurs(error):
            try? terminal.flush()
            terminal.report("\(error)")
            return .trouble
        default: return speak(for: error, on: terminal)
        }
    }

    /// Whether the error's description is meant for users.
    private static func isOurs(_ error: any Error) -> Bool {
        error is FileProblem || error is FileProblems || error is HistoryError || error is PipelineError
            || error is WhiskerError
    }

    /// Help, version and usage errors are the parser's; its message is for people, its exit code (64) is not ours.
    private static func speak(for error: any Error, on terminal: Terminal) -> ExitStatus {
        let isRequested = exitCode(for: error) == .success
        let message = fullMessage(for: error)
        if isRequested {
            try? terminal.printRaw(message.hasSuffix("\n") ? message : message + "\n")
            try? terminal.flush()
            return .done
        }
        for (index, line) in message.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if index == 0, line.hasPrefix("Error: ") {
                terminal.report(String(line.dropFirst("Error: ".count)))
            } else {
                terminal.note(StyledText(line))
            }
        }
        return .trouble
    }
}

/// The C library's `exit`, which ArgumentParser's commands have a method of the same name for.
private func terminate(_ code: Int32) -> Never { exit(code) }

/// A command that speaks through a terminal and ends with a status.
protocol SpeakingCommand: ParsableCommand {
    var speech: SpeechOptions { get }

    func run(on terminal: Terminal) throws -> ExitStatus
}

/// One that waits: for a program, a peer, a time to come.
protocol WaitingCommand: AsyncParsableCommand {
    var speech: SpeechOptions { get }

    func run(on terminal: Terminal) async throws -> ExitStatus
}
