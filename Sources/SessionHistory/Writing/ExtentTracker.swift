/// Where in the log the events of one session are, as far as it is not in the table `extent` yet.
///
/// An extent is a range of log ids. It may contain events of other sessions: few long ranges are quicker to read than many
/// exact ones, as long as most of what they contain is the session's own.
struct ExtentTracker {
    struct Extent: Equatable {
        var firstEvent: Int64
        var lastEvent: Int64
        var firstSequence: Int64
        /// Bounds of the batch numbers in it; 1 and 0 if it has none.
        var minBatch: Int64
        var maxBatch: Int64
    }

    /// An extent ends after so many events of its own, so that a batch is found by reading few.
    private static let maxEvents: Int64 = 4096
    /// An extent may contain so many events of others, and then three for each of its own.
    private static let maxForeign: Int64 = 64
    /// Extents are stored when the log has grown by so much: a reader looks for what is newer event by event.
    private static let storeEvery: Int64 = 1 << 18

    /// Ended, and not stored yet.
    private(set) var ended: [Extent] = []
    private(set) var current: Extent?
    private var ownEvents: Int64 = 0
    /// From here on, the session's extents are not in the table.
    private(set) var storedTo: Int64

    init(from event: Int64) { storedTo = event }

    /// - Parameter continuesRow: whether the event is in the same row as the one before: a row is in one extent.
    @inline(__always)
    mutating func add(event: Int64, sequence: Int64, batch: Int64, continuesRow: Bool = false) {
        if var extent = current {
            let foreign = event - extent.firstEvent - ownEvents
            if continuesRow || ownEvents < Self.maxEvents && foreign <= Self.maxForeign + 3 * ownEvents {
                extent.lastEvent = event
                if batch > 0 {
                    if extent.maxBatch == 0 || batch < extent.minBatch { extent.minBatch = batch }
                    if batch > extent.maxBatch { extent.maxBatch = batch }
                }
                current = extent
                ownEvents += 1
                return
            }
            ended.append(extent)
        }
        current = Extent(
            firstEvent: event, lastEvent: event, firstSequence: sequence, minBatch: batch > 0 ? batch : 1,
            maxBatch: batch)
        ownEvents = 1
    }

    /// Whether a reader has to look through too much of the log for what is not stored.
    func isDue(logEnd: Int64) -> Bool { logEnd - storedTo >= Self.storeEvery && !ended.isEmpty }

    /// The extents to store now. What follows them begins at `storedTo`.
    mutating func takeEnded() -> [Extent] {
        defer { ended.removeAll(keepingCapacity: true) }
        if let last = ended.last { storedTo = current?.firstEvent ?? last.lastEvent + 1 }
        return ended
    }

    /// All extents that are left, when the session closes.
    mutating func takeAll() -> [Extent] {
        if let current { ended.append(current) }
        current = nil
        return takeEnded()
    }
}
