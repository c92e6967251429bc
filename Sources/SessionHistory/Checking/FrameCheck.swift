import GRDB
import PipelineEngine

/// Computes the hash of every stored frame anew.
struct FrameCheck {
    private struct Shape {
        var typeHash: UInt64
        var fields: [UInt8]?
    }

    /// Rows that one read transaction takes.
    private static let step = 2000

    private var shapes: [Int64: Shape] = [:]
    /// Frames whose content is not what was hashed. Bounded: with more damage than this, one frame more or less says nothing.
    private(set) var damaged: Set<Int64> = []
    private(set) var count: Int64 = 0
    private static let maxDamaged = 100_000

    /// Reads what frames have in common.
    init(_ db: Database, _ found: inout Verification) throws {
        var types: [Int64: UInt64] = [:]
        // A base is stored before what is based on it.
        try db.forEachRow("SELECT id, name, class, interruptible, base, hash FROM frame_type ORDER BY id") { row in
            let id = try row.integer(0)
            let base = try row.optionalInteger(4)
            let hash = FrameHash.type(
                name: try row.text(1), frameClass: try row.text(2), isInterruptible: try row.integer(3) != 0,
                base: base.flatMap { types[$0] })
            let stored = UInt64(bitPattern: try row.integer(5))
            if hash != stored || base.map({ types[$0] == nil }) ?? false {
                found.add(.frame, "the frame type \(try row.text(1)) is not as it was written")
            }
            types[id] = stored
            return true
        }
        try db.forEachRow("SELECT id, type, payload_name, fields, hash FROM shape ORDER BY id") { row in
            guard let type = types[try row.integer(1)] else {
                found.add(.reference, "the type of shape \(try row.integer(0)) is not there")
                return true
            }
            let fields = try row.optionalText(3)
            let hash = FrameHash.shape(type: type, payloadName: try row.optionalText(2), fields: fields)
            if hash != UInt64(bitPattern: try row.integer(4)) {
                found.add(.frame, "what frames of shape \(try row.integer(0)) have in common is not as it was written")
            }
            shapes[try row.integer(0)] = Shape(typeHash: type, fields: row.isNull(3) ? nil : Array(row.utf8(3)))
            return true
        }
    }

    private static let query = """
        SELECT f.id, f.shape, f.hash, f.pts, f.text, f.fields, f.metadata, f.payload, o.reason, o.text_bytes, o.payload_bytes,
            o.digest
        FROM frame AS f LEFT JOIN omission AS o ON o.frame = f.id
        WHERE f.id > ? ORDER BY f.id LIMIT \(step)
        """

    /// Checks the frames behind a row, and returns the last row of them; nil at the end.
    mutating func check(after row: Int64, _ db: Database) throws -> Int64? {
        var last: Int64?
        try db.forEachRow(Self.query, [row]) { row in
            let id = try row.integer(0)
            last = id
            count += 1
            if try !isWhole(row), damaged.count < Self.maxDamaged { damaged.insert(id) }
            return true
        }
        return last
    }

    private func isWhole(_ row: StoredRow) throws -> Bool {
        guard let shape = shapes[try row.integer(1)] else { return false }
        let payload = try? row.bytes(7)
        if payload == nil, !row.isNull(7) { return false }
        func content(_ shared: UnsafeRawBufferPointer?) throws -> UInt64 {
            FrameHash.content(
                seed: shape.typeHash, pts: try row.optionalInteger(3), text: row.isNull(4) ? nil : row.utf8(4),
                fields: row.isNull(5) ? shared : row.utf8(5), metadata: row.isNull(6) ? nil : row.utf8(6),
                payload: payload ?? nil)
        }
        var hash =
            try shape.fields.map { try $0.withUnsafeBytes { try content($0) } } ?? content(nil)
        if let omission = try row.omission(at: 8) { hash = FrameHash.adding(omission, to: hash) }
        return hash == UInt64(bitPattern: try row.integer(2))
    }
}

extension StoredRow {
    /// What is missing of a frame, from the columns reason, text_bytes, payload_bytes and digest; nil if nothing is.
    func omission(at column: Int, payloadName: String? = nil) throws -> ContentOmission? {
        guard let reason = try optionalText(column) else { return nil }
        guard let reason = ContentOmission.Reason(rawValue: reason) else {
            throw WrongValue(column: "reason", expected: "why something is missing")
        }
        return ContentOmission(
            reason, textBytes: try optionalInteger(column + 1), payloadName: payloadName,
            payloadBytes: try optionalInteger(column + 2), digest: try optionalInteger(column + 3))
    }
}
