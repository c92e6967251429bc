import Foundation
public import PipelineEngine

/// Reads a `.whisk` file.
public enum WhiskFile {
    private static let piece = 256 << 10

    /// Tells every step of the sessions in the file, in order, on the caller's thread; memory stays bounded.
    ///
    /// Reads the file twice when no order is given: first to infer the frame orders, so that every event is told with
    /// the order known. A file that is cut or damaged is told up to the damage and ends `.damaged`. One whose beginning
    /// is missing, and Whisker's snapshot with it, is told from the first whole record on, its stages worked out from
    /// the records; the summary says so. One that holds nothing of Whisker's tells nothing and throws.
    ///
    /// - Throws: `WhiskerError` if the file cannot be read or is no recording; whatever `take` throws.
    public static func read(
        _ path: String, order: FrameOrder? = nil, limits: WhiskerLimits = WhiskerLimits(),
        take: (WhiskerStep) throws -> Void
    ) throws {
        let head = try missingHead(path, limits)
        var orders = KnownOrders(all: order)
        if order == nil {
            var inferred: [[FrameOrder?]] = []
            try pass(path, WhiskerStream(orders, limits: limits, missing: head)) { step in
                switch step {
                case .started(_, let definition): inferred.append(definition.stages.map(\.frameOrder))
                case .definition(let definition): inferred[inferred.count - 1] = definition.stages.map(\.frameOrder)
                case .event, .finding, .ended: break
                }
            }
            orders = KnownOrders(sessions: inferred)
        }
        try pass(path, WhiskerStream(orders, limits: limits, missing: head), take)
    }

    private static func pass(
        _ path: String, _ stream: WhiskerStream, _ take: (WhiskerStep) throws -> Void
    ) throws {
        var stream = stream
        try pieces(path) { bytes in
            for step in stream.read(bytes) { try take(step) }
            return stream.damage == nil
        }
        for step in stream.end(.complete) { try take(step) }
        if !stream.hasToldSession {
            let reason = stream.damage.map(\.message) ?? "it is empty"
            throw WhiskerError(
                stream.damage?.code ?? .notWhisker, "\(path) is no recording of Whisker's: \(reason)")
        }
    }

    /// What stands in for the beginning of a file that begins inside a record; nil for one that is whole, or none of
    /// Whisker's.
    private static func missingHead(_ path: String, _ limits: WhiskerLimits) throws -> MissingHead? {
        var start: [UInt8] = []
        try pieces(path) { bytes in
            start += bytes
            return start.count < 4 * piece
        }
        guard let first = FirstRecord.find(in: start, limits: limits) else { return nil }
        var decoder = MessagePackDecoder(limits: limits)
        var guess = TopologyGuess(limits: limits)
        var timestamp: Double?
        var skipped = 0
        try pieces(path) { bytes in
            let skip = min(bytes.count, first - skipped)
            skipped += skip
            decoder.feed(bytes.dropFirst(skip))
            do {
                while let record = try decoder.next() {
                    let message = try WhiskerReader.message(record, size: 0)
                    if timestamp == nil, message.timestamp > 0 { timestamp = message.timestamp }
                    switch message {
                    case .snapshot: return false
                    case .frame(let record): guess.take(record)
                    case .workerAdded, .busMessage, .other: break
                    }
                }
            } catch is MessagePackError {
                return false
            } catch is WhiskerError {
                return false
            }
            return true
        }
        let workers = guess.workers
        guard !workers.isEmpty else { return nil }
        return MissingHead(
            bytes: Int64(first),
            snapshot: WhiskerMessage.Snapshot(source: WhiskerSource(startedAt: timestamp ?? 0), workers: workers))
    }

    /// Gives the file's bytes to `take`, in pieces, until it says false.
    private static func pieces(_ path: String, _ take: (Data) throws -> Bool) throws {
        let file = try open(path)
        defer { try? file.close() }
        while let bytes = try next(file, path), try take(bytes) {}
    }

    private static func open(_ path: String) throws(WhiskerError) -> FileHandle {
        do { return try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) } catch { throw unreadable(path, error) }
    }

    private static func next(_ file: FileHandle, _ path: String) throws(WhiskerError) -> Data? {
        do {
            guard let data = try file.read(upToCount: piece), !data.isEmpty else { return nil }
            return data
        } catch {
            throw unreadable(path, error)
        }
    }

    private static func unreadable(_ path: String, _ error: any Error) -> WhiskerError {
        let reason = (error as NSError).userInfo[NSUnderlyingErrorKey].map { "\($0)" } ?? error.localizedDescription
        return WhiskerError(.unreadable, "\(path) cannot be read: \(reason); give the path of a .whisk file")
    }
}
