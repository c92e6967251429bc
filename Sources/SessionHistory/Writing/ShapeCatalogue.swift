import GRDB
import PipelineEngine

/// The rows of `frame_type` and `shape`: what frames of a kind have in common, stored once and then known by number.
///
/// Numbers stay valid until a redaction removes shapes, which `begin` notices. Used by the writer's thread only.
final class ShapeCatalogue {
    /// What is known of one `FrameType`.
    final class Entry {
        let type: FrameType
        let typeID: Int64
        /// The shape of its frames without a payload.
        let plainShape: Int64
        /// Where the hashes of its frames begin.
        let hashSeed: UInt64
        /// EndFrame, StopFrame and their subtypes leave a batch of their own last (C9).
        let endsBatch: Bool
        /// The shapes of its frames with a payload: by payload name and fields, the latest last.
        fileprivate(set) var payloadShapes: [(name: String, fields: [UInt8], shape: Int64)] = []

        init(type: FrameType, typeID: Int64, plainShape: Int64, hashSeed: UInt64, endsBatch: Bool) {
            self.type = type
            self.typeID = typeID
            self.plainShape = plainShape
            self.hashSeed = hashSeed
            self.endsBatch = endsBatch
        }
    }

    /// A type has at most so many shapes; fields beyond stand with each frame.
    private static let maxPayloadShapes = 64
    private static let maxSharedFields = 1024
    private static let maxEntries = 4096

    private var entries: [Int: Entry] = [:]
    private var removals: Int64 = -1
    // `@exclusivity(unchecked)`: as in `ByteBuffer`.
    @exclusivity(unchecked) private var latest: Entry?

    /// At the start of each transaction: forgets everything if somebody removed shapes meanwhile.
    func begin(_ db: Database) throws {
        let removals = try db.firstRow("SELECT value FROM counter WHERE name = 'shapes removed'") { try $0.integer(0) }
        if removals != self.removals { reset() }
        self.removals = removals ?? -1
    }

    /// The entry of a type, stored if it is new.
    @inline(__always)
    func entry(_ type: FrameType, _ db: Database) throws -> Entry {
        if let latest, latest.type.key == type.key { return latest }
        let entry = try entries[type.key] ?? make(type, db)
        latest = entry
        return entry
    }

    /// Forgets everything, since a transaction that stored some of it was rolled back.
    func reset() {
        entries = [:]
        latest = nil
    }

    private func make(_ type: FrameType, _ db: Database) throws -> Entry {
        // Programs may make type objects without end; the numbers are in the file.
        if entries.count >= Self.maxEntries { entries = [:] }
        let (typeID, seed) = try storeType(type, db)
        let plain = try storeShape(typeID, seed, payloadName: nil, fields: nil, db)
        let ends = [FrameType.known("EndFrame"), FrameType.known("StopFrame")]
        let entry = Entry(
            type: type, typeID: typeID, plainShape: plain, hashSeed: seed,
            endsBatch: ends.contains { $0.map(type.isKind(of:)) ?? false })
        entries[type.key] = entry
        return entry
    }

    private func storeType(_ type: FrameType, _ db: Database) throws -> (id: Int64, hash: UInt64) {
        let base = try type.base.map { try storeType($0, db) }
        let name = type.name.storable()
        let hash = FrameHash.type(
            name: name, frameClass: type.frameClass.rawValue, isInterruptible: type.isInterruptible, base: base?.hash)
        let arguments: StatementArguments = [name, type.frameClass.rawValue, type.isInterruptible, base?.id]
        let known = try Int64.fetchOne(
            db,
            sql: "SELECT id FROM frame_type WHERE name = ? AND class = ? AND interruptible = ? AND base IS ?",
            arguments: arguments)
        if let known { return (known, hash) }
        try db.execute(
            sql: "INSERT INTO frame_type(name, class, interruptible, base, hash) VALUES (?, ?, ?, ?, ?)",
            arguments: arguments + [Int64(bitPattern: hash)])
        return (db.lastInsertedRowID, hash)
    }

    private func storeShape(
        _ type: Int64, _ typeHash: UInt64, payloadName: String?, fields: String?, _ db: Database
    ) throws -> Int64 {
        let arguments: StatementArguments = [type, payloadName, fields]
        let known = try Int64.fetchOne(
            db, sql: "SELECT id FROM shape WHERE type = ? AND payload_name IS ? AND fields IS ?", arguments: arguments)
        if let known { return known }
        let hash = FrameHash.shape(type: typeHash, payloadName: payloadName, fields: fields)
        try db.execute(
            sql: "INSERT INTO shape(type, payload_name, fields, hash) VALUES (?, ?, ?, ?)",
            arguments: arguments + [Int64(bitPattern: hash)])
        return db.lastInsertedRowID
    }

    /// The shape of a frame with a payload, and whether its fields stand in the shape.
    func payloadShape(
        _ entry: Entry, name: String, fields: UnsafeRawBufferPointer, _ db: Database
    ) throws -> (shape: Int64, sharesFields: Bool) {
        for known in entry.payloadShapes.reversed() where known.name == name {
            if known.fields.count == fields.count, known.fields.elementsEqual(fields) { return (known.shape, true) }
        }
        // Fields that differ from frame to frame would fill the table, so only the first few are shared.
        if fields.count <= Self.maxSharedFields, entry.payloadShapes.count < Self.maxPayloadShapes {
            let text = fields.isEmpty ? nil : String(decoding: fields, as: UTF8.self)
            let shape = try storeShape(entry.typeID, entry.hashSeed, payloadName: name, fields: text, db)
            entry.payloadShapes.append((name, Array(fields), shape))
            return (shape, true)
        }
        if let bare = entry.payloadShapes.first(where: { $0.name == name && $0.fields.isEmpty }) {
            return (bare.shape, false)
        }
        let shape = try storeShape(entry.typeID, entry.hashSeed, payloadName: name, fields: nil, db)
        entry.payloadShapes.append((name, [], shape))
        return (shape, false)
    }
}
