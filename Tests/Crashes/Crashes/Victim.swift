import ArgumentParser
import CFaultVFS
import Foundation
import PipelineEngine
import Recording
import SessionHistory

/// The process that is killed. It says on standard output what it has been promised.
struct VictimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "victim", shouldDisplay: false)

    enum Work: String, ExpressibleByArgument {
        case record, prune
    }

    @Argument var work: Work
    @Argument var path: String
    @Option var seed: UInt64 = 1
    /// Dies by its own hand at this operation on the disk, counted from 1.
    @Option var dieAt: Int64?
    /// Counts only changes of the history's file itself, as checkpoints make them.
    @Flag var inFile = false

    func run() async throws {
        if let dieAt { Suicide(at: dieAt, in: inFile ? path : nil).arm(path) }
        say("opening")
        let history = try History.open(at: path, for: .writing)
        switch work {
        case .record: try await record(into: history)
        case .prune: try await prune(history)
        }
    }

    /// Records without end.
    private func record(into history: History) async throws {
        let recorder = try await SessionRecorder.start(in: history, definition: Script.definition, name: "victim")
        say("session \(recorder.session)")
        var random = SeededRandom(seed)
        var sequence: Int64 = 0
        while true {
            for _ in 0..<Int.random(in: 1...400, using: &random) {
                sequence += 1
                recorder.observe(Script.event(sequence))
            }
            if recorder.isCongested { await recorder.waitWhileCongested() }
            if Int.random(in: 0..<3, using: &random) == 0 {
                try await recorder.flush()
                say("flushed \(sequence)")
            }
            if Int.random(in: 0..<4, using: &random) == 0 { usleep(UInt32.random(in: 0...15_000, using: &random)) }
        }
    }

    /// Records short sessions and deletes old ones, without end.
    private func prune(_ history: History) async throws {
        var random = SeededRandom(seed)
        say("pruning")
        while true {
            let recorder = try await SessionRecorder.start(in: history, definition: Script.definition, name: "short")
            say("session \(recorder.session)")
            let count = Int64.random(in: 1...600, using: &random)
            for sequence in 1...count { recorder.observe(Script.event(sequence)) }
            try await recorder.close(state: .complete)
            say("closed \(recorder.session) \(count)")
            let old = try history.sessions().dropLast(4).map(\.session)
            guard !old.isEmpty else { continue }
            let doomed = old.filter { _ in Bool.random(using: &random) }
            say("deleting \(doomed.map(String.init).joined(separator: " "))")
            _ = try history.delete(doomed)
            say("deleted \(doomed.map(String.init).joined(separator: " "))")
        }
    }

    /// At once, in one piece: what is promised has left this process before anything else happens.
    private func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}

/// kill -9 by one's own hand, at a certain operation on the disk.
private final class Suicide: Sendable {
    private let number: Int64
    private let file: String?
    private let count = Counter()

    init(at number: Int64, in file: String?) {
        self.number = number
        self.file = file
    }

    func arm(_ path: String) {
        // Stays for as long as the process: it is not long.
        let context = Unmanaged.passRetained(self).toOpaque()
        _ = fault_vfs_start(
            path,
            { context, _, operation, path in
                guard let context, let path else { return }
                Unmanaged<Suicide>.fromOpaque(context).takeUnretainedValue().look(operation, String(cString: path))
            }, context)
    }

    private func look(_ operation: CInt, _ path: String) {
        guard file == nil || path == file && operation != CInt(FAULT_OP_OPEN.rawValue) else { return }
        if count.next() == number { kill(getpid(), SIGKILL) }
    }
}
