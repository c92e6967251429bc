import PipelineEngine

/// One record of Whisker's, typed. Keys that are not known are left aside.
enum WhiskerMessage: Sendable {
    /// What a recording and a connection begin with.
    case snapshot(Snapshot)
    /// A processor processed or pushed a frame.
    case frame(FrameRecord)
    /// A worker joined while the recording ran.
    case workerAdded(Worker)
    /// A message between workers.
    case busMessage(BusMessage)
    /// A record of a type that this program does not know.
    case other(type: String)

    /// When it was written, in seconds since 1970; 0 where it does not say.
    var timestamp: Double {
        switch self {
        case .snapshot(let snapshot): snapshot.source.startedAt
        case .frame(let record): record.timestamp
        case .busMessage(let message): message.timestamp
        case .workerAdded, .other: 0
        }
    }

    struct Snapshot: Sendable {
        var source: WhiskerSource
        var workers: [Worker]
        /// What `WhiskWriter` added, nil in recordings of Whisker's own.
        var annotation: MessagePackValue?
    }

    struct Worker: Sendable {
        var id: String
        /// In definition order: a processor stands behind the one that contains it.
        var processors: [Processor]
    }

    struct Processor: Sendable {
        var id: String
        var parent: String?
        var type: String
    }

    struct BusMessage: Sendable {
        var type: String
        var timestamp: Double
        var annotation: MessagePackValue?
    }
}

/// A frame event of Whisker's.
struct FrameRecord: Sendable {
    enum Action: String, Sendable {
        case process, push
    }

    /// Whisker's running number over all workers; 0 where it is missing.
    var number: Int64
    var worker: String
    /// The frame's name, `TextFrame#3`.
    var name: String
    var processor: String
    var action: Action
    var direction: FrameDirection
    /// When the observer wrote it, in seconds since 1970.
    var timestamp: Double
    var payload: MessagePackValue
    var annotation: MessagePackValue?
    /// The record's size in bytes.
    var size: Int
}

extension FrameRecord {
    /// The name of the frame's type: what stands before the last `#` of its name.
    var typeName: Substring { name.lastIndex(of: "#").map { name[..<$0] } ?? name[...] }

    /// What Pipecat tells frames apart by when it deduplicates: the id, where the payload has it.
    var key: FrameKey { payload["id"]?.integer.map(FrameKey.id) ?? .name(name) }
}

enum FrameKey: Sendable, Hashable {
    case id(Int64)
    case name(String)
}
