import Foundation
import GRDB
import PipelineEngine

/// The rows that say what and where a session is: `session`, `stage`, `branch`, `extent`.
enum SessionRows {
    /// The end of an extent that still grows.
    static let openEnd = Int64.max

    /// Enters a new session.
    ///
    /// - Returns: nil if the history already has a whole session of this uuid.
    static func begin(
        _ start: SessionStart, by connection: WritingConnection, _ db: Database, _ log: LogTables
    ) throws -> SessionEncoder? {
        let uuid = (start.uuid ?? UUID().uuidString).lowercased()
        guard uuid.utf8.count == 36, UUID(uuidString: uuid) != nil else {
            throw HistoryError(
                .invalidEvent, "'\(uuid.storable(maxBytes: 64))' is no uuid; a session's has 36 characters")
        }
        let known = try db.firstRow("SELECT session FROM session WHERE uuid = ?", [uuid]) { try $0.integer(0) }
        if let known {
            // A copy that is not complete is one whose import died, unless somebody else makes it right now.
            let isWhole = try db.firstRow("SELECT imported <> 2 FROM session WHERE session = ?", [known]) {
                try $0.integer(0) != 0
            }
            if isWhole ?? true { return nil }
            let owner = try db.firstRow("SELECT owner FROM session WHERE session = ?", [known]) {
                try $0.optionalInteger(0)
            }
            if let owner = owner ?? nil, owner == connection.owner || connection.lockFile.isAlive(owner) {
                throw HistoryError(.busy, "session \(uuid) is being imported right now; wait for that import to end")
            }
            try Removing.discard([known], db)
        }
        try db.execute(
            sql: """
                INSERT INTO session(session, uuid, name, source, state, started_at, owner, imported, stages, payload)
                VALUES (?, ?, ?, ?, 'recording', ?, ?, ?, ?, ?)
                """,
            arguments: [
                start.number, uuid, start.name?.storable(), start.source?.storable(),
                (start.startedAt ?? Timestamp.now()).storable(),
                connection.owner, start.isImport ? 2 : 0, start.definition.stages.count,
                start.payload.rawValue,
            ])
        let session = db.lastInsertedRowID
        try store(start.definition, session, limits: connection.limits, db)
        let first = log.events.nextID
        try insertOpen(session, firstEvent: first, firstSequence: 1, db)
        return SessionEncoder(session: session, uuid: uuid, keeping: start.payload, from: first)
    }

    /// Stores what a session runs; what was stored of it before is brought up to date.
    static func store(
        _ definition: SessionDefinition, _ session: Int64, limits: ContentLimits, _ db: Database
    ) throws {
        try db.execute(
            sql: "UPDATE session SET stages = ? WHERE session = ?", arguments: [definition.stages.count, session])
        for (index, stage) in definition.stages.enumerated() {
            guard stage.number == index, stage.number <= EventCode.maxStage, stage.branches.count <= limits.branches
            else {
                throw HistoryError(
                    .invalidEvent,
                    "stage \(stage.number) cannot be recorded, with \(stage.branches.count) branches: this history takes "
                        + "stages numbered from 0 to \(EventCode.maxStage), and \(limits.branches) branches in each")
            }
            try db.execute(
                sql: """
                    INSERT INTO stage(session, stage, name, frame_order, parent) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET name = excluded.name, frame_order = excluded.frame_order,
                        parent = excluded.parent
                    """,
                arguments: [session, stage.number, stage.name.storable(), stage.frameOrder?.rawValue, stage.parent])
            for (number, branch) in stage.branches.enumerated() {
                let buffer = ByteBuffer(capacity: 256)
                var json = JSONWriter(buffer)
                let names = FieldValue.array(branch.processors.map { .string($0.storable()) })
                let range = json.write(array: names)
                try db.execute(
                    sql: """
                        INSERT INTO branch(session, stage, branch, name, processors) VALUES (?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET name = excluded.name, processors = excluded.processors
                        """,
                    arguments: [
                        session, stage.number, number, branch.name?.storable(),
                        String(decoding: buffer.bytes(range), as: UTF8.self),
                    ])
            }
        }
    }

    static func insertOpen(_ session: Int64, firstEvent: Int64, firstSequence: Int64, _ db: Database) throws {
        try insert(
            session,
            ExtentTracker.Extent(
                firstEvent: firstEvent, lastEvent: openEnd, firstSequence: firstSequence, minBatch: 1, maxBatch: .max),
            db)
    }

    static func insert(_ session: Int64, _ extent: ExtentTracker.Extent, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO extent(session, first_event, last_event, first_seq, min_batch, max_batch)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            session, extent.firstEvent, extent.lastEvent, extent.firstSequence, extent.minBatch, extent.maxBatch,
        ])
    }

    static func deleteOpen(_ session: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM extent WHERE session = ? AND last_event = ?")
            .execute(arguments: [session, openEnd])
    }

    static func store(
        _ counts: SessionCounts, _ hash: EventsHash, _ session: Int64, countedTo: Int64, _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                UPDATE session SET duration = ?, inbound = ?, outputs = ?, released = ?, duplicates = ?, bypasses = ?,
                    incidents = ?, events = ?, bytes = ?, counted_to = ?, events_hash = ?
                WHERE session = ?
                """
        ).execute(arguments: [
            counts.duration, counts.inbound, counts.outputs, counts.released, counts.duplicates, counts.bypasses,
            counts.incidents, counts.events, counts.bytes, countedTo,
            Int64(bitPattern: hash.value), session,
        ])
    }

    static func close(_ session: Int64, state: SessionState, endedAt: String, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE session SET state = ?, ended_at = ?, owner = NULL WHERE session = ?",
            arguments: [state.rawValue, endedAt.storable(), session])
        try SessionSeal.set(session, db)
    }
}

extension SessionEncoder {
    func isExtentDue(_ logEnd: Int64) -> Bool { extents.isDue(logEnd: logEnd) }

    /// Stores the extents that have ended; what follows them is open.
    func storeExtents(_ db: Database, _ log: LogTables) throws {
        let next = extents.current
        let ended = takeEndedExtents()
        guard !ended.isEmpty else { return }
        try SessionRows.deleteOpen(session, db)
        for extent in ended { try SessionRows.insert(session, extent, db) }
        try SessionRows.insertOpen(
            session, firstEvent: extents.storedTo, firstSequence: next?.firstSequence ?? counts.events + 1, db)
    }

    func storeCounts(_ db: Database, _ log: LogTables) throws {
        guard counts != storedCounts else { return }
        try SessionRows.store(counts, eventsHash, session, countedTo: log.events.nextID - 1, db)
        storedCounts = counts
    }

    /// Stores everything that is left to say of the session.
    func finish(_ db: Database, _ log: LogTables, state: SessionState, endedAt: String) throws {
        try SessionRows.deleteOpen(session, db)
        for extent in takeAllExtents() { try SessionRows.insert(session, extent, db) }
        try SessionRows.store(counts, eventsHash, session, countedTo: log.events.nextID - 1, db)
        storedCounts = counts  // or a later commit would store them again, in a row that is sealed
        try db.execute(sql: "UPDATE session SET imported = 1 WHERE session = ? AND imported = 2", arguments: [session])
        try SessionRows.close(session, state: state, endedAt: endedAt, db)
    }
}
