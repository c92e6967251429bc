internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// SIGINT, SIGTERM and SIGHUP as a request to stop in order. A second one ends the process at once, unless it follows so closely
/// that it is the same: programs that run others pass a signal on which the terminal has already sent to all. A terminal that goes away
/// stops nothing where the program was told to ignore that (nohup).
///
/// Holds the signals for as long as it lives; made once per process.
final class StopSignals {
    private let numbers: [Int32]
    private let sources: [any DispatchSourceSignal]

    /// - Parameter onSignal: called once, on a thread of its own.
    init(_ onSignal: @escaping @Sendable (Int32) -> Void) {
        let signals = Signals()
        let queue = DispatchQueue(label: "lockstep.signals")
        numbers = [SIGINT, SIGTERM] + (Self.isIgnored(SIGHUP) ? [] : [SIGHUP])
        sources = numbers.map { number in
            // The source is told only of signals that do not end the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                switch signals.take() {
                case .first: onSignal(number)
                case .same: break
                case .again: _exit(128 + number)
                }
            }
            source.resume()
            return source
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        // Functions cannot be compared, but SIG_IGN is none: it is the number 1 where a function would be.
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    deinit {
        for source in sources { source.cancel() }
        for number in numbers { signal(number, SIG_DFL) }
    }

    private final class Signals: Sendable {
        enum Place { case first, same, again }

        private static let echo: Duration = .milliseconds(500)
        private let first = Mutex<ContinuousClock.Instant?>(nil)

        func take() -> Place {
            first.withLock { first in
                let now = ContinuousClock.now
                guard let earlier = first else {
                    first = now
                    return .first
                }
                return now - earlier < Signals.echo ? .same : .again
            }
        }
    }
}
