import PipelineEngine

/// Makes frames of what Whisker says about them.
///
/// Each name gets an id of its own, a running number from 1. Names are remembered in two generations of bounded size:
/// a name that has not been seen while 65,536 others were is forgotten, and would get a new id.
struct FrameBuilder: Sendable {
    private static let generation = 65_536
    private static let longestTypeList = 4_096

    private var recent: [String: Int64] = [:]
    private var older: [String: Int64] = [:]
    private var lastID: Int64 = 0
    /// Types that are not Pipecat's own, by name.
    private var ownTypes: [Substring: FrameType] = [:]
    /// Whether a type of the bot's maker is a system type, as far as a stage has shown it.
    private var systemTypes: [Substring: Bool] = [:]

    /// The class of a record's frame; nil for a type of the bot's own that no stage has shown yet.
    func isSystem(_ record: FrameRecord) -> Bool? {
        let name = record.typeName
        return FrameType.known(String(name)).map { !$0.frameClass.isSynchronized } ?? systemTypes[name]
    }

    /// Remembers what a stage has shown about a type of the bot's own.
    mutating func learn(_ record: FrameRecord, isSystem: Bool) {
        let name = record.typeName
        guard systemTypes[name] == nil, systemTypes.count < Self.longestTypeList else { return }
        systemTypes[Substring(String(name))] = isSystem
        ownTypes[name] = nil
    }

    /// The frame of a record.
    mutating func frame(_ record: FrameRecord) -> GenericFrame {
        var fields = FrameFields()
        var text: String?
        var metadata = FrameFields()
        var pts: Int64?
        if case .map(let entries) = record.payload {
            var seen: Set<String> = []
            for entry in entries {
                guard let key = entry.key.string, seen.insert(key).inserted else { continue }
                switch key {
                case "id", "name", "interruptible": break
                case "pts": pts = entry.value.integer
                case "text" where entry.value.string != nil: text = entry.value.string
                case "metadata": if case .object(let value) = FieldValue(entry.value) { metadata = value }
                default: fields.append(key, FieldValue(entry.value))
                }
            }
        } else if record.payload != .null {
            fields.append("payload", FieldValue(record.payload))
        }
        return GenericFrame(
            type(of: record),
            header: FrameHeader(id: id(of: record.name), pts: pts, name: record.name, metadata: metadata),
            text: text, fields: fields)
    }

    private mutating func id(of name: String) -> Int64 {
        if let id = recent[name] { return id }
        if recent.count >= Self.generation { (older, recent) = (recent, [:]) }
        if older[name] == nil { lastID += 1 }
        let id = older[name] ?? lastID
        recent[name] = id
        return id
    }

    private mutating func type(of record: FrameRecord) -> FrameType {
        let name = record.typeName
        if let known = FrameType.known(String(name)) { return known }
        if let own = ownTypes[name] { return own }
        let base = systemTypes[name] == true ? FrameType.systemFrame : .dataFrame
        // Types are never freed: a recording that brings more than a bot can have gets no more of its own.
        guard ownTypes.count < Self.longestTypeList else { return base }
        let type = FrameType(
            name.isEmpty ? "Frame" : String(name), base: base,
            isInterruptible: record.payload["interruptible"]?.bool)
        ownTypes[Substring(type.name)] = type
        return type
    }
}

extension FieldValue {
    /// What JSON has no word for becomes text.
    init(_ value: MessagePackValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .large(let value): self = .string(String(value))
        case .number(let value): self = value.isFinite ? .number(value) : .string("\(value)")
        case .string(let value): self = .string(value)
        case .bytes(let value), .extended(_, let value): self = .bytes(value)
        case .array(let values): self = .array(values.map(FieldValue.init))
        case .map(let entries):
            var fields = FrameFields()
            var seen: Set<String> = []
            for entry in entries {
                let name =
                    switch entry.key {
                    case .string(let name): name
                    case .integer(let number): String(number)
                    default: "\(entry.key)"
                    }
                if seen.insert(name).inserted { fields.append(name, FieldValue(entry.value)) }
            }
            self = .object(fields)
        }
    }
}
