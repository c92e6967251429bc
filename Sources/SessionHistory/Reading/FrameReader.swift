import GRDB
import PipelineEngine

/// Reads frames from the tables `frame`, `shape` and `frame_type`, each once as long as it is remembered.
final class FrameReader {
    private struct Shape {
        var type: FrameType
        var payloadName: String?
        var fields: FrameFields
    }

    /// Remembered at most, of either.
    private static let maxFrames = 2048
    private static let maxBytes = 8 << 20

    private let content: History.Content
    private var shapes: [Int64: Shape] = [:]
    private var frames: [Int64: GenericFrame] = [:]
    private var rememberedBytes = 0
    /// Bytes of content read since this was last set to 0.
    var bytesRead = 0

    init(_ content: History.Content) { self.content = content }

    /// The frame in a row of `frame`; nil if there is no such row.
    func frame(_ row: Int64, _ db: Database) throws -> GenericFrame? {
        if let known = frames[row] { return known }
        let sql =
            switch content {
            case .order: "SELECT frame_id, shape, pts, name, NULL, NULL, NULL, NULL FROM frame WHERE id = ?"
            case .full:
                """
                SELECT frame_id, shape, pts, name, text, fields, metadata, payload, reason, text_bytes, payload_bytes, digest
                FROM frame LEFT JOIN omission ON omission.frame = frame.id WHERE frame.id = ?
                """
            }
        var bytes = 0
        let decoded = try db.firstRow(sql, [row]) { columns in
            let shape = try shape(columns.integer(1), db)
            let id = try columns.integer(0)
            guard id > 0 else { throw WrongValue(column: "frame_id", expected: "a positive number") }
            let metadata = columns.isNull(6) ? [:] : try JSONReader.fields(columns.utf8(6))
            var frame = GenericFrame(
                shape.type,
                header: FrameHeader(
                    id: id, pts: try columns.optionalInteger(2), name: try columns.optionalText(3), metadata: metadata))
            guard content == .full else { return frame }
            frame.text = try columns.optionalText(4)
            frame.fields = columns.isNull(5) ? shape.fields : try JSONReader.fields(columns.utf8(5))
            if let payload = try columns.optionalBytes(7) {
                frame.payload = FramePayload(name: shape.payloadName ?? "payload", bytes: payload)
                bytes += payload.count
            }
            frame.omission = try columns.omission(at: 8, payloadName: shape.payloadName)
            bytes += (frame.text?.utf8.count ?? 0) + columns.utf8(5).count + columns.utf8(6).count
            return frame
        }
        guard let decoded else { return nil }
        bytesRead += bytes
        if frames.count >= Self.maxFrames || rememberedBytes + bytes > Self.maxBytes {
            frames.removeAll(keepingCapacity: true)
            rememberedBytes = 0
        }
        if bytes <= Self.maxBytes {
            frames[row] = decoded
            rememberedBytes += bytes
        }
        return decoded
    }

    private func shape(_ id: Int64, _ db: Database) throws -> Shape {
        if let known = shapes[id] { return known }
        let row = try db.firstRow("SELECT type, payload_name, fields FROM shape WHERE id = ?", [id]) { row in
            (
                type: try row.integer(0), payloadName: try row.optionalText(1),
                fields: row.isNull(2) ? [:] : try JSONReader.fields(row.utf8(2))
            )
        }
        guard let row else { throw WrongValue(column: "shape", expected: "the number of a shape") }
        let shape = Shape(type: try type(row.type, db, depth: 0), payloadName: row.payloadName, fields: row.fields)
        shapes[id] = shape
        return shape
    }

    private func type(_ id: Int64, _ db: Database, depth: Int) throws -> FrameType {
        let row = try db.firstRow("SELECT name, class, interruptible, base FROM frame_type WHERE id = ?", [id]) { row in
            (
                name: try row.text(0), frameClass: FrameClass(rawValue: try row.text(1)),
                isInterruptible: try row.integer(2) != 0, base: try row.optionalInteger(3)
            )
        }
        // A type that is its own ancestor is nobody's but a forger's.
        guard let row, let frameClass = row.frameClass, depth < 64 else {
            throw WrongValue(column: "type", expected: "the number of a frame type")
        }
        let base = try row.base.map { try type($0, db, depth: depth + 1) }
        if let known = FrameType.known(row.name), known.frameClass == frameClass,
            known.isInterruptible == row.isInterruptible, known.base == base
        {
            return known
        }
        return FrameType(row.name, base: base, frameClass: frameClass, isInterruptible: row.isInterruptible)
    }
}
