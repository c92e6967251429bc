internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// SIGINT and SIGTERM as a request to stop in order. A second one ends the process at once.
///
/// Holds the signals for as long as it lives; made once per process.
final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter onSignal: called once, on a thread of its own.
    init(_ onSignal: @escaping @Sendable (Int32) -> Void) {
        let hasFired = FiredFlag()
        let queue = DispatchQueue(label: "lockstep.signals")
        sources = [SIGINT, SIGTERM].map { number in
            // The source is told only of signals that do not end the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if hasFired.set() { _exit(128 + number) }
                onSignal(number)
            }
            source.resume()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }

    private final class FiredFlag: Sendable {
        private let flag = Atomic<Bool>(false)

        /// Returns what it was before.
        func set() -> Bool { flag.exchange(true, ordering: .relaxed) }
    }
}
