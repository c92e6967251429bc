import Foundation
import PipelineEngine

/// The life of one recording: connection after connection.
struct LiveRecorder {
    /// A connection on which something came for as long was no accident.
    private static let steady: Duration = .seconds(10)

    private let address: WhiskerAddress
    private let options: WhiskerClient.Options
    private let clock: LiveClock
    private let deadline: Duration?
    /// Until when to try to come back to a bot that vanished.
    private var giveUp: Duration?
    /// Between attempts at a server that is not there: a bot may live for a few seconds only.
    private var looking = BackOff(longest: .seconds(1))
    /// Between connections that were sessions.
    private var returning = BackOff(longest: .seconds(5))
    private var hasRecorded = false
    private var hasSaidThatItWaits = false

    init(address: WhiskerAddress, options: WhiskerClient.Options, clock: LiveClock) {
        self.address = address
        self.options = options
        self.clock = clock
        deadline = options.duration.map { clock.now() + $0 }
    }

    mutating func run(notice: (String) -> Void, take: (WhiskerStep) async throws -> Void) async throws {
        while !isOver {
            do {
                let connection = try await WhiskerConnection.open(address, remaining)
                guard try await record(connection, notice: notice, take: take) else { return }
            } catch let failure as Attempt {
                guard try await mayTryAgain(after: failure.cause, notice: notice) else { return }
            } catch let final as Final {
                throw final.cause
            } catch let error as WhiskerError {
                guard try await mayTryAgain(after: error, notice: notice) else { return }
            } catch is CancellationError {
                return
            }
        }
    }

    /// The options, with no more patience than there is time left.
    private var remaining: WhiskerClient.Options {
        var options = options
        if let deadline { options.greetingTimeout = min(options.greetingTimeout, deadline - clock.now()) }
        return options
    }

    /// Whether to connect again after an attempt that recorded nothing; waits as long as it should first.
    ///
    /// - Throws: the error, where it is final.
    private mutating func mayTryAgain(after error: WhiskerError, notice: (String) -> Void) async throws -> Bool {
        if isOver { return false }
        guard error.code == .unreachable || error.code == .gone else { throw error }
        if !options.waits {
            guard hasRecorded, let giveUp else { throw error }
            // A bot that was recorded and does not come back has ended: that is no error.
            guard clock.now() < giveUp else { return false }
        } else if !hasSaidThatItWaits {
            hasSaidThatItWaits = true
            notice("\(error.problem); waiting for it")
        }
        try? await clock.sleep(looking.next())
        return !isOver
    }

    private var isOver: Bool { Task.isCancelled || deadline.map { clock.now() >= $0 } ?? false }

    /// Records one connection; false when the recording is over with it.
    private mutating func record(
        _ connection: WhiskerConnection, notice: (String) -> Void, take: (WhiskerStep) async throws -> Void
    ) async throws -> Bool {
        var stream = WhiskerStream(order: options.order, limits: options.limits)
        var isGreeted = false
        let began = clock.now()
        let timer = deadline.map { deadline in
            Task { [clock] in
                try await clock.sleep(deadline - clock.now())
                // Closes it whatever the server does.
                connection.close()
            }
        }
        defer { timer?.cancel() }
        var end: WhiskerConnection.End?
        var heard = began
        do {
            end = try await connection.receive { bytes in
                heard = clock.now()
                let steps = stream.read(bytes)
                if !isGreeted, stream.isGreeted {
                    isGreeted = true
                    connection.greeted()
                    notice("recording \(address)")
                }
                for step in steps { try await take(step) }
                return stream.damage == nil
            }
        } catch is CancellationError {}
        if isOver { end = nil }
        for step in stream.end(ending(end), at: Date().timeIntervalSince1970) { try await take(step) }
        if let damage = stream.damage {
            let advice =
                damage.code == .unknownProtocol
                ? "" : "; check that a WhiskerServer of pipecat-ai-whisker 2.0.1 listens there"
            throw Final(cause: WhiskerError(damage.code, "\(address): \(damage.message)\(advice)"))
        }
        guard let end else { return false }
        hasRecorded = hasRecorded || isGreeted
        // A bot that comes and goes at once is not made a session of each time it does.
        if heard - began > LiveRecorder.steady {
            returning.reset()
            giveUp = nil
        }
        switch end {
        case .violated(let error): throw Final(cause: error)
        case .lost(let error) where !isGreeted: throw Attempt(cause: error)
        case .closed where !isGreeted: throw Attempt(cause: occupied)
        case .closed:
            guard options.waits else { return false }
            notice("the bot at \(address) has ended; waiting for the next")
        case .lost(let error):
            // One that comes back only to vanish again is given no more time.
            let giveUp = giveUp ?? clock.now() + options.reconnectWindow
            self.giveUp = giveUp
            guard options.waits || clock.now() < giveUp else { return false }
            notice("\(error.problem); trying to reconnect")
        }
        hasSaidThatItWaits = true
        looking.reset()
        try? await clock.sleep(returning.next())
        return !isOver
    }

    private func ending(_ end: WhiskerConnection.End?) -> WhiskerSummary.Ending {
        switch end {
        case nil: .stopped
        case .closed: .complete
        case .lost(let error): .lost(error)
        case .violated(let error): .damaged(error)
        }
    }

    private var occupied: WhiskerError {
        WhiskerError(
            .gone,
            "\(address) closed the connection before its snapshot: Whisker serves one client at a time; close the other, "
                + "its web page for example")
    }

    /// A server that misbehaved: trying again is no use.
    private struct Final: Error {
        var cause: WhiskerError
    }

    /// A connection on which nothing was recorded, and which may be tried again.
    private struct Attempt: Error {
        var cause: WhiskerError
    }
}
