import GRDB
import PipelineEngine

/// Reads the frames of a damaged history one by one, each as far as it can be read.
final class SalvagedFrames {
    /// A frame, and what stood for it in the hash of its session's events.
    struct Salvaged {
        var frame: GenericFrame
        var mark: UInt64
        /// Whether it is as it was written.
        var isWhole: Bool
    }

    private struct Shape {
        var type: FrameType
        var typeHash: UInt64
        var payloadName: String?
        var fields: [UInt8]?
        var isWhole: Bool
    }

    private var types: [Int64: (type: FrameType, hash: UInt64, isWhole: Bool)] = [:]
    private var shapes: [Int64: Shape] = [:]
    private var recent: [Int64: Salvaged] = [:]
    /// Bytes of content read since this was last set to 0.
    var bytesRead = 0

    init(_ db: Database) throws {
        var scan = TolerantScan(
            table: "frame_type", id: "id", columns: "id, name, class, interruptible, base, hash")
        try scan.read(db) { row in
            if let entry = try? readType(row) { types[try row.integer(0)] = entry }
            return true
        }
        scan = TolerantScan(table: "shape", id: "id", columns: "id, type, payload_name, fields, hash")
        try scan.read(db) { row in
            if let shape = try? readShape(row) { shapes[try row.integer(0)] = shape }
            return true
        }
    }

    private func readType(_ row: StoredRow) throws -> (type: FrameType, hash: UInt64, isWhole: Bool) {
        let (name, word) = (try row.text(1), try row.text(2))
        let frameClass = FrameClass(rawValue: word) ?? .data
        let isInterruptible = try row.integer(3) != 0
        let base = try row.optionalInteger(4).flatMap { types[$0] }
        let hash = FrameHash.type(
            name: name, frameClass: word, isInterruptible: isInterruptible, base: base?.hash)
        let stored = UInt64(bitPattern: try row.integer(5))
        let known = FrameType.known(name).flatMap {
            $0.frameClass == frameClass && $0.isInterruptible == isInterruptible && $0.base == base?.type ? $0 : nil
        }
        let type =
            known ?? FrameType(name, base: base?.type, frameClass: frameClass, isInterruptible: isInterruptible)
        return (type, stored, hash == stored && base?.isWhole ?? true)
    }

    private func readShape(_ row: StoredRow) throws -> Shape {
        guard let type = types[try row.integer(1)] else {
            throw WrongValue(column: "type", expected: "the number of a frame type")
        }
        let payloadName = try row.optionalText(2)
        let fields = try row.optionalText(3)
        let hash = FrameHash.shape(type: type.hash, payloadName: payloadName, fields: fields)
        let stored = UInt64(bitPattern: try row.integer(4))
        return Shape(
            type: type.type, typeHash: type.hash, payloadName: payloadName, fields: fields.map { Array($0.utf8) },
            isWhole: type.isWhole && hash == stored)
    }

    private static let query = """
        SELECT f.frame_id, f.shape, f.hash, f.pts, f.name, f.text, f.fields, f.metadata, f.payload FROM frame AS f WHERE f.id = ?
        """

    /// The frame in a row; nil if it is not there or cannot be read.
    func frame(_ row: Int64, _ db: Database) -> Salvaged? {
        if let known = recent[row] { return known }
        let omission = try? db.firstRow(
            "SELECT reason, text_bytes, payload_bytes, digest FROM omission WHERE frame = ?", [row]
        ) { try $0.omission(at: 0) }
        guard let salvaged = try? db.firstRow(Self.query, [row], { try read($0, omission ?? nil) }) else { return nil }
        if recent.count >= 256 { recent.removeAll(keepingCapacity: true) }
        if (salvaged.frame.payload?.bytes.count ?? 0) < 1 << 16 { recent[row] = salvaged }
        return salvaged
    }

    private func read(_ row: StoredRow, _ omission: ContentOmission?) throws -> Salvaged {
        let id = try row.integer(0)
        guard id > 0 else { throw WrongValue(column: "frame_id", expected: "a positive number") }
        let shape = try shapes[row.integer(1)]
        let stored = UInt64(bitPattern: try row.integer(2))
        let pts = try? row.optionalInteger(3)
        let payload = try? row.bytes(8)
        var omission = omission
        omission?.payloadName = shape?.payloadName

        func content(_ shared: UnsafeRawBufferPointer?) -> UInt64 {
            FrameHash.content(
                seed: shape?.typeHash ?? 0, pts: pts, text: row.isNull(5) ? nil : row.utf8(5),
                fields: row.isNull(6) ? shared : row.utf8(6), metadata: row.isNull(7) ? nil : row.utf8(7),
                payload: payload)
        }
        var hash = shape?.fields.map { $0.withUnsafeBytes { content($0) } } ?? content(nil)
        if let omission { hash = FrameHash.adding(omission, to: hash) }

        let fields =
            row.isNull(6)
            ? shape?.fields.flatMap { bytes in bytes.withUnsafeBytes { try? JSONReader.fields($0) } }
            : try? JSONReader.fields(row.utf8(6))
        let metadata = row.isNull(7) ? nil : try? JSONReader.fields(row.utf8(7))
        let name = try? row.optionalText(4)
        var frame = GenericFrame(
            shape?.type ?? Self.unknown,
            header: FrameHeader(id: id, pts: pts, name: name, metadata: metadata ?? [:]))
        frame.text = row.isNull(5) ? nil : try? row.text(5)
        frame.fields = fields ?? [:]
        if let payload {
            frame.payload = FramePayload(name: shape?.payloadName ?? "payload", bytes: Array(payload))
        }
        frame.omission = omission
        let isWhole = hash == stored && shape?.isWhole ?? false
        if !isWhole {
            var damaged = omission ?? ContentOmission(.damaged)
            damaged.reason = .damaged
            frame.omission = damaged
        }
        bytesRead += (frame.payload?.bytes.count ?? 0) + row.utf8(5).count + row.utf8(6).count + row.utf8(7).count
        return Salvaged(
            frame: frame, mark: FrameHash.mark(stored, id: id, name: row.isNull(4) ? nil : row.utf8(4)),
            isWhole: isWhole)
    }

    private static let unknown = FrameType("UnknownFrame", base: .dataFrame)
}
