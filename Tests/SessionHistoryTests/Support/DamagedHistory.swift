import Foundation
import GRDB
import PipelineEngine

@testable import SessionHistory

/// A history with something of everything in it, and ways to damage it.
struct DamagedHistory {
    /// The content of each file by its suffix: "" and perhaps "-wal".
    var files: [String: Data]

    /// At rest when closed; with a write-ahead log when taken while its writer lives.
    static func make(in folder: TemporaryFolder, atRest: Bool) async throws -> DamagedHistory {
        let path = folder.file("original.sqlite")
        let history = try History.open(at: path, for: .writing)
        for mode in [PayloadMode.full, .hash, .full] {
            let definition = SessionScript.definition()
            guard let log = try await history.begin(SessionStart(definition: definition, name: "s", payload: mode))
            else { continue }
            let source = WaitingEvents()
            source.add(script().events, to: log)
            try await log.flush(source)
            try history.add(
                [
                    Finding(
                        sequence: 3, stage: 0, batch: 1, branch: 1, kind: "stall", severity: .warning,
                        detail: "it was slow")
                ], to: log.session)
            try await log.close(source, state: .complete)
        }
        let replay = try history.beginReplay(of: 1, order: .pipeline)
        try replay.append(
            (0..<200).map {
                ReleaseRow(
                    stage: 0, batch: Int64($0 + 1), direction: "downstream", position: 0, branch: 0,
                    frameID: Int64($0 + 1),
                    frameName: "TextFrame#\($0 + 1)", frameType: "TextFrame", text: nil)
            })
        try replay.finish(verdict: "same", differingBatches: 0)
        if atRest {
            history.close()
            return DamagedHistory(files: ["": try Data(contentsOf: URL(fileURLWithPath: path))])
        }
        defer { history.close() }
        return DamagedHistory(
            files: [
                "": try Data(contentsOf: URL(fileURLWithPath: path)),
                "-wal": try Data(contentsOf: URL(fileURLWithPath: path + "-wal")),
            ])
    }

    private static func script() -> SessionScript {
        var script = SessionScript()
        for number in 1...120 as ClosedRange<Int64> {
            script.batch(
                number, text: "batch \(number) says something of its own", arrivals: number % 3 == 0 ? [1, 0] : [0, 1])
            let id = 100_000 + number
            let audio = GenericFrame(
                FrameType.known("OutputAudioRawFrame") ?? .dataFrame,
                header: FrameHeader(id: id, metadata: ["n": .integer(number)]),
                payload: FramePayload(
                    name: "audio",
                    bytes: (0..<(number % 40 == 0 ? 40_000 : 320)).map { UInt8(truncatingIfNeeded: $0 &* Int(number)) }),
                fields: ["sample_rate": 16_000])
            script.add(.bypass, direction: .downstream, frame: audio)
            if number % 8 == 0 { addBurst(batch: number + 1, to: &script) }
            if number % 10 == 0 {
                script.add(.error, batch: number, branch: 0, detail: "failure \(number)", processor: "P#0")
                let late = script.add(
                    .output, batch: number + 1, branch: 0, direction: .downstream, emission: 9, arrival: 9, frame: audio
                )
                script.add(.drop, batch: number + 1, branch: 0, subject: late, detail: "interrupted")
            }
        }
        return script
    }

    /// Frames that are given out and released at once, as some rows of the log.
    private static func addBurst(batch: Int64, to script: inout SessionScript) {
        let first = Int64(script.events.count + 1)
        script.step = 0
        for index in 0..<20 {
            script.add(
                .output, batch: batch, branch: 1, direction: .downstream, emission: 10 + index, arrival: 10 + index,
                frame: SessionScript.text("word \(index) of \(batch)", id: 200_000 + batch * 100 + Int64(index)))
        }
        for index in 0..<20 {
            script.add(
                .release, batch: batch, branch: 1, direction: .downstream, position: 10 + index,
                subject: first + Int64(index))
        }
        script.step = 1_000_000
    }

    func write(to path: String) throws {
        for (suffix, content) in files { try content.write(to: URL(fileURLWithPath: path + suffix)) }
    }

    /// What a damage did, in words.
    mutating func damage(_ random: inout some RandomNumberGenerator) -> String {
        let suffix = files.keys.sorted().randomElement(using: &random) ?? ""
        guard var content = files[suffix], !content.isEmpty else { return "nothing" }
        let place = Int.random(in: 0..<content.count, using: &random)
        let page = place / 16_384 * 16_384
        let what: String
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6:
            content[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            what = "a bit at \(place)"
        case 6:
            let end = min(content.count, place + Int.random(in: 1..<600, using: &random))
            for index in place..<end { content[index] = 0 }
            what = "zeros from \(place) to \(end)"
        case 7:
            for index in page..<min(content.count, page + 16_384) { content[index] = 0 }
            what = "zeros in the page at \(page)"
        case 8:
            for index in page..<min(content.count, page + 16_384) {
                content[index] = UInt8.random(in: 0...255, using: &random)
            }
            what = "noise in the page at \(page)"
        default:
            content = content.prefix(place)
            what = "cut at \(place)"
        }
        files[suffix] = content
        return what + (suffix.isEmpty ? "" : " of the log")
    }
}

/// The rows of every table, as SQLite reads them.
enum TableContent {
    static func read(_ path: String) throws -> [String: Int] {
        let queue = try DatabaseQueue(path: path)
        return try queue.inDatabase { db in
            var tables: [String: Int] = [:]
            for name in try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'") {
                var hasher = Hasher()
                let rows = try Row.fetchCursor(db, sql: "SELECT * FROM \(name)")
                while let row = try rows.next() { hasher.combine(Array(row.databaseValues)) }
                tables[name] = hasher.finalize()
            }
            return tables
        }
    }
}
