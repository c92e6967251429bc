import Foundation
import Synchronization

/// The writer of one history file in this process: one thread with one connection, which serves all recorders.
///
/// What recorders have is fetched and committed in groups: the first event of a group waits at most `groupWindow` for others.
/// While there is nothing to write, the thread sleeps.
final class HistoryWriter: Sendable {
    /// A piece of work for the writer's thread; is given nil when the file is closed.
    typealias Job = @Sendable (WritingConnection?) -> Void

    let path: String
    private let threadName: String
    /// The lock byte that says this writer lives.
    let owner: Int64
    private let options: WriterOptions
    private let state: Mutex<State>
    private let alarm = DispatchSemaphore(value: 0)
    private let finished = DispatchSemaphore(value: 0)

    /// What waits in recorders, over all sessions.
    let backlog: Backlog

    private struct State {
        /// Sessions that have events.
        var ready: [ReadySession] = []
        /// Run after what was ready when they came is committed.
        var jobs: [Job] = []
        /// When the events that are ready are written at the latest (uptime, ns).
        var due: UInt64 = 0
        /// How long the first event of a group waits for others, in ns.
        var window: UInt64
        var isUrgent = false
        var isClosing = false
        var isOver = false
    }

    /// Opens the file and starts the thread.
    init(path: String, options: WriterOptions) throws {
        let connection = try WritingConnection(path: path, options: options)
        self.path = path
        self.options = options
        backlog = Backlog(groupEvents: options.groupEvents)
        state = Mutex(State(window: options.groupWindow))
        owner = connection.owner
        threadName = "lockstep.history \(connection.owner)"
        // Handed over: from here on only the thread uses it.
        nonisolated(unsafe) let handed = connection
        let thread = Thread { [self] in run(handed) }
        thread.name = threadName
        thread.stackSize = 8 << 20  // nested metadata recurses
        thread.start()
        goOnRemoving()
    }

    /// Frees what a process that died left unfinished, a piece at a time.
    private func goOnRemoving() {
        submit { [self] connection in
            // What fails here is tried again at the next opening.
            guard let connection, (try? Removing.isUnfinished(connection)) == true,
                (try? Removing.sweepStep(connection)) == true
            else { return }
            goOnRemoving()
        }
    }

    // MARK: - Asking for work

    /// Says that a session has events.
    func enqueue(_ session: ReadySession) {
        let isFirst = state.withLock { state in
            state.ready.append(session)
            guard state.ready.count == 1 else { return false }
            state.due = DispatchTime.now().uptimeNanoseconds + state.window
            return true
        }
        if isFirst { alarm.signal() }
    }

    /// Has what is ready written at once.
    func hurry() {
        let isNews = state.withLock { state in
            defer { state.isUrgent = true }
            return !state.isUrgent
        }
        if isNews { alarm.signal() }
    }

    /// Runs `job` on the writer's thread, after what is ready now.
    func submit(_ job: @escaping Job) {
        let isOver = state.withLock { state in
            if !state.isOver {
                state.jobs.append(job)
                state.isUrgent = true
            }
            return state.isOver
        }
        if isOver { job(nil) } else { alarm.signal() }
    }

    private func open(_ connection: WritingConnection?) throws -> WritingConnection {
        guard let connection else { throw HistoryError(.closed, "the history \(path) is closed") }
        return connection
    }

    /// Runs `body` on the writer's thread and waits for it.
    ///
    /// Not for use on the writer's thread itself, nor where blocking is forbidden: see the asynchronous one.
    func perform<Value: Sendable>(_ body: @escaping @Sendable (WritingConnection) throws -> Value) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<Value, any Error>?>(nil)
        submit { [self] connection in
            let outcome = Result { try body(open(connection)) }
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        guard let outcome = result.withLock({ $0 }) else { return try body(open(nil)) }
        return try outcome.get()
    }

    /// Runs `body` on the writer's thread and returns when it is done.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (WritingConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit { [self] connection in continuation.resume(with: Result { try body(open(connection)) }) }
        }
    }

    // MARK: - The thread

    private func run(_ connection: WritingConnection) {
        var group = GroupCommit(connection, options)
        var window = options.groupWindow
        while true {
            let now = DispatchTime.now().uptimeNanoseconds
            var ready: [ReadySession] = []
            var jobs: [Job] = []
            var wait: UInt64?
            let isOver = state.withLock { state in
                let isDue = state.isUrgent || state.isClosing || (!state.ready.isEmpty && state.due <= now)
                if isDue {
                    swap(&ready, &state.ready)
                    swap(&jobs, &state.jobs)
                    state.isUrgent = false
                    state.isOver = state.isClosing && ready.isEmpty && jobs.isEmpty
                    return state.isOver
                }
                if !state.ready.isEmpty { wait = state.due - now }
                return false
            }
            if isOver { break }
            if !ready.isEmpty { group.commit(ready) }
            for job in jobs { job(connection) }
            if !ready.isEmpty || !jobs.isEmpty {
                let next = group.checkpoint(telling: ready)
                if next != window {
                    window = next
                    state.withLock { $0.window = next }
                }
                continue
            }
            // Counts that a session's row does not have yet are stored when things have come to rest.
            let rest = group.restTime(now)
            switch (wait, rest) {
            case (nil, nil): alarm.wait()
            case (let wait?, nil), (nil, let wait?): sleep(wait)
            case (let wait?, let rest?): sleep(min(wait, rest))
            }
            if rest != nil { group.storeCountsIfDue() }
        }
        connection.close()
        finished.signal()
    }

    private func sleep(_ nanoseconds: UInt64) {
        _ = alarm.wait(timeout: .now() + .nanoseconds(Int(clamping: nanoseconds)))
    }

    /// Writes what is left, closes the file and ends the thread.
    func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosing = true }
            return !state.isClosing
        }
        guard isFirst else { return }
        alarm.signal()
        // The thread itself may have let go of the last session; it cannot wait for its own end.
        if Thread.current.name != threadName { finished.wait() }
    }
}
