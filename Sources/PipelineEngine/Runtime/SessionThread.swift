import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A thread that runs the executors of many sessions in turn, and wakes them for their timers.
///
/// Sessions have threads of their own, apart from the global pool, so that branches which keep every core of the pool busy
/// computing delay neither a system frame nor another session (C17): the kernel shares out the time.
///
/// `@unchecked Sendable`: `runnable` and `wakeups` are only touched with `mutex` held; the rest does not change.
final class SessionThread: @unchecked Sendable {
    /// One thread a core, at least two; sessions are spread over them.
    private static let all: [SessionThread] = {
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return (0..<max(2, cores)).map { _ in SessionThread() }
    }()

    /// The thread for a new session: one that has the fewest. Taken in turn, sessions of which every second one is soon over would all
    /// be on one thread.
    static func forNewSession() -> SessionThread {
        var chosen = all[0]
        for thread in all where thread.sessions.load(ordering: .relaxed) < chosen.sessions.load(ordering: .relaxed) {
            chosen = thread
        }
        chosen.sessions.add(1, ordering: .relaxed)
        return chosen
    }

    /// A session of this thread is gone.
    func sessionIsGone() { sessions.subtract(1, ordering: .relaxed) }

    /// The scheduler whose turn it is on the calling thread, which is there during its turn; nil elsewhere, and between turns.
    static var turn: UnsafeRawPointer? {
        get { UnsafeRawPointer(pthread_getspecific(turnKey)) }
        set { pthread_setspecific(turnKey, newValue) }
    }

    private static let turnKey = {
        var key = pthread_key_t()
        let status = pthread_key_create(&key, nil)
        precondition(status == 0, "the system has no room for a value of each thread (error \(status))")
        return key
    }()

    private let sessions = Atomic(0)

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var runnable: [SessionScheduler] = []
    private var wakeups = TimerQueue<SessionScheduler>()

    /// Lives as long as the process, as its thread does.
    private init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        #if !canImport(Darwin)
            // Deadlines are monotonic, so that a change of the wall clock delays no timer.
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        #endif
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        // Retained for the thread, which never ends, and so there whenever it looks.
        let handle = Unmanaged.passRetained(self).toOpaque()
        #if canImport(Darwin)
            var thread: pthread_t?
            let body: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { raw in
                Unmanaged<SessionThread>.fromOpaque(raw).takeUnretainedValue().run()
            }
        #else
            var thread = pthread_t()
            let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
                raw.map { Unmanaged<SessionThread>.fromOpaque($0).takeUnretainedValue().run() }
            }
        #endif
        let status = pthread_create(&thread, nil, body, handle)
        precondition(status == 0, "the system refuses a thread for sessions (error \(status))")
    }

    /// Runs `body` with the thread's lock held, which also guards the inboxes of its schedulers: handing over a job and waking
    /// the thread is one step. From any thread.
    ///
    /// A lock of pthread's, which the thread sanitizer knows; it does not know `Synchronization.Mutex`.
    ///
    /// - Parameter body: returns a scheduler that is to run soon, if any.
    func locked(_ body: () -> SessionScheduler?) {
        pthread_mutex_lock(mutex)
        if let scheduler = body() {
            runnable.append(scheduler)
            pthread_cond_signal(condition)
        }
        pthread_mutex_unlock(mutex)
    }

    /// Lets the scheduler run at a time of the monotonic clock, in ns. Only from this thread.
    func wake(_ scheduler: SessionScheduler, at deadline: Int64) {
        pthread_mutex_lock(mutex)
        _ = wakeups.add(deadline: deadline, scheduler)
        pthread_mutex_unlock(mutex)
    }

    private func run() -> Never {
        var turn: [SessionScheduler] = []
        while true {
            pthread_mutex_lock(mutex)
            while true {
                let now = MonotonicTime.now
                while let due = wakeups.popDue(at: now) { runnable.append(due) }
                if !runnable.isEmpty { break }
                if let earliest = wakeups.earliest {
                    var limit = timespec(
                        tv_sec: Int(earliest / 1_000_000_000), tv_nsec: Int(earliest % 1_000_000_000))
                    #if canImport(Darwin)
                        let wait = max(0, earliest - now)
                        limit = timespec(tv_sec: Int(wait / 1_000_000_000), tv_nsec: Int(wait % 1_000_000_000))
                        pthread_cond_timedwait_relative_np(condition, mutex, &limit)
                    #else
                        pthread_cond_timedwait(condition, mutex, &limit)
                    #endif
                } else {
                    pthread_cond_wait(condition, mutex)
                }
            }
            swap(&turn, &runnable)
            pthread_mutex_unlock(mutex)
            for scheduler in turn { scheduler.takeTurn() }
            turn.removeAll(keepingCapacity: true)
        }
    }
}

/// The system's monotonic clock.
enum MonotonicTime {
    /// In ns, from an arbitrary start.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
