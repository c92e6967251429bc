import ArgumentParser
import Foundation
import Synchronization

/// Kills recording processes with SIGKILL and checks what is left.
struct KillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "kill -9 recordings at random moments and check their histories.")

    @Option(help: "How many processes to kill.") var count = 240
    @Option(help: "The first random seed; a round's own is printed when it fails.") var seed: UInt64 = 1
    @Option(help: "How many at a time.") var jobs = max(2, ProcessInfo.processInfo.activeProcessorCount)
    @Option(help: "The lockstep program, for --write-ahead; else the one built beside this one.") var lockstep: String?
    @Option(help: "Only this kind: \(KillKind.allCases.map(\.rawValue).joined(separator: ", ")).") var only: KillKind?

    func run() async throws {
        let programs = Programs(
            own: CommandLine.arguments[0],
            lockstep: lockstep
                ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appendingPathComponent("lockstep").path)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-kills-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let kinds = only.map { [$0] } ?? KillKind.shares
        let next = Counter()
        let tally = Mutex(KillTally())
        let start = DispatchTime.now().uptimeNanoseconds
        DispatchQueue.concurrentPerform(iterations: jobs) { worker in
            // Several rounds on one history, so that it dies again and again.
            var room = KillRoom(folder: folder + "/\(worker)", programs: programs)
            while true {
                let round = next.next() - 1
                if round >= count { return }
                let kind = kinds[Int(round) % kinds.count]
                do {
                    let result = try room.round(kind, seed: seed &+ UInt64(round))
                    tally.withLock { $0.add(kind, result) }
                } catch {
                    tally.withLock {
                        $0.failures.append(
                            "--only \(kind.rawValue) --seed \(seed &+ UInt64(round)) --count 1: \(error)")
                    }
                    room = KillRoom(folder: folder + "/\(worker)-\(round)", programs: programs)
                }
            }
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        let result = tally.withLock { $0 }
        print(result.text)
        print("\(count) processes killed in \(Int(seconds)) s, \(result.failures.count) promises broken")
        for failure in result.failures { print("broken: \(failure)") }
        guard result.failures.isEmpty else {
            print("what is left is in \(folder)")
            throw ExitCode.failure
        }
        try FileManager.default.removeItem(atPath: folder)
    }
}

/// The programs of which processes are killed.
struct Programs {
    let own: String
    let lockstep: String
}

/// What a process is at when it is killed.
enum KillKind: String, CaseIterable, ExpressibleByArgument {
    /// Recording, at a random time.
    case record
    /// Moving the log into the file, between two operations on the file.
    case checkpoint
    /// Making the file, between two operations on the disk.
    case create
    /// Bringing an old file to the current schema, between two operations on the disk.
    case migrate
    /// Deleting sessions while recording others, at a random time or between two operations on the file.
    case prune
    /// Releasing frames with `record --write-ahead`, at a random time.
    case writeAhead = "write-ahead"
    /// The same without it, to see that there is something to see: what is missing is counted, and no promise broken.
    case release

    /// In turns; recording more often than the rest.
    static let shares: [KillKind] = [
        .record, .checkpoint, .create, .writeAhead, .record, .prune, .migrate, .checkpoint, .record, .create, .prune,
        .migrate,
    ]
}

/// What was seen, by kind.
struct KillTally {
    private var rounds: [KillKind: [KillResult]] = [:]
    var failures: [String] = []

    mutating func add(_ kind: KillKind, _ result: KillResult) { rounds[kind, default: []].append(result) }

    var text: String {
        KillKind.allCases.compactMap { kind -> String? in
            guard let results = rounds[kind] else { return nil }
            var seen: [String: Int64] = [:]
            for result in results { seen.merge(result.seen, uniquingKeysWith: +) }
            let facts = seen.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            return "\(kind.rawValue): \(results.count) kills; \(facts)"
        }.joined(separator: "\n")
    }
}

/// What was seen in one round, to be added up.
struct KillResult {
    var seen: [String: Int64] = [:]
}
