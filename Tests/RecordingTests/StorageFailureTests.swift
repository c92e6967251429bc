import CFaultVFS
import Foundation
import PipelineEngine
import Recording
import Synchronization
import Testing

@testable import SessionHistory

/// Disks that are full, fail or go away while a session is recorded.
struct StorageFailureTests {
    private let folder = TestFolder()
    private var path: String { folder.file("h.sqlite") }

    enum Trouble: Int32, CaseIterable, Codable, Sendable {
        case diskFull = 1
        case writeFails, syncFails, diskGone

        // A disk that is gone shows as a write that fails.
        var code: HistoryError.Code { self == .syncFails ? .storage : .full }
    }

    /// The error is told once, thrown at flush and close, and what was committed is intact.
    @Test(arguments: Trouble.allCases)
    func aFailingDisk(_ trouble: Trouble) async throws {
        await #expect(processExitsWith: .success) { [path = path as String, trouble = trouble as Trouble] in
            try #require(fault_vfs_start(path, nil, nil) == 0)
            // At each commit the log is synced, so that every kind of failure shows at once.
            let history = try History.open(at: path, for: .writing, options: WriterOptions(durability: .full))
            let told = Mutex<[HistoryError]>([])
            let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition()) { error in
                told.withLock { $0.append(error) }
            }
            for sequence in 1...100 { recorder.observe(Events.bypass(Int64(sequence), bytes: 5_000)) }
            try await recorder.flush()
            try #require(recorder.uncommittedEvents == 0)
            fault_vfs_fail(trouble.rawValue, 1)
            for sequence in 101...130 { recorder.observe(Events.bypass(Int64(sequence), bytes: 5_000)) }
            let error = await #expect(throws: HistoryError.self) { try await recorder.flush() }
            try #require(error?.code == trouble.code, "\(String(describing: error))")
            try #require(error?.message.contains(path) ?? false)
            for sequence in 131...140 { recorder.observe(Events.bypass(Int64(sequence))) }
            try #require(recorder.uncommittedEvents == 40)
            // What was lost stays lost when others can write again.
            fault_vfs_fail(0, 0)
            await #expect(throws: HistoryError.self) { try await recorder.flush() }
            try #require(recorder.uncommittedEvents == 40)
            await #expect(throws: HistoryError.self) { try await recorder.close(state: .complete) }
            try #require(told.withLock { $0.map(\.code) } == [trouble.code])
            history.close()
        }
        let history = try History.open(at: path, for: .writing)
        let session = try history.session("last")
        #expect(session.bypasses == 100 && [.failed, .interrupted].contains(session.state))
        #expect(try Shell.run("PRAGMA integrity_check; PRAGMA foreign_key_check", on: path) == "ok\n")
    }

    /// Wherever the disk is full: there is a whole history or none, and once there is room, there is one.
    @Test func aNewHistoryOnAFullDisk() async throws {
        await #expect(processExitsWith: .success) { [path = path as String] in
            try #require(fault_vfs_start(path, nil, nil) == 0)
            var failures = 0
            for operations in Int64(1)...500 {
                let path = "\(path)-\(operations)"
                fault_vfs_fail(Trouble.diskFull.rawValue, operations)
                do {
                    try History.open(at: path, for: .writing).close()
                } catch let error as HistoryError {
                    try #require(error.code == .full, "\(operations): \(error)")
                    failures += 1
                }
                fault_vfs_fail(0, 0)
                let history = try History.open(at: path, for: .writing)
                try #require(try history.verify().isWhole)
                history.close()
                for end in ["", "-wal", "-shm", ".new", ".new-wal", ".new-shm"] {
                    let isThere = FileManager.default.fileExists(atPath: path + end)
                    try #require(isThere == (end == ""), "\(operations): \(end)")
                }
                try FileManager.default.removeItem(atPath: path)
                if failures < operations { return }
            }
            try #require(Bool(false), "it never succeeded")
        }
    }

    /// What the library does with a session whose storage fails, as its user chose.
    @Test(arguments: StorageErrorPolicy.allCases, [false, true])
    func policies(_ policy: StorageErrorPolicy, _ isWriteAhead: Bool) async throws {
        await #expect(processExitsWith: .success) {
            [path = path as String, policy = policy.rawValue as String, isWriteAhead = isWriteAhead as Bool] in
            try #require(fault_vfs_start(path, nil, nil) == 0)
            let policy = try #require(StorageErrorPolicy(rawValue: policy))
            let out = Mutex<[String]>([])
            let failed = DispatchSemaphore(value: 0)
            let session = try await RecordedSession.start(
                Pipeline([try SyncParallelPipeline([[], []])]), at: path, writeAhead: isWriteAhead,
                onStorageError: policy,
                output: { released in out.withLock { $0.append(released.frame.text ?? released.frame.type.name) } },
                onStorageFailure: { _ in failed.signal() })
            try await session.send(TextFrame("before"))
            try await session.recorder.flush()
            fault_vfs_fail(Int32(FAULT_FULL.rawValue), 1)
            try await session.send(TextFrame("lost"))
            await Self.wait(for: failed)
            if policy == .continue {
                try await session.send(TextFrame("after"))
            } else {
                // Until it is cancelled, which the writer's thread asks for.
                while (try? await session.send(InterruptionFrame())) != nil {}
            }
            let error = await #expect(throws: HistoryError.self) { try await session.end() }
            try #require(error?.code == .full)
            let seen = out.withLock { $0 }
            try #require(seen.prefix(2) == ["StartFrame", "before"])
            switch (policy, isWriteAhead) {
            case (.continue, _): try #require(seen == ["StartFrame", "before", "lost", "after", "EndFrame"], "\(seen)")
            case (.stop, true): try #require(seen.count == 2, "\(seen)")
            case (.stop, false): try #require(seen.contains("lost") && !seen.contains("EndFrame"), "\(seen)")
            }
        }
    }

    private static func wait(for semaphore: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                semaphore.wait()
                continuation.resume()
            }
        }
    }

    enum Removal: String, CaseIterable, Codable, Sendable {
        case history, log, index, moved, replaced
    }

    /// Files that are taken away are missed at the next commit; what was committed is in the file that was there.
    @Test(arguments: Removal.allCases)
    func filesTakenAway(_ removal: Removal) async throws {
        let history = try History.open(at: path, for: .writing)
        let recorder = try await SessionRecorder.start(in: history, definition: SessionDefinition(), name: "kept")
        for sequence in 1...100 { recorder.observe(Events.bypass(Int64(sequence), bytes: 5_000)) }
        try await recorder.flush()
        let moved = folder.file("moved.sqlite")
        switch removal {
        case .history: unlink(path)
        case .log: unlink(path + "-wal")
        case .index: unlink(path + "-shm")
        case .moved: rename(path, moved)
        case .replaced:
            rename(path, moved)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        }
        recorder.observe(Events.bypass(101))
        let error = await #expect(throws: HistoryError.self) { try await recorder.flush() }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("removed, moved or replaced") ?? false, "\(String(describing: error))")
        await #expect(throws: HistoryError.self) { try await recorder.close(state: .complete) }
        history.close()
        if removal == .replaced {
            #expect(FileManager.default.contents(atPath: path) == Data("mine".utf8))
        }
        guard removal != .history else { return }
        let kept = [.moved, .replaced].contains(removal) ? moved : path
        let integrity = try Shell.run("PRAGMA integrity_check", on: kept)
        #expect(integrity == "ok\n")
        let session = try History.open(at: kept, for: .writing).session("kept")
        #expect(session.bypasses == 100 && session.state == .interrupted)
    }

    /// A folder that may not be written to is said before anything is made.
    @Test func aFolderThatMayOnlyBeRead() async throws {
        chmod(folder.path, 0o555)
        defer { chmod(folder.path, 0o755) }
        await #expect(processExitsWith: .success) { [path = path as String] in
            // root may write anywhere.
            if getuid() == 0 { try #require(setuid(65_534) == 0) }
            let error = #expect(throws: HistoryError.self) { _ = try History.open(at: path, for: .writing) }
            try #require(error?.code == .noPermission, "\(String(describing: error))")
            try #require(error?.message.contains("change its permissions") ?? false)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
