internal import ArgumentParser
internal import SessionHistory

struct Redact: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "redact",
        abstract: "Take the content of frames out of a session, for good.",
        discussion: """
            Order, times, ids and types stay, so that replay and diff still work; texts, fields, voice and images go. The old bytes are \
            overwritten in the file and its log. Copies, exports and backups are yours to delete.

            Exits with 3 if a program that reads the history keeps its log from being emptied.
            """)

    @OptionGroup var target: SessionArgument

    @Option(
        help: ArgumentHelp(
            "What to keep: none; hash: sizes and hashes; text: all but audio, images and other bytes.",
            valueName: "none|hash|text"))
    var payload = PayloadChoice.none

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        if payload == .full { throw ValidationError("--payload full would redact nothing; give none, hash or text") }
    }

    func run(on terminal: Terminal) throws -> ExitStatus {
        // Reading first: a history that is not there is not created to redact in it.
        let session = try history.open().sessionToBeChanged(target.session)
        let redaction = try history.open(for: .writing).redact(session.session, keeping: payload.mode)
        if speech.json {
            var facts = redaction.session.facts
            facts.set("frames", redaction.frames)
            facts.set("log_emptied", redaction.isLogEmptied)
            facts.set("bytes_before", redaction.sizeBefore)
            facts.set("bytes_after", redaction.sizeAfter)
            try terminal.print(facts)
        } else {
            let frames = Quantity.count(redaction.frames, "frame")
            try terminal.print(
                StyledText("redacted \(redaction.session.title)", .bold)
                    + StyledText(" · \(frames) · kept: \(redaction.session.payload.rawValue)", .dim))
            terminal.note(
                "the history took \(Quantity.bytes(redaction.sizeBefore)), now \(Quantity.bytes(redaction.sizeAfter))")
        }
        if redaction.isLogEmptied { return .done }
        terminal.report(
            "a program that reads the history keeps its log from being emptied: old bytes may stand in the file ending in -wal until "
                + "it ends; then redact again", as: "warning")
        return .lossy
    }
}
