import Foundation
import Migrations
import SessionHistory

/// A folder in which processes are killed, one after the other.
struct KillRoom {
    let folder: String
    let programs: Programs
    /// A history in which recordings died, and how far each of them got.
    private var shared: (path: String, sessions: [Int64: Int64], rounds: Int)?
    private var made = 0

    init(folder: String, programs: Programs) {
        self.folder = folder
        self.programs = programs
    }

    mutating func round(_ kind: KillKind, seed: UInt64) throws -> KillResult {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var random = SeededRandom(seed &* 0x5851_F42D_4C95_7F2D)
        switch kind {
        case .record:
            return try record(
                seed, options: [], trigger: "session", delay: Double.random(in: 0...250, using: &random))
        case .checkpoint:
            return try record(
                seed, options: ["--in-file", "--die-at", "\(Int.random(in: 1...400, using: &random))"],
                trigger: "session", delay: 3_000)
        case .create:
            shared = nil
            return try record(
                seed, options: ["--die-at", "\(Int.random(in: 1...200, using: &random))"], trigger: "session",
                delay: 100)
        case .migrate:
            shared = nil
            return try migrate(seed, dieAt: Int.random(in: 1...120, using: &random))
        case .prune: return try prune(seed, &random)
        case .writeAhead: return try release(isHeld: true, delay: Double.random(in: 0...400, using: &random))
        case .release: return try release(isHeld: false, delay: Double.random(in: 0...400, using: &random))
        }
    }

    private mutating func newPath() -> String {
        made += 1
        return "\(folder)/\(made).sqlite"
    }

    private func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", ".lock", ".new", ".new-wal", ".new-shm", ".new-journal"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    // MARK: - Recording

    private mutating func record(
        _ seed: UInt64, options: [String], trigger: String, delay: Double, on existing: String? = nil
    ) throws -> KillResult {
        if let old = shared, old.rounds >= 6 || existing != nil {
            remove(old.path)
            shared = nil
        }
        let state = shared ?? (path: existing ?? newPath(), sessions: [:], rounds: 0)
        let victim = try KilledProcess(
            programs.own, ["victim", "record", state.path, "--seed", "\(seed)"] + options, trigger: trigger,
            delay: delay)
        var result = KillResult()
        let promised = victim.numbers("flushed").last?.first ?? 0
        result.seen["left a log behind"] = size(state.path + "-wal") > 0 ? 1 : 0
        result.seen["died between operations"] = victim.died ? 1 : 0
        guard FileManager.default.fileExists(atPath: state.path) else {
            guard promised == 0, state.sessions.isEmpty else { throw Broken("\(state.path) is gone") }
            result.seen["no file yet"] = 1
            // What lies about is no obstacle to the next.
            _ = try Inspection(path: state.path).open()
            remove(state.path)
            return result
        }
        let inspection = Inspection(path: state.path)
        let history = try inspection.open()
        defer { history.close() }
        var sessions = state.sessions
        for (session, last) in sessions {
            guard try history.session("\(session)").inbound == Script.batches(in: last) else {
                throw Broken("\(state.path): session \(session) of an earlier round has changed")
            }
        }
        // A session of which nothing was said may be there as well.
        let known = try history.sessions().map(\.session)
        if let said = victim.numbers("session").last?.first, !known.contains(said) {
            throw Broken("\(state.path): session \(said) is not there")
        }
        for session in known where sessions[session] == nil {
            let found = try inspection.check(session, of: history, promised: promised)
            guard found.state == .interrupted else {
                throw Broken("\(state.path): session \(session) is \(found.state.rawValue)")
            }
            sessions[session] = found.last
            result.seen["events flushed", default: 0] += promised
            result.seen["events found", default: 0] += found.last
            result.seen["open batches"] = Script.open(after: found.last) == nil ? 0 : 1
        }
        shared = (state.path, sessions, state.rounds + 1)
        return result
    }

    private func size(_ path: String) -> Int64 {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64) ?? 0
    }

    // MARK: - Migrating

    private mutating func migrate(_ seed: UInt64, dieAt: Int) throws -> KillResult {
        let path = newPath()
        let complaints = try Shell.lines(String(decoding: Migrations.all[0].sql, as: UTF8.self), on: path)
        guard complaints == ["wal"] else { throw Broken("\(path): \(complaints)") }
        chmod(path, 0o600)
        return try record(seed, options: ["--die-at", "\(dieAt)"], trigger: "session", delay: 100, on: path)
    }

    // MARK: - Pruning

    private mutating func prune(_ seed: UInt64, _ random: inout SeededRandom) throws -> KillResult {
        let path = newPath()
        let byTime = Bool.random(using: &random)
        let options = byTime ? [] : ["--in-file", "--die-at", "\(Int.random(in: 1...900, using: &random))"]
        let victim = try KilledProcess(
            programs.own, ["victim", "prune", path, "--seed", "\(seed)"] + options, trigger: "pruning",
            delay: byTime ? Double.random(in: 100...1_500, using: &random) : 4_000)
        var result = KillResult()
        result.seen["died between operations"] = victim.died ? 1 : 0
        if !FileManager.default.fileExists(atPath: path) { return result }
        result.seen["half freed"] =
            try Int64(Shell.lines("SELECT EXISTS (SELECT 1 FROM discarded)", on: path).first ?? "") ?? 0
        let inspection = Inspection(path: path)
        // The next one to write goes on with it.
        try History.open(at: path, for: .writing).close()
        let history = try inspection.open()
        let deleted = Set(victim.numbers("deleted").joined())
        let doomed = Set(victim.numbers("deleting").joined())
        let closed = Dictionary(
            victim.numbers("closed").compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }, uniquingKeysWith: { $1 })
        let there = try history.sessions()
        if let back = there.first(where: { deleted.contains($0.session) }) {
            throw Broken("\(path): session \(back.session) was deleted and is back")
        }
        for (session, last) in closed where !doomed.contains(session) {
            let found = try inspection.check(session, of: history, promised: last)
            guard found.last == last, found.state == .complete else {
                throw Broken("\(path): session \(session) was closed with \(last) events and is \(found)")
            }
        }
        for summary in there where closed[summary.session] == nil {
            _ = try inspection.check(summary.session, of: history, promised: 0)
        }
        result.seen["sessions deleted"] = Int64(deleted.count)
        result.seen["sessions kept"] = Int64(there.count)
        history.close()
        let left = try Shell.lines(
            "SELECT count(*) FROM discarded; PRAGMA freelist_count; PRAGMA integrity_check", on: path)
        guard left == ["0", "0", "ok"] else { throw Broken("\(path): left to be freed: \(left)") }
        remove(path)
        return result
    }

    // MARK: - Releasing

    private mutating func release(isHeld: Bool, delay: Double) throws -> KillResult {
        let path = newPath()
        let (pipeline, input) = (folder + "/pipeline.yaml", folder + "/input.jsonl")
        if !FileManager.default.fileExists(atPath: input) {
            try Data(
                """
                pipeline:
                  - sync_parallel:
                      branches:
                        - processors: [ identity ]
                        - processors: [ { emit: { on: TextFrame, pass: false, frames: [ { type: TextFrame, text: "{text}!" } ] } } ]

                """.utf8
            ).write(to: URL(fileURLWithPath: pipeline))
            let lines = (1...20_000).map { #"{"type": "TextFrame", "text": "number \#($0)"}"# + "\n" }.joined()
            try Data(lines.utf8).write(to: URL(fileURLWithPath: input))
        }
        let victim = try KilledProcess(
            programs.lockstep,
            ["record", "--pipeline", pipeline, "--input", input, "--output", "-", "--db", path]
                + (isHeld ? ["--write-ahead"] : []),
            trigger: nil, delay: delay)
        defer { remove(path) }
        let history = try Inspection(path: path).open()
        defer { history.close() }
        let recorded = Set(
            try Shell.lines(
                """
                SELECT frame_id || ' ' || stage || ' ' || batch || ' ' || position FROM timeline WHERE event = 'release';
                SELECT DISTINCT frame_id || ' bypass' FROM timeline WHERE event = 'bypass'
                """, on: path))
        var (received, missing) = (Int64(0), Int64(0))
        for line in victim.lines {
            guard let frame = ReceivedFrame(line) else { throw Broken("\(path): what came out is no frame: \(line)") }
            received += 1
            if recorded.contains(frame.key) { continue }
            missing += 1
            if isHeld { throw Broken("\(path): a frame went out and is not in the history: \(line)") }
        }
        return KillResult(seen: [
            "frames received": received, "releases recorded": Int64(recorded.count), "missing": missing,
        ])
    }
}

/// A frame that a consumer got, as `--output` writes it.
private struct ReceivedFrame: Decodable {
    var frameID: Int64
    var stage: Int?
    var batch: Int64?
    var position: Int?

    private enum CodingKeys: String, CodingKey {
        case frameID = "frame_id"
        case stage, batch, position
    }

    init?(_ line: String) {
        guard let frame = try? JSONDecoder().decode(ReceivedFrame.self, from: Data(line.utf8)) else { return nil }
        self = frame
    }

    /// How the history tells of it.
    var key: String {
        guard let stage, let batch, let position else { return "\(frameID) bypass" }
        return "\(frameID) \(stage) \(batch) \(position)"
    }
}
