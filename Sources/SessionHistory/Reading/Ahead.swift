import Dispatch
import Foundation

/// Pieces that are made one after the other on another thread, a few of them before they are asked for. One thread asks.
final class Ahead<Piece: Sendable>: @unchecked Sendable {  // its variables are touched under `changed` only
    private let changed = NSCondition()
    private var pieces: [Piece] = []
    /// How the making ended; nil while it goes on.
    private var end: Result<Void, any Error>?
    private var isWanted = true

    /// Begins at once.
    ///
    /// - Parameters:
    ///   - limit: how many pieces wait to be asked for at most.
    ///   - following: makes the piece that follows another; nil if that was the last.
    init(after first: Piece, limit: Int = 4, _ following: @escaping @Sendable (Piece) throws -> Piece?) {
        DispatchQueue.global().async {
            let end = Result {
                var piece = first
                while self.isAnotherWanted(atMost: limit), let next = try following(piece) {
                    piece = next
                    self.locked { self.pieces.append(next) }
                }
            }
            self.locked { self.end = end }
        }
    }

    /// The next piece, as soon as it is there; nil behind the last.
    ///
    /// - Throws: what making it threw.
    func next() throws -> Piece? {
        changed.lock()
        defer {
            changed.broadcast()
            changed.unlock()
        }
        while pieces.isEmpty, end == nil { changed.wait() }
        if !pieces.isEmpty { return pieces.removeFirst() }
        try end?.get()
        return nil
    }

    /// Makes no more, and returns when none is being made.
    func stop() {
        locked { isWanted = false }
        changed.lock()
        while end == nil { changed.wait() }
        changed.unlock()
    }

    /// Waits until there is room for another piece; false if none is wanted any more.
    private func isAnotherWanted(atMost limit: Int) -> Bool {
        changed.lock()
        defer { changed.unlock() }
        while isWanted, pieces.count >= limit { changed.wait() }
        return isWanted
    }

    private func locked(_ change: () -> Void) {
        changed.lock()
        change()
        changed.broadcast()
        changed.unlock()
    }
}
