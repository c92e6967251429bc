/// What a command came to, for those who ask by exit code.
enum ExitStatus: Sendable, Equatable {
    /// Done; the same; nothing found.
    case done
    /// Differences or findings.
    case different
    /// Wrong usage or trouble: nothing done.
    case trouble
    /// Done, but something was lost.
    case lossy
    /// Stopped by this signal, in order.
    case signalled(Int32)

    var code: Int32 {
        switch self {
        case .done: 0
        case .different: 1
        case .trouble: 2
        case .lossy: 3
        case .signalled(let signal): 128 + signal
        }
    }
}

/// Why a command cannot do what it was asked for: what is wrong, where, what to do.
struct CommandFailure: Error {
    let message: String
    let status: ExitStatus

    init(_ message: String, status: ExitStatus = .trouble) {
        self.message = message
        self.status = status
    }
}
