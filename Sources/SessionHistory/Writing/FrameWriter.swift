import GRDB
import PipelineEngine

/// Writes the content of frames into the table `frame`, once for each content that a session mentions.
///
/// Used by the writer's thread only, inside its transaction.
final class FrameWriter {
    /// The frames that a session mentioned last, so that those which mention them again need no content of their own.
    ///
    /// A slot per frame id modulo their number: ids run on, so these are the latest. A frame that lost its slot is stored
    /// again, which costs space and nothing else.
    struct Recent {
        private struct Slot {
            var frameID: Int64 = 0
            var hash: UInt64 = 0
            var row: Int64 = 0
        }

        private static let slots = 256
        private var slots: [Slot] = []

        @inline(__always)
        fileprivate func find(_ frameID: Int64, _ hash: UInt64) -> Int64? {
            if slots.isEmpty { return nil }
            let slot = slots[Int(truncatingIfNeeded: frameID) & (Self.slots - 1)]
            return slot.frameID == frameID && slot.hash == hash ? slot.row : nil
        }

        @inline(__always)
        fileprivate mutating func add(_ frameID: Int64, _ hash: UInt64, _ row: Int64) {
            if slots.isEmpty { slots = Array(repeating: Slot(), count: Self.slots) }
            slots[Int(truncatingIfNeeded: frameID) & (Self.slots - 1)] = Slot(frameID: frameID, hash: hash, row: row)
        }
    }

    /// Columns of `frame` in the order of the cells.
    private enum Column {
        static let frameID = 0
        static let shape = 1
        static let hash = 2
        static let pts = 3
        static let name = 4
        static let text = 5
        static let fields = 6
        static let metadata = 7
        static let payload = 8
    }

    /// Payloads up to this size are copied into the batch of rows; larger ones are given to SQLite where they are.
    private static let copiedPayload = 8192

    private let table: LogTable
    private let shapes = ShapeCatalogue()
    private let scratch = ByteBuffer(capacity: 1 << 16)
    private let limits: ContentLimits
    /// Bytes of content stored in this transaction.
    @exclusivity(unchecked) private(set) var bytesWritten = 0

    init(_ db: OpaquePointer, limits: ContentLimits) throws {
        table = try LogTable(
            db, table: "frame",
            columns: ["frame_id", "shape", "hash", "pts", "name", "text", "fields", "metadata", "payload"])
        self.limits = limits
    }

    func begin() throws {
        try table.begin()
        bytesWritten = 0
    }

    func flush() throws { try table.flush() }

    /// What was stored since `begin` is not in the file after all.
    func rollBack() { shapes.reset() }

    /// The row that holds the frame's content, and whether the frame ends a batch of its own (EndFrame, StopFrame).
    func write(_ frame: any Frame, recent: inout Recent, _ db: Database) throws -> (row: Int64, endsBatch: Bool) {
        let header = frame.header
        let entry = try shapes.entry(frame.type, db)
        var text = frame.text
        let payload = frame.payload
        let fields = frame.fields
        let metadata = header.metadata

        scratch.removeAll()
        var json = JSONWriter(scratch)
        let fieldsRange = fields.isEmpty ? nil : json.write(fields)
        let metadataRange = metadata.isEmpty ? nil : json.write(metadata)

        var hash = entry.hashSeed
        if let pts = header.pts { hash = ContentHash.combine(hash, UInt64(bitPattern: pts)) }
        if text != nil {
            hash = text?.withUTF8 { ContentHash.hash(UnsafeRawBufferPointer($0), seed: hash ^ 1) } ?? hash
        }
        if let fieldsRange { hash = ContentHash.hash(scratch.bytes(fieldsRange), seed: hash ^ 2) }
        if let metadataRange { hash = ContentHash.hash(scratch.bytes(metadataRange), seed: hash ^ 3) }
        if let payload { hash = payload.bytes.withUnsafeBytes { ContentHash.hash($0, seed: hash ^ 4) } }

        if let row = recent.find(header.id, hash) { return (row, entry.endsBatch) }
        let row = try store(
            header, entry, hash: hash, text: text, fields: fieldsRange, metadata: metadataRange, payload: payload,
            isCut: json.isCut, db)
        recent.add(header.id, hash, row)
        return (row, entry.endsBatch)
    }

    private func store(
        _ header: FrameHeader, _ entry: ShapeCatalogue.Entry, hash: UInt64, text: String?, fields: Range<Int>?,
        metadata: Range<Int>?, payload: FramePayload?, isCut: Bool, _ db: Database
    ) throws -> Int64 {
        var text = text
        var fields = fields
        var metadata = metadata
        var keptPayload = payload
        var omitted = isCut
        let textCount = text?.utf8.count
        if let textCount, textCount > limits.bytes { (text, omitted) = (nil, true) }
        if let count = fields?.count, count > limits.bytes { (fields, omitted) = (nil, true) }
        if let count = metadata?.count, count > limits.bytes { (metadata, omitted) = (nil, true) }
        if let count = payload?.bytes.count, count > limits.bytes { (keptPayload, omitted) = (nil, true) }

        var shape = entry.plainShape
        if let payload {
            let shared = try shapes.payloadShape(
                entry, name: payload.name.storable(),
                fields: fields.map(scratch.bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0), db)
            shape = shared.shape
            if shared.sharesFields { fields = nil }
        }
        var name = header.name?.capped(maxBytes: limits.nameBytes)

        let inlinePayload = keptPayload.map { $0.bytes.count <= Self.copiedPayload } ?? false
        let textBytes =
            (name?.utf8.count ?? 0) + (text?.utf8.count ?? 0) + (fields?.count ?? 0) + (metadata?.count ?? 0)
            + (inlinePayload ? keptPayload?.bytes.count ?? 0 : 0)
        let row = table.nextID
        let cells = try table.row(textBytes: textBytes)
        cells[Column.frameID] = .integer(header.id)
        cells[Column.shape] = .integer(shape)
        cells[Column.hash] = .integer(Int64(bitPattern: hash))
        cells[Column.pts] = header.pts.map(LogTable.Cell.integer) ?? .null
        cells[Column.name] = name?.withUTF8 { table.text(UnsafeRawBufferPointer($0)) } ?? .null
        cells[Column.text] = text?.withUTF8 { table.text(UnsafeRawBufferPointer($0)) } ?? .null
        cells[Column.fields] = fields.map { table.text(scratch.bytes($0)) } ?? .null
        cells[Column.metadata] = metadata.map { table.text(scratch.bytes($0)) } ?? .null
        cells[Column.payload] = .null
        if let keptPayload {
            if inlinePayload {
                cells[Column.payload] = keptPayload.bytes.withUnsafeBytes { table.blob($0) }
            } else {
                try keptPayload.bytes.withUnsafeBytes { try table.finishRow(payload: $0) }
            }
        }
        bytesWritten += textBytes + (inlinePayload ? 0 : keptPayload?.bytes.count ?? 0) + 32
        if omitted {
            try db.execute(
                sql: "INSERT INTO omission(frame, reason, text_bytes, payload_bytes) VALUES (?, 'truncated', ?, ?)",
                arguments: [row, textCount, payload?.bytes.count])
        }
        return row
    }
}
