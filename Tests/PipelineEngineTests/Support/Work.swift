import NIOConcurrencyHelpers
import PipelineEngine

/// Work that goes on after `process` has returned.
final class Work: Sendable {
    private let tasks = NIOLockedValueBox<[Task<Void, Never>]>([])

    func begin(on link: ProcessorLink, _ body: @escaping @Sendable () async -> Void) {
        let task = link.start(body)
        tasks.withLockedValue { $0.append(task) }
    }

    func finish() async {
        let running = tasks.withLockedValue { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { await task.value }
    }
}
