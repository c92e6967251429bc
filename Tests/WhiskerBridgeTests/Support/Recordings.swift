import Foundation
import Testing

@testable import WhiskerBridge

/// A recording of a real Pipecat bot among the tests' resources, and what the bot's own process saw.
struct Recording: Sendable, CustomTestStringConvertible {
    let name: String
    let folder: String
    var testDescription: String { name }

    /// Recordings by WhiskerFile, which lack head and tail.
    static let files = [
        "calendar-arrival", "calendar-pipeline", "endframe-lost", "in-parallel", "interruption", "late-start",
        "stuck-barrier", "system-frames", "two-stages", "upstream",
    ].map { Recording(name: $0, folder: "whisk") }

    /// Whole recordings of the bots in Tests/pipecat.
    static let bots = [
        "audio", "nested", "own-types", "two-branches", "two-branches-pipeline", "workers", "row-1", "row-1-own",
        "row-2", "row-2-flush", "row-3", "row-4", "row-5", "row-5-lost", "row-6", "row-7", "row-8", "row-9", "row-10",
        "row-11", "row-12", "row-13", "row-14", "row-15", "row-16", "row-17", "row-18", "row-19", "row-20", "row-21",
        "row-22",
    ].map { Recording(name: $0, folder: "bots") }

    static let audioLeftOut = Recording(name: "audio-left-out", folder: "bots")

    static func named(_ name: String) -> Recording {
        (files + bots).first { $0.name == name } ?? Recording(name: name, folder: "bots")
    }

    var bytes: [UInt8] { get throws { try Array(Data(contentsOf: url("whisk"))) } }
    var path: String { get throws { try url("whisk").path } }

    /// The recording's records, undecoded; the first is the snapshot.
    var records: [[UInt8]] {
        get throws {
            let bytes = try bytes
            var decoder = MessagePackDecoder()
            decoder.feed(bytes)
            var records: [[UInt8]] = []
            var start = 0
            while try decoder.next() != nil {
                records.append(Array(bytes[start..<Int(decoder.offset)]))
                start = Int(decoder.offset)
            }
            return records
        }
    }

    /// What each stage let go, in order: names, with `^` in front of those that went upstream.
    var truth: [String: [String]] {
        get throws {
            if folder == "whisk" {
                let truth = try JSONDecoder().decode(FileTruth.self, from: Data(contentsOf: url("truth.json")))
                return truth.stages.mapValues { stage in
                    stage.released.map { ($0[1] == "upstream" ? "^" : "") + $0[0] }
                }
            }
            return Dictionary(grouping: try lines.filter { $0.what == "out" }, by: \.stage)
                .mapValues { $0.map { ($0.direction == "upstream" ? "^" : "") + $0.frame } }
        }
    }

    /// What came out of the branches of the bots of ours.
    var lines: [BotLine] { get throws { try BotLine.read(url("jsonl")) } }

    private func url(_ ext: String) throws -> URL {
        try #require(Bundle.module.url(forResource: "Resources/\(folder)/\(name)", withExtension: ext))
    }

    private struct FileTruth: Decodable {
        struct Stage: Decodable {
            var released: [[String]]
        }

        var stages: [String: Stage]
    }
}

/// One line of what a bot's process saw.
struct BotLine: Decodable, Sendable {
    var stage: String
    /// `in`, `out` or `branch`.
    var what: String
    var frame: String
    var direction: String
    var branch: Int?

    /// - Parameter wholeOnly: whether a last line that is cut, by a bot that was killed, is left aside.
    static func read(_ url: URL, wholeOnly: Bool = false) throws -> [BotLine] {
        let text = try String(contentsOf: url, encoding: .utf8)
        var lines = text.split(separator: "\n")
        if wholeOnly, !text.hasSuffix("\n"), !lines.isEmpty { lines.removeLast() }
        return try lines.map { try JSONDecoder().decode(BotLine.self, from: Data($0.utf8)) }
    }
}

extension Collection where Element: Equatable {
    /// Whether the elements of `part` stand in this collection in their order.
    func hasInOrder(_ part: [Element]) -> Bool {
        var rest = self[...]
        for element in part {
            guard let index = rest.firstIndex(of: element) else { return false }
            rest = rest[rest.index(after: index)...]
        }
        return true
    }

    /// Whether `part` stands in this collection without a gap.
    func hasPart(_ part: [Element]) -> Bool {
        let whole = Array(self)
        guard part.count <= whole.count else { return false }
        return (0...(whole.count - part.count)).contains { Array(whole[$0..<($0 + part.count)]) == part }
    }
}
