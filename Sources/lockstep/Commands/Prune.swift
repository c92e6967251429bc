internal import ArgumentParser
internal import SessionHistory

struct Prune: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete the oldest sessions that a rule does not keep; the file shrinks.",
        discussion: "A session that is being recorded stays.")

    @Option(help: ArgumentHelp("Delete what started longer ago: 90s, 15m, 12h, 30d, 8w.", valueName: "age"))
    var olderThan: Age?

    @Option(help: ArgumentHelp("Keep the newest so many sessions.", valueName: "n"))
    var keep: Int?

    @Option(help: ArgumentHelp("Keep the newest that together take no more: 500MB, 10GB.", valueName: "size"))
    var maxSize: Size?

    @Flag(help: "Only say what would be deleted.")
    var dryRun = false

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        let rules = [olderThan != nil, keep != nil, maxSize != nil].count { $0 }
        if rules != 1 { throw ValidationError("give one of --older-than, --keep and --max-size") }
        if let keep, keep < 0 { throw ValidationError("--keep cannot be negative") }
    }

    func run(on terminal: Terminal) throws -> ExitStatus {
        let rule: PruneRule =
            if let olderThan { .olderThan(seconds: olderThan.seconds) } else if let keep { .keep(count: keep) } else {
                .maxSize(bytes: maxSize?.bytes ?? .max)
            }
        // Reading first: a history that is not there is not created to delete from it.
        _ = try history.open()
        let removal = try history.open(for: .writing).prune(rule, dryRun: dryRun)
        try terminal.print(RemovalView(removal), asJSON: speech.json)
        return .done
    }
}

/// A length of time as `30d`.
struct Age: ExpressibleByArgument, Equatable {
    let seconds: Double

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800]
        guard let unit = argument.last.flatMap({ units[$0] }), let number = Double(argument.dropLast()),
            number >= 0, number.isFinite
        else { return nil }
        seconds = number * unit
    }
}

/// A size as `10GB`.
struct Size: ExpressibleByArgument, Equatable {
    let bytes: Int64

    init?(argument: String) {
        let units: [(String, Double)] = [
            ("KiB", 1_024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776), ("KB", 1e3),
            ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1),
        ]
        let text = argument.uppercased()
        guard let (unit, factor) = units.first(where: { text.hasSuffix($0.0.uppercased()) }),
            let number = Double(text.dropLast(unit.count)), number >= 0, number * factor < 9e18
        else { return nil }
        bytes = Int64(number * factor)
    }
}
