import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// Damage at random places: what `verify` finds and what goes unnoticed, and what `recover` makes of it.
///
/// `LOCKSTEP_DAMAGES=N` tries N places, and `LOCKSTEP_DAMAGE_SEED` others; the list of what went unnoticed is printed.
@Suite(.serialized)
struct DamageTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static func setting(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? usual
    }

    /// Why a change to these tables cannot be told, or does not matter.
    private static let reasons = [
        "replay": "a rerun's result has no hash; rerunning gives it again",
        "replay_release": "a rerun's result has no hash; rerunning gives it again",
        "secret": "nothing says which random key it was; hashes of content are then equal to none that come later",
        "counter": "a count for writers, which may have any value",
        "migration": "a note of when migrations ran",
        "sqlite_sequence": "the next session's number",
    ]

    @Test(arguments: [true, false])
    func atRandomPlaces(atRest: Bool) async throws {
        let original = try await DamagedHistory.make(in: folder, atRest: atRest)
        let pristine = folder.file("pristine.sqlite")
        try original.write(to: pristine)
        let content = try TableContent.read(pristine)
        try original.write(to: pristine)
        let views = try viewContent(pristine)
        var random = SeededRandom(UInt64(Self.setting("LOCKSTEP_DAMAGE_SEED", atRest ? 1 : 2)))
        var unnoticed: [String: Int] = [:]
        var (found, whole, lossy, hopeless) = (0, 0, 0, 0)
        let count = Self.setting("LOCKSTEP_DAMAGES", 30)
        for trial in 0..<count {
            let place = try TemporaryFolder()
            let path = place.file("h.sqlite")
            var damaged = original
            let what = damaged.damage(&random)
            try damaged.write(to: path)

            var isNoticed = true
            if let result = try? History.open(at: path).verify() { isNoticed = !result.isWhole }
            if isNoticed {
                found += 1
            } else {
                let reason = try self.reason(path, damaged, content, isLog: what.hasSuffix("log"))
                unnoticed[reason, default: 0] += 1
                #expect(!reason.hasPrefix("NOT KNOWN"), "trial \(trial): \(what)")
            }

            readEverything(path)

            // Recovery reads, and nothing else: not the file, not its log, nothing new beside it.
            try? FileManager.default.removeItem(atPath: path + "-shm")
            try damaged.write(to: path)
            let before = try place.listing()
            let target = try TemporaryFolder()
            let new = target.file("new.sqlite")
            do {
                let report = try await History.recover(path, to: new)
                #expect(try target.listing().keys.sorted() == ["new.sqlite"])
                let verification = try History.open(at: new).verify()
                #expect(verification.isWhole, "trial \(trial): \(what): \(verification.problems)")
                if report.isWhole {
                    whole += 1
                    // An older state of the log is whole as well.
                    if !what.hasSuffix("log") { #expect(try viewContent(new) == views, "trial \(trial): \(what)") }
                } else {
                    lossy += 1
                }
            } catch let error as HistoryError {
                hopeless += 1
                #expect(what.hasPrefix("cut") || what.hasSuffix("log"), "trial \(trial): \(what): \(error)")
                #expect(try target.listing().isEmpty)
            }
            #expect(try place.listing() == before, "trial \(trial): \(what)")
        }
        print(
            "damage \(atRest ? "at rest" : "with a log"): \(count) places, \(found) found by verify; recovered whole \(whole), "
                + "with loss \(lossy), not at all \(hopeless). Unnoticed:")
        for (reason, times) in unnoticed.sorted(by: { $0.key < $1.key }) { print("  \(times) × \(reason)") }
    }

    /// Whatever is in the file is read, or an error is thrown: nothing traps, and nothing reads for ever.
    private func readEverything(_ path: String) {
        guard let history = try? History.open(at: path) else { return }
        for session in (try? history.sessions())?.map(\.session) ?? [1, 2, 3] {
            _ = try? history.definition(of: session)
            try? history.forEachEvent(of: session) { _ in true }
            try? history.forEachBatch(of: session) { _, _ in true }
            _ = try? history.findings(of: session)
            _ = try? history.replays(of: session)
            _ = try? history.releases(of: session, order: .pipeline, batches: 1...5)
        }
    }

    /// Why a damage went unnoticed.
    private func reason(
        _ path: String, _ damaged: DamagedHistory, _ content: [String: Int], isLog: Bool
    ) throws -> String {
        try damaged.write(to: path)
        guard let now = try? TableContent.read(path) else { return "NOT KNOWN: it cannot be read" }
        let changed = Set(content.keys).union(now.keys).filter { content[$0] != now[$0] }.sorted()
        if changed.isEmpty { return "no row is other than it was: bytes that are not in use, or counted anew" }
        if isLog { return "the log ends earlier: an older state of the history, whole by itself" }
        let reasons = Set(changed.map { Self.reasons[$0] ?? "NOT KNOWN: \($0)" })
        return reasons.sorted().joined(separator: "; ")
    }

    /// What people see of sessions, events and frames.
    private func viewContent(_ path: String) throws -> [String] {
        try ["sessions", "stages", "branches", "timeline", "frames", "findings"].map {
            try SQLiteShell.run("SELECT * FROM \($0)", on: path)
        }
    }
}
