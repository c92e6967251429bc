import PipelineEngine

/// Makes Whisker's messages of decoded records, and says what keeps a record from being one.
enum WhiskerReader {
    /// The protocol that this program knows.
    static let protocolVersion = "1"

    /// Longer names are no names.
    private static let longestName = 1_024

    /// - Throws: `WhiskerError` without a place; `WhiskerStream` adds it.
    static func message(_ record: MessagePackValue, size: Int) throws(WhiskerError) -> WhiskerMessage {
        guard case .map = record else { throw WhiskerError(.notWhisker, "the record is no map") }
        let type = try name(record["type"], "type")
        switch type {
        case "snapshot": return .snapshot(try snapshot(record))
        case "worker_added": return .workerAdded(try worker(record))
        case "frame", "frame:whisker", "frame:whisker-urgent": return .frame(try frame(record, size: size))
        case "bus_message":
            return .busMessage(
                WhiskerMessage.BusMessage(
                    type: record["message_type"]?.string ?? "", timestamp: timestamp(record),
                    annotation: record[WhiskAnnotation.key]))
        default: return .other(type: type)
        }
    }

    private static func snapshot(_ record: MessagePackValue) throws(WhiskerError) -> WhiskerMessage.Snapshot {
        let version = record["protocol"]?.string ?? record["protocol"]?.integer.map(String.init) ?? "none"
        guard version == protocolVersion else {
            throw WhiskerError(
                .unknownProtocol,
                "the recording follows protocol \(quoted(version)) of Whisker's and this program knows "
                    + "\(protocolVersion); use pipecat-ai-whisker 2.0.1, or a newer lockstep")
        }
        var workers: [WhiskerMessage.Worker] = []
        for element in record["workers"]?.array ?? [] { workers.append(try worker(element)) }
        let server = record["server"] ?? .null
        return WhiskerMessage.Snapshot(
            source: WhiskerSource(
                pipecat: server["pipecat"]?.string, whisker: server["whisker"]?.string,
                python: server["python"]?.string, platform: server["platform"]?.string, startedAt: timestamp(record)),
            workers: workers, annotation: record[WhiskAnnotation.key])
    }

    private static func worker(_ record: MessagePackValue) throws(WhiskerError) -> WhiskerMessage.Worker {
        let id = try name(record["worker_id"], "worker_id")
        var processors: [WhiskerMessage.Processor] = []
        for element in record["topology"]?["processors"]?.array ?? [] {
            processors.append(
                WhiskerMessage.Processor(
                    id: try name(element["id"], "id"), parent: element["parent"]?.string,
                    type: element["type"]?.string ?? ""))
        }
        return WhiskerMessage.Worker(id: id, processors: processors)
    }

    private static func frame(_ record: MessagePackValue, size: Int) throws(WhiskerError) -> FrameRecord {
        let action = try name(record["action"], "action")
        let direction = try name(record["direction"], "direction")
        guard let action = FrameRecord.Action(rawValue: action) else {
            throw WhiskerError(.notWhisker, "the action \(quoted(action)) is neither process nor push")
        }
        guard let direction = FrameDirection(rawValue: direction) else {
            throw WhiskerError(.notWhisker, "the direction \(quoted(direction)) is neither downstream nor upstream")
        }
        return FrameRecord(
            number: record["id"]?.integer ?? 0, worker: try name(record["worker_id"], "worker_id"),
            name: try name(record["name"], "name"), processor: try name(record["from"], "from"), action: action,
            direction: direction, timestamp: timestamp(record), payload: record["payload"] ?? .null,
            annotation: record[WhiskAnnotation.key], size: size)
    }

    private static func name(_ value: MessagePackValue?, _ key: String) throws(WhiskerError) -> String {
        guard let name = value?.string else {
            throw WhiskerError(.notWhisker, "the record has no text under '\(key)'")
        }
        guard name.utf8.count <= longestName else {
            throw WhiskerError(.notWhisker, "the '\(key)' of the record is longer than \(longestName) bytes")
        }
        return name
    }

    /// Seconds since 1970; 0 for what can be none.
    private static func timestamp(_ record: MessagePackValue) -> Double {
        guard let value = record["timestamp"]?.number, value.isFinite, value > 0, value < 1e11 else { return 0 }
        return value
    }

    /// A text of somebody else's, short and without control characters.
    static func quoted(_ text: String) -> String {
        let clean = text.unicodeScalars.prefix(40).map { $0.properties.generalCategory == .control ? "?" : String($0) }
        return "'\(clean.joined())\(text.unicodeScalars.count > 40 ? "…" : "")'"
    }
}
