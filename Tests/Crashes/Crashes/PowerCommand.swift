import ArgumentParser
import CFaultVFS
import Foundation
import PipelineEngine
import Recording
import SessionHistory
import Synchronization

/// Cuts the power of recordings, as a disk would see it, and checks what is left.
struct PowerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power",
        abstract: "Drop what was not synced at random moments of a recording and check what is left.")

    @Option(help: "How many cuts for each durability.") var count = 100
    @Option(help: "The random seed.") var seed: UInt64 = 1

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-cuts-\(getpid())").path
        for name in ["live", "cut"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        let power = Power(folder: folder)
        power.start()
        var isBroken = false
        for (name, durability, lies) in [
            ("full", WriterOptions.Durability.full, false), ("normal", .normal, false),
            ("full, on a disk that does not sync", .full, true),
        ] {
            fault_vfs_ignore_syncs(lies ? 1 : 0)
            let cuts = try await power.record(durability, cuts: lies ? count / 4 : count, seed: seed)
            var (sound, behind, lost, problems) = (0, 0, Int64(0), [String]())
            for cut in cuts {
                do {
                    let last = try power.check(cut)
                    sound += 1
                    if last < cut.flushed {
                        behind += 1
                        lost += cut.flushed - last
                    }
                } catch {
                    problems.append("cut \(cut.number), \(cut.kept) ‰ kept: \(error)")
                }
            }
            print(
                "\(name): \(cuts.count) cuts, \(sound) histories whole, \(behind) without events of which a flush had returned"
                    + (behind > 0 ? " (\(lost / Int64(behind)) of them on average)" : ""))
            if lies {
                // Whoever finds nothing here would find nothing anywhere.
                if behind == 0, problems.isEmpty {
                    print("broken: cuts cost nothing on a disk that does not sync: nothing is tested here")
                    isBroken = true
                }
                continue
            }
            if durability == .full, behind > 0 { problems.append("flushed events are lost") }
            for problem in problems { print("broken: \(problem)") }
            if !problems.isEmpty { isBroken = true }
        }
        guard !isBroken else {
            print("what is left is in \(folder)")
            throw ExitCode.failure
        }
        try FileManager.default.removeItem(atPath: folder)
    }
}

/// A disk that loses what was not synced, and a recording on it.
private final class Power: Sendable {
    /// What the disk held at one moment.
    struct Cut {
        var number: Int
        var path: String
        /// The chance in 1000 of a sector that was not synced.
        var kept: Int
        /// The last event of which a flush had returned before.
        var flushed: Int64
    }

    private struct State {
        var path = ""
        var cuts: [Cut] = []
        var wanted = 0
        var next: Int64 = 0
        var random = SeededRandom(0)
    }

    private let folder: String
    private let state = Mutex(State())
    private let flushed = Counter()
    private let made = Counter()

    init(folder: String) { self.folder = folder }

    func start() {
        // Retained for as long as the process.
        let context = Unmanaged.passRetained(self).toOpaque()
        _ = fault_vfs_start(
            folder + "/live/",
            { context, number, operation, path in
                guard let context, let path else { return }
                Unmanaged<Power>.fromOpaque(context).takeUnretainedValue().look(number, String(cString: path))
            }, context)
    }

    /// Called before each operation, on the thread that does it: what a flush returned before is on the disk, or lost.
    private func look(_ number: Int64, _ path: String) {
        state.withLock { state in
            guard state.cuts.count < state.wanted, path.hasPrefix(state.path), number >= state.next else { return }
            state.next = number + Int64.random(in: 1...60, using: &state.random)
            let kept =
                [0, 0, 1_000, Int.random(in: 1...999, using: &state.random)]
                .randomElement(using: &state.random) ?? 0
            let index = Int(made.next())
            let cut = Cut(number: index, path: "\(folder)/cut/\(index).sqlite", kept: kept, flushed: flushed.value)
            let code = fault_vfs_cut(state.path, cut.path, CInt(kept), state.random.next())
            if code == 0 { state.cuts.append(cut) }
        }
    }

    /// Records until so many cuts are made, and returns them.
    func record(_ durability: WriterOptions.Durability, cuts: Int, seed: UInt64) async throws -> [Cut] {
        var random = SeededRandom(seed)
        let path = "\(folder)/live/\(made.value).sqlite"
        let history = try History.open(at: path, for: .writing, options: WriterOptions(durability: durability))
        let recorder = try await SessionRecorder.start(in: history, definition: Script.definition)
        // The session itself counts as flushed from here on, in `full` durability.
        flushed.value = 0
        state.withLock { state in
            state = State(path: path, wanted: cuts, random: SeededRandom(seed))
        }
        var sequence: Int64 = 0
        while state.withLock({ $0.cuts.count }) < cuts {
            for _ in 0..<Int.random(in: 1...100, using: &random) {
                sequence += 1
                recorder.observe(Script.event(sequence))
            }
            if Int.random(in: 0..<2, using: &random) == 0 {
                try await recorder.flush()
                flushed.value = sequence
            }
            if recorder.isCongested { await recorder.waitWhileCongested() }
        }
        let result = state.withLock { state in
            defer { state.wanted = 0 }
            return state.cuts
        }
        try await recorder.close(state: .complete)
        history.close()
        return result
    }

    /// Opens what is left and returns the last event in it.
    func check(_ cut: Cut) throws -> Int64 {
        let inspection = Inspection(path: cut.path)
        let history = try inspection.open()
        defer {
            history.close()
            for suffix in ["", "-wal", "-shm", ".lock"] {
                try? FileManager.default.removeItem(atPath: cut.path + suffix)
            }
        }
        guard let session = try history.sessions().first?.session else { return 0 }
        return try inspection.check(session, of: history, promised: 0).last
    }
}
