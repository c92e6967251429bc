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
            var mark: UInt64 = 0
        }

        private static let slots = 256
        private var slots: [Slot] = []

        @inline(__always)
        fileprivate func find(_ frameID: Int64, _ hash: UInt64) -> (row: Int64, mark: UInt64)? {
            if slots.isEmpty { return nil }
            let slot = slots[Int(truncatingIfNeeded: frameID) & (Self.slots - 1)]
            return slot.frameID == frameID && slot.hash == hash ? (slot.row, slot.mark) : nil
        }

        @inline(__always)
        fileprivate mutating func add(_ frameID: Int64, _ hash: UInt64, _ row: Int64, _ mark: UInt64) {
            if slots.isEmpty { slots = Array(repeating: Slot(), count: Self.slots) }
            slots[Int(truncatingIfNeeded: frameID) & (Self.slots - 1)] = Slot(
                frameID: frameID, hash: hash, row: row, mark: mark)
        }
    }

    /// Where a frame is.
    struct Written {
        var row: Int64
        /// What stands for it in the hash of the session's events.
        var mark: UInt64
        /// Whether it ends a batch of its own (EndFrame, StopFrame).
        var endsBatch: Bool
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

    private let frames: LogTable
    private let shapes = ShapeCatalogue()
    private let scratch = ByteBuffer(capacity: 1 << 16)
    private let limits: ContentLimits
    private let key: KeyedHash
    private let omissions: LogTable
    /// What a frame's row takes besides its content, roughly, in bytes.
    static let bytesBesides = 32
    /// Bytes stored in this transaction: content, and `bytesBesides` for each frame.
    @exclusivity(unchecked) private(set) var bytesWritten = 0

    init(_ db: Database, _ handle: OpaquePointer, limits: ContentLimits) throws {
        frames = try LogTable(
            handle, table: "frame",
            columns: ["frame_id", "shape", "hash", "pts", "name", "text", "fields", "metadata", "payload"])
        self.limits = limits
        key = try KeyedHash(contentKeyOf: db)
        omissions = try LogTable(
            handle, table: "omission", id: "frame", columns: ["reason", "text_bytes", "payload_bytes", "digest"])
    }

    func begin(_ db: Database) throws {
        try frames.begin()
        omissions.forget()
        try shapes.begin(db)
        bytesWritten = 0
    }

    func flush() throws {
        try frames.flush()
        try omissions.flush()
    }

    /// What was stored since `begin` is not in the file after all.
    func rollBack() { shapes.reset() }

    /// Writes the frame's content, as far as `mode` keeps it, unless it is there already.
    func write(
        _ parcel: Parcel, keeping mode: PayloadMode, recent: inout Recent, _ db: Database
    ) throws -> Written {
        let header = parcel.frame.header
        let entry = try shapes.entry(parcel.type, db)
        var text = parcel.frame.text
        let payload = parcel.frame.payload
        let fields = parcel.frame.fields
        let metadata = header.metadata
        let omission = parcel.frame.omission

        scratch.removeAll()
        var json = JSONWriter(scratch, maxDepth: limits.depth)
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
        if let omission { hash = FrameHash.adding(omission, to: hash) }

        if let known = recent.find(header.id, hash) {
            return Written(row: known.row, mark: known.mark, endsBatch: entry.endsBatch)
        }
        var kept = KeptContent(
            text: text, fields: fieldsRange, metadata: metadataRange, payload: payload, omission: omission,
            isCut: json.isCut)
        kept.withhold(mode, bytesInJSON: json.hasBytes)
        kept.truncate(to: limits.bytes)
        var storedHash = hash
        if kept.omission != nil {
            if mode.keepsTraces, kept.omission?.digest == nil, omission == nil {
                kept.omission?.digest = digest(entry, text: text, fields: fieldsRange, payload: payload)
            }
            if mode == .text, json.hasBytes {
                var words = JSONWriter(scratch, maxDepth: limits.depth, keepsBytes: false)
                if kept.fields != nil { kept.fields = words.write(fields) }
                if kept.metadata != nil { kept.metadata = words.write(metadata) }
            }
            storedHash = hashOfKept(kept, entry, pts: header.pts)
        }
        var name = mode.keepsWords || header.hasOrdinaryName(parcel.type) ? header.name : nil
        name = name?.capped(maxBytes: limits.nameBytes)
        let row = try store(header, entry, hash: storedHash, name: name, kept, db)
        let mark =
            name?.withUTF8 { FrameHash.mark(storedHash, id: header.id, name: UnsafeRawBufferPointer($0)) }
            ?? FrameHash.mark(storedHash, id: header.id, name: nil)
        recent.add(header.id, hash, row, mark)
        return Written(row: row, mark: mark, endsBatch: entry.endsBatch)
    }

    /// Takes out of a stored frame what `mode` does not keep. Returns whether that was anything.
    func redact(_ row: Int64, _ frame: GenericFrame, keeping mode: PayloadMode, _ db: Database) throws -> Bool {
        let entry = try shapes.entry(frame.type, db)
        scratch.removeAll()
        var json = JSONWriter(scratch)
        let fields = frame.fields.isEmpty ? nil : json.write(frame.fields)
        let metadata = frame.header.metadata.isEmpty ? nil : json.write(frame.header.metadata)
        var kept = KeptContent(
            text: frame.text, fields: fields, metadata: metadata, payload: frame.payload, omission: frame.omission,
            isCut: false)
        kept.withhold(mode, bytesInJSON: json.hasBytes, as: .redacted)
        let keepsName = mode.keepsWords || frame.header.hasOrdinaryName(frame.type)
        if kept.omission == frame.omission, kept.fields == fields, kept.text == frame.text, keepsName { return false }
        if kept.omission != nil {
            kept.omission?.reason = .redacted
            if mode.keepsTraces, frame.omission == nil {
                kept.omission?.digest = digest(entry, text: frame.text, fields: fields, payload: frame.payload)
            }
        }
        if mode == .text, json.hasBytes {
            var words = JSONWriter(scratch, keepsBytes: false)
            if kept.fields != nil { kept.fields = words.write(frame.fields) }
            if kept.metadata != nil { kept.metadata = words.write(frame.header.metadata) }
        }
        let hash = hashOfKept(kept, entry, pts: frame.header.pts)
        var shape = entry.plainShape
        if let name = kept.payloadName {
            let shared = try shapes.payloadShape(
                entry, name: name.storable(),
                fields: kept.fields.map(scratch.bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0), db)
            shape = shared.shape
            if shared.sharesFields { kept.fields = nil }
        }
        func text(_ range: Range<Int>?) -> String? {
            range.map { String(decoding: scratch.bytes($0), as: UTF8.self) }
        }
        // What stays is not bound anew.
        try db.cachedStatement(
            sql: """
                UPDATE frame SET shape = ?, hash = ?, fields = ?, metadata = ?, name = iif(?, name, NULL),
                    text = iif(?, text, NULL), payload = iif(?, payload, NULL)
                WHERE id = ?
                """
        ).execute(arguments: [
            shape, Int64(bitPattern: hash), text(kept.fields), text(kept.metadata), keepsName, kept.text != nil,
            kept.payload != nil, row,
        ])
        guard let missing = kept.omission else { return true }
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO omission(frame, reason, text_bytes, payload_bytes, digest) VALUES (?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            row, missing.reason.rawValue, missing.textBytes, missing.payloadBytes, missing.digest,
        ])
        return true
    }

    private func digest(
        _ entry: ShapeCatalogue.Entry, text: String?, fields: Range<Int>?, payload: FramePayload?
    ) -> Int64 {
        var text = text
        // Whether each is there, and its hash; as bytes that are the same on every machine.
        func part(_ hash: UInt64?) -> (UInt64, UInt64) {
            hash.map { (UInt64(1).littleEndian, $0.littleEndian) } ?? (0, 0)
        }
        let parts = (
            entry.hashSeed.littleEndian, part(text?.withUTF8 { key.hash(UnsafeRawBufferPointer($0)) }),
            part(fields.map { key.hash(scratch.bytes($0)) }), part(payload?.bytes.withUnsafeBytes { key.hash($0) })
        )
        return Int64(bitPattern: withUnsafeBytes(of: parts) { key.hash($0) })
    }

    private func hashOfKept(_ kept: borrowing KeptContent, _ entry: ShapeCatalogue.Entry, pts: Int64?) -> UInt64 {
        func content(_ text: UnsafeRawBufferPointer?, _ payload: UnsafeRawBufferPointer?) -> UInt64 {
            FrameHash.content(
                seed: entry.hashSeed, pts: pts, text: text, fields: kept.fields.map(scratch.bytes),
                metadata: kept.metadata.map(scratch.bytes), payload: payload)
        }
        func withText(_ payload: UnsafeRawBufferPointer?) -> UInt64 {
            var text = kept.text
            return text?.withUTF8 { content(UnsafeRawBufferPointer($0), payload) } ?? content(nil, payload)
        }
        let hash = kept.payload?.withUnsafeBytes { withText($0) } ?? withText(nil)
        return kept.omission.map { FrameHash.adding($0, to: hash) } ?? hash
    }

    private func store(
        _ header: FrameHeader, _ entry: ShapeCatalogue.Entry, hash: UInt64, name: String?,
        _ kept: borrowing KeptContent, _ db: Database
    ) throws -> Int64 {
        var text = kept.text
        var name = name
        var fields = kept.fields
        let metadata = kept.metadata
        let keptPayload = kept.payload
        var shape = entry.plainShape
        if let payloadName = kept.payloadName {
            let shared = try shapes.payloadShape(
                entry, name: payloadName.storable(),
                fields: fields.map(scratch.bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0), db)
            shape = shared.shape
            if shared.sharesFields { fields = nil }
        }

        let inlinePayload = keptPayload.map { $0.count <= Self.copiedPayload } ?? false
        let textBytes =
            (name?.utf8.count ?? 0) + (text?.utf8.count ?? 0) + (fields?.count ?? 0) + (metadata?.count ?? 0)
            + (inlinePayload ? keptPayload?.count ?? 0 : 0)
        let row = frames.nextID
        let cells = try frames.row(textBytes: textBytes)
        cells[Column.frameID] = .integer(header.id)
        cells[Column.shape] = .integer(shape)
        cells[Column.hash] = .integer(Int64(bitPattern: hash))
        cells[Column.pts] = header.pts.map(LogTable.Cell.integer) ?? .null
        cells[Column.name] = name?.withUTF8 { frames.text(UnsafeRawBufferPointer($0)) } ?? .null
        cells[Column.text] = text?.withUTF8 { frames.text(UnsafeRawBufferPointer($0)) } ?? .null
        cells[Column.fields] = fields.map { frames.text(scratch.bytes($0)) } ?? .null
        cells[Column.metadata] = metadata.map { frames.text(scratch.bytes($0)) } ?? .null
        cells[Column.payload] = .null
        if let keptPayload {
            if inlinePayload {
                cells[Column.payload] = keptPayload.withUnsafeBytes { frames.blob($0) }
            } else {
                try keptPayload.withUnsafeBytes { try frames.finishRow(payload: $0) }
            }
        }
        bytesWritten += textBytes + (inlinePayload ? 0 : keptPayload?.count ?? 0) + Self.bytesBesides
        if let missing = kept.omission { try store(missing, of: row) }
        return row
    }

    private func store(_ omission: ContentOmission, of row: Int64) throws {
        var reason = omission.reason.rawValue
        let cells = try omissions.row(id: row, textBytes: reason.utf8.count)
        cells[0] = reason.withUTF8 { omissions.text(UnsafeRawBufferPointer($0)) }
        cells[1] = omission.textBytes.map(LogTable.Cell.integer) ?? .null
        cells[2] = omission.payloadBytes.map(LogTable.Cell.integer) ?? .null
        cells[3] = omission.digest.map(LogTable.Cell.integer) ?? .null
    }
}

extension FrameHeader {
    /// Whether the frame is named after its type, as every frame is that nobody gave a name of its own.
    func hasOrdinaryName(_ type: FrameType) -> Bool {
        guard let name else { return true }
        let number = name.utf8.dropFirst(type.name.utf8.count + 1)
        return name.hasPrefix(type.name + "#") && !number.isEmpty
            && number.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

extension KeyedHash {
    /// With the key that this history hashes content with.
    init(contentKeyOf db: Database) throws {
        let key = try db.firstRow("SELECT value FROM secret WHERE name = 'content'") { try $0.optionalBytes(0) }
        guard let key = key ?? nil, key.count >= 16 else {
            throw HistoryError(
                .damaged, "the history's key is missing; 'lockstep recover' salvages what is readable")
        }
        self.init(key: key)
    }
}
