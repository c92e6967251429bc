import PipelineEngine

/// What `WhiskWriter` adds to Whisker's records so that a session comes back as it was: in the snapshot the definition
/// and the findings, in the others the event.
enum WhiskAnnotation {
    /// The key under which it stands; Whisker's reader passes over keys that it does not know.
    static let key = "lockstep"
    static let version: Int64 = 1
    /// The type of the messages that carry events for which Whisker has no record.
    static let carrier = "LockstepEvent"

    static func encode(_ definition: SessionDefinition, _ findings: [Finding]) -> MessagePackValue {
        .map([
            "version": .integer(version),
            "stages": .array(definition.stages.map(encode)),
            "findings": .array(findings.map(encode)),
        ])
    }

    private static func encode(_ stage: SessionDefinition.Stage) -> MessagePackValue {
        .map([
            "name": .string(stage.name),
            "order": text(stage.frameOrder?.rawValue),
            "parent": stage.parent.map { .integer(Int64($0)) } ?? .null,
            "branches": .array(
                stage.branches.map {
                    .map(["name": text($0.name), "processors": .array($0.processors.map(MessagePackValue.string))])
                }),
        ])
    }

    private static func encode(_ finding: Finding) -> MessagePackValue {
        .map([
            "kind": .string(finding.kind.rawValue), "severity": .string(finding.severity.rawValue),
            "stage": .integer(Int64(finding.stage)), "batch": .integer(finding.batch),
            "branch": .integer(Int64(finding.branch)), "sequence": .integer(finding.sequence),
            "detail": .string(finding.detail),
        ])
    }

    /// The event, without what has its default.
    static func encode(_ event: SessionEvent) -> MessagePackValue {
        var entries: [MessagePackValue.Entry] = []
        func add(_ key: String, _ value: MessagePackValue, unless standard: MessagePackValue = .null) {
            if value != standard { entries.append(MessagePackValue.Entry(.string(key), value)) }
        }
        add("kind", .integer(Int64(event.kind.rawValue)))
        add("sequence", .integer(event.sequence))
        add("time", .integer(event.time))
        add("stage", .integer(Int64(event.stage)), unless: .integer(-1))
        add("batch", .integer(event.batch), unless: .integer(0))
        add("branch", .integer(Int64(event.branch)), unless: .integer(-1))
        add("direction", text(event.direction?.rawValue))
        add("emission", .integer(Int64(event.emission)), unless: .integer(-1))
        add("arrival", .integer(Int64(event.arrival)), unless: .integer(-1))
        add("position", .integer(Int64(event.position)), unless: .integer(-1))
        add("subject", .integer(event.subject), unless: .integer(0))
        add("frame", event.frame.map(encode) ?? .null)
        add("detail", text(event.detail))
        add("processor", text(event.processor))
        add("outcome", text(event.outcome?.rawValue))
        return .map(entries)
    }

    private static func encode(_ frame: any Frame) -> MessagePackValue {
        .map([
            "id": .integer(frame.id),
            "name": text(frame.header.name),
            "type": .string(frame.type.name),
            "base": text(frame.type.base?.name),
            "class": .string(frame.type.frameClass.rawValue),
            "interruptible": .bool(frame.type.isInterruptible),
            "pts": frame.header.pts.map(MessagePackValue.integer) ?? .null,
            "text": text(frame.text),
            "payload": frame.payload.map { .map(["name": .string($0.name), "bytes": .bytes($0.bytes)]) } ?? .null,
            "fields": MessagePackValue(frame.fields),
            "metadata": MessagePackValue(frame.header.metadata),
        ])
    }

    private static func text(_ value: String?) -> MessagePackValue { value.map(MessagePackValue.string) ?? .null }
}

extension MessagePackValue {
    init(_ fields: FrameFields) {
        self = .map(fields.all.map { Entry(.string($0.name), MessagePackValue($0.value)) })
    }

    init(_ value: FieldValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(value)
        case .bytes(let value): self = .bytes(value)
        case .array(let values): self = .array(values.map { MessagePackValue($0) })
        case .object(let fields): self = MessagePackValue(fields)
        }
    }
}
