public import PipelineEngine

/// Writes a session as JSON lines into a buffer; what it writes `SessionLineReader` reads back as the same session.
public struct SessionLineWriter: Sendable {
    /// The version of the format that this writes.
    public static let version: Int64 = 1

    private var json = JSONWriter()

    public init() {}

    /// The lines written since `removeAll`, each with its newline.
    public var bytes: [UInt8] { json.bytes }

    /// Begins anew, with the memory that it has.
    public mutating func removeAll() { json.bytes.removeAll(keepingCapacity: true) }

    public mutating func write(_ head: SessionLineHead) {
        var object: FrameFields = [
            "lockstep": "session", "version": .integer(Self.version), "uuid": .string(head.uuid),
        ]
        object["name"] = head.name.map(FieldValue.string)
        object["source"] = head.source.map(FieldValue.string)
        object["started_at"] = .string(head.startedAt)
        object["payload"] = head.payload.map(FieldValue.string)
        object["stages"] = .array(head.definition.stages.map { .object(Self.fields($0)) })
        line(object)
    }

    public mutating func write(_ finding: SessionLineFinding) {
        var object: FrameFields = ["finding": .string(finding.kind), "severity": .string(finding.severity)]
        object["seq"] = finding.sequence.map(FieldValue.integer)
        object["stage"] = finding.stage.map { .integer(Int64($0)) }
        object["batch"] = finding.batch.map(FieldValue.integer)
        object["branch"] = finding.branch.map { .integer(Int64($0)) }
        object["detail"] = .string(finding.detail)
        line(object)
    }

    public mutating func write(_ end: SessionLineEnd) {
        var object: FrameFields = ["end": .string(end.state)]
        object["ended_at"] = end.endedAt.map(FieldValue.string)
        object["events"] = .integer(end.events)
        line(object)
    }

    private mutating func line(_ object: FrameFields) {
        json.writeObject(object)
        json.literal("\n")
    }

    private static func fields(_ stage: SessionDefinition.Stage) -> FrameFields {
        var fields: FrameFields = ["stage": .integer(Int64(stage.number)), "name": .string(stage.name)]
        fields["frame_order"] = stage.frameOrder.map { .string($0.rawValue) }
        fields["parent"] = stage.parent.map { .integer(Int64($0)) }
        fields["branches"] = .array(
            stage.branches.map { branch in
                var fields: FrameFields = ["branch": .integer(Int64(branch.number))]
                fields["name"] = branch.name.map(FieldValue.string)
                fields["processors"] = .array(branch.processors.map(FieldValue.string))
                return .object(fields)
            })
        return fields
    }

    /// Writes an event; what it has at its default is left out.
    ///
    /// The frame of an event that has a `subject` is written only if `writesFrame` says so: that of its subject is known.
    public mutating func write(_ event: SessionEvent, writesFrame: Bool = true) {
        json.literal(#"{"seq": "#)
        json.write(event.sequence)
        json.literal(#", "at_ns": "#)
        json.write(event.time)
        json.literal(#", "event": "#)
        json.write(event.kind.word)
        integer(#", "stage": "#, Int64(event.stage), default: -1)
        integer(#", "batch": "#, event.batch, default: 0)
        integer(#", "branch": "#, Int64(event.branch), default: -1)
        text(#", "direction": "#, event.direction?.rawValue)
        integer(#", "emission": "#, Int64(event.emission), default: -1)
        integer(#", "arrival": "#, Int64(event.arrival), default: -1)
        integer(#", "position": "#, Int64(event.position), default: -1)
        integer(#", "subject": "#, event.subject, default: 0)
        text(#", "detail": "#, event.detail)
        text(#", "processor": "#, event.processor)
        text(#", "outcome": "#, event.outcome?.rawValue)
        if writesFrame, let frame = event.frame {
            json.literal(#", "frame": "#)
            write(frame)
        }
        json.literal("}\n")
    }

    private mutating func integer(_ key: StaticString, _ value: Int64, default absent: Int64) {
        if value == absent { return }
        json.literal(key)
        json.write(value)
    }

    private mutating func text(_ key: StaticString, _ value: String?) {
        guard let value else { return }
        json.literal(key)
        json.write(value)
    }

    private mutating func write(_ frame: any Frame) {
        let header = frame.header
        let type = frame.type
        json.literal(#"{"type": "#)
        json.write(type.name)
        if FrameType.known(type.name) == nil {
            json.literal(#", "class": "#)
            json.write(type.frameClass.rawValue)
            if !type.isInterruptible { json.literal(#", "interruptible": false"#) }
        }
        json.literal(#", "id": "#)
        json.write(header.id)
        text(#", "name": "#, header.name)
        if let pts = header.pts {
            json.literal(#", "pts": "#)
            json.write(pts)
        }
        if !header.metadata.isEmpty {
            json.literal(#", "metadata": "#)
            json.writeObject(header.metadata)
        }
        text(#", "text": "#, frame.text)
        let payload = frame.payload
        if let payload {
            json.literal(#", "payload": {"#)
            json.write(payload.name)
            json.literal(": ")
            json.writeBytes(payload.bytes)
            json.literal("}")
        }
        var fields = FrameFields()
        for field in frame.fields.all where field.name != payload?.name {
            // Fields taken by reflection have the text among them once more.
            if field.name == "text", frame.text != nil { continue }
            fields.append(field.name, field.value)
        }
        if !fields.isEmpty {
            json.literal(#", "fields": "#)
            json.writeObject(fields)
        }
        if let missing = frame.omission {
            json.literal(#", "omitted": "#)
            json.writeObject(missing.fields)
        }
        json.literal("}")
    }
}
