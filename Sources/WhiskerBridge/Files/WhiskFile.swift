import Foundation
public import PipelineEngine

/// Reads a `.whisk` file.
public enum WhiskFile {
    private static let piece = 256 << 10

    /// Tells every step of the sessions in the file, in order, on the caller's thread; memory stays bounded.
    ///
    /// Reads the file twice when no order is given: first to infer the frame orders, so that every event is told with
    /// the order known. A file that is cut or damaged is told up to the damage and ends `.damaged`; one that holds
    /// nothing of Whisker's tells nothing and throws.
    ///
    /// - Throws: `WhiskerError` if the file cannot be read or is no recording; whatever `take` throws.
    public static func read(
        _ path: String, order: FrameOrder? = nil, limits: WhiskerLimits = WhiskerLimits(),
        take: (WhiskerStep) throws -> Void
    ) throws {
        var orders = KnownOrders(all: order)
        if order == nil {
            var inferred: [[FrameOrder?]] = []
            try pass(path, WhiskerStream(orders, limits: limits)) { step in
                switch step {
                case .started(_, let definition): inferred.append(definition.stages.map(\.frameOrder))
                case .definition(let definition):
                    inferred[inferred.count - 1] = definition.stages.map(\.frameOrder)
                case .event, .finding, .ended: break
                }
            }
            orders = KnownOrders(sessions: inferred)
        }
        try pass(path, WhiskerStream(orders, limits: limits), take)
    }

    private static func pass(
        _ path: String, _ stream: WhiskerStream, _ take: (WhiskerStep) throws -> Void
    ) throws {
        var stream = stream
        let file = try open(path)
        defer { try? file.close() }
        while stream.damage == nil, let bytes = try next(file, path) {
            for step in stream.read(bytes) { try take(step) }
        }
        for step in stream.end(.complete) { try take(step) }
        if !stream.hasToldSession {
            let reason = stream.damage.map(\.message) ?? "it is empty"
            throw WhiskerError(
                stream.damage?.code ?? .notWhisker,
                "\(path) is no recording of Whisker's: \(reason)")
        }
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
