import PipelineEngine
import Synchronization

/// Work that goes on after `process` has returned.
final class Work: Sendable {
    private let tasks = Mutex<[Task<Void, Never>]>([])

    func begin(on link: ProcessorLink, _ body: @escaping @Sendable () async -> Void) {
        let task = link.start(body)
        tasks.withLock { $0.append(task) }
    }

    func finish() async {
        let running = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { await task.value }
    }
}
