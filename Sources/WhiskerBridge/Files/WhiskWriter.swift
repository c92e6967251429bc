public import PipelineEngine

/// Writes a session as a `.whisk` file, which Whisker shows and `WhiskFile` reads back to the same session.
///
///     var writer = WhiskWriter(definition: definition, source: source, findings: findings)
///     var bytes = writer.header()
///     for event in events { bytes += writer.write(event) }
///
/// Each event becomes the records that Whisker would have written for it in Pipecat, and the first of them carries the
/// event itself under a key of its own. Events that Pipecat has no records for travel as messages between workers.
public struct WhiskWriter {
    /// How many outputs may wait for their release before the oldest are shown by their events only.
    private static let mostWaiting = 65_536
    private static let worker = "lockstep"

    private let definition: SessionDefinition
    private let source: WhiskerSource
    private let findings: [Finding]
    private let topology: WhiskTopology
    private var records: Int64 = 0
    private var syncFrames: Int64 = 0
    /// The frames of outputs that have not been released, by their events.
    private var waiting: [Int64: Shown] = [:]
    /// The SyncFrames that are out, by stage and branch.
    private var syncs: [Int: [String]] = [:]

    /// A frame as Whisker shows it.
    private struct Shown {
        var name: String
        var payload: MessagePackValue
    }

    /// - Parameter source: `startedAt` is the session's start; versions are written as far as they are known.
    public init(definition: SessionDefinition, source: WhiskerSource, findings: [Finding] = []) {
        self.definition = definition
        self.source = source
        self.findings = findings
        topology = WhiskTopology(definition)
    }

    /// The snapshot: what a file begins with.
    public mutating func header() -> [UInt8] {
        let worker: MessagePackValue = .map([
            "worker_id": .string(Self.worker), "added_at": .number(source.startedAt), "topology": topology.value,
        ])
        return MessagePackEncoder.encode(
            .map([
                "type": .string("snapshot"),
                "protocol": .string(WhiskerReader.protocolVersion),
                "timestamp": .number(source.startedAt),
                "server": .map([
                    "python": .string(source.python ?? ""), "pipecat": .string(source.pipecat ?? ""),
                    "whisker": .string(source.whisker ?? ""), "platform": .string(source.platform ?? ""),
                ]),
                "workers": .array([worker]),
                WhiskAnnotation.key: WhiskAnnotation.encode(definition, findings),
            ]))
    }

    /// The records of the next event, in the order of `sequence`.
    public mutating func write(_ event: SessionEvent) -> [UInt8] {
        var records = shown(event)
        if records.isEmpty { records = [carrier(event)] }
        if case .map(var entries) = records[0] {
            entries.append(MessagePackValue.Entry(.string(WhiskAnnotation.key), WhiskAnnotation.encode(event)))
            records[0] = .map(entries)
        }
        return records.flatMap(MessagePackEncoder.encode)
    }

    /// What Whisker would have written; nothing where it has no records for it.
    private mutating func shown(_ event: SessionEvent) -> [MessagePackValue] {
        guard topology.stages.indices.contains(event.stage) else { return [] }
        let stage = topology.stages[event.stage]
        let direction = event.direction ?? .downstream
        let (into, out) = direction == .downstream ? (stage.sources, stage.sinks) : (stage.sinks, stage.sources)
        let frame = event.frame.map(Self.shown)
        switch event.kind {
        case .inbound:
            guard let frame else { return [] }
            let isEnd = event.frame?.type.isKind(of: .end) == true
            syncs[event.stage] = isEnd ? [] : into.map { _ in syncFrame() }
            return [record(frame, stage.name, .process, direction, event)]
                + into.indices.flatMap { branch in
                    fanOut(frame, into[branch], direction, event)
                        + (isEnd ? [] : fanOut(sync(event.stage, branch), into[branch], direction, event))
                }
        case .output, .late:
            guard let frame, out.indices.contains(event.branch) else { return [] }
            if waiting.count >= Self.mostWaiting { waiting = [:] }
            waiting[event.sequence] = frame
            return [record(frame, out[event.branch], .process, direction, event)]
        case .sync:
            guard out.indices.contains(event.branch), syncs[event.stage]?.indices.contains(event.branch) == true else {
                return []
            }
            return [record(sync(event.stage, event.branch), out[event.branch], .process, direction, event)]
        case .release:
            guard let frame = frame ?? waiting[event.subject] else { return [] }
            waiting[event.subject] = nil
            return [record(frame, stage.name, .push, direction, event)]
        case .bypass:
            guard let frame else { return [] }
            // One after the other: each record takes the next number.
            var records =
                out.indices.contains(event.branch)
                ? [record(frame, out[event.branch], .process, direction, event)]
                : [record(frame, stage.name, .process, direction, event)]
            if event.branch < 0 { for source in into { records += fanOut(frame, source, direction, event) } }
            records.append(record(frame, stage.name, .push, direction, event))
            return records
        case .duplicate, .drop:
            waiting[event.subject] = nil
            return []
        case .stall, .error, .anomaly, .close: return []
        }
    }

    private mutating func fanOut(
        _ frame: Shown, _ processor: String, _ direction: FrameDirection, _ event: SessionEvent
    ) -> [MessagePackValue] {
        [
            record(frame, processor, .process, direction, event),
            record(frame, processor, .push, direction, event),
        ]
    }

    private mutating func syncFrame() -> String {
        defer { syncFrames += 1 }
        return "SyncFrame#\(syncFrames)"
    }

    private func sync(_ stage: Int, _ branch: Int) -> Shown {
        let name = syncs[stage]?[branch] ?? ""
        return Shown(name: name, payload: .map(["name": .string(name)]))
    }

    private mutating func record(
        _ frame: Shown, _ processor: String, _ action: FrameRecord.Action, _ direction: FrameDirection,
        _ event: SessionEvent
    ) -> MessagePackValue {
        records += 1
        return .map([
            "type": .string("frame"), "id": .integer(records), "worker_id": .string(Self.worker),
            "name": .string(frame.name), "from": .string(processor), "action": .string(action.rawValue),
            "direction": .string(direction.rawValue), "timestamp": timestamp(event), "payload": frame.payload,
        ])
    }

    private func carrier(_ event: SessionEvent) -> MessagePackValue {
        .map([
            "type": .string("bus_message"), "timestamp": timestamp(event),
            "message_type": .string(WhiskAnnotation.carrier), "category": .string("other"),
            "source_worker": .string(Self.worker), "target_worker": .null,
            "data": .map(["event": .string("\(event.kind)"), "detail": .string(event.detail ?? "")]),
        ])
    }

    private func timestamp(_ event: SessionEvent) -> MessagePackValue {
        .number(source.startedAt + Double(event.time) / 1e9)
    }

    private static func shown(_ frame: any Frame) -> Shown {
        var entries = [
            MessagePackValue.Entry(.string("id"), .integer(frame.id)),
            MessagePackValue.Entry(.string("name"), .string(frame.name)),
            MessagePackValue.Entry(.string("interruptible"), .bool(frame.type.isInterruptible)),
        ]
        func add(_ key: String, _ value: MessagePackValue) {
            entries.append(MessagePackValue.Entry(.string(key), value))
        }
        if let pts = frame.header.pts { add("pts", .integer(pts)) }
        if let text = frame.text { add("text", .string(text)) }
        if let payload = frame.payload { add(payload.name, .string("<type: bytes>")) }
        for field in frame.fields.all { add(field.name, withoutBytes(field.value)) }
        return Shown(name: frame.name, payload: .map(entries))
    }

    /// Whisker shows bytes as a word.
    private static func withoutBytes(_ value: FieldValue) -> MessagePackValue {
        switch value {
        case .bytes: .string("<type: bytes>")
        case .array(let values): .array(values.map(withoutBytes))
        case .object(let fields):
            .map(fields.all.map { MessagePackValue.Entry(.string($0.name), withoutBytes($0.value)) })
        default: MessagePackValue(value)
        }
    }
}
