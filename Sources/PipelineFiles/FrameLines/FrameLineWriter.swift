public import PipelineEngine

/// Writes frames as JSON lines into a buffer: the lines of `--output`, and those of an input.
///
/// What it writes `FrameLineReader` reads back as the same frame. Own fields of a frame whose names are keys of the line
/// (`stage`, say) go into an object under the key `$fields`. A type of a program's own is written with its class.
public struct FrameLineWriter: Sendable {
    private var json = JSONWriter()
    /// How lines of the last frame's type begin: the next frame is often of the same.
    private var lastType: FrameType?
    private var lastBeginning: [UInt8] = []

    public init() {}

    /// The lines written since `removeAll`, each with its newline.
    public var bytes: [UInt8] { json.bytes }

    /// Begins anew, with the memory that it has.
    public mutating func removeAll() { json.bytes.removeAll(keepingCapacity: true) }

    /// A line of `--output`.
    public mutating func write(_ frame: any Frame, place: FramePlace) {
        let header = frame.header
        begin(frame)
        json.literal(#", "frame_id": "#)
        json.write(header.id)
        if let name = header.name {
            json.literal(#", "frame_name": "#)
            json.write(name)
        }
        json.literal(#", "stage": "#)
        write(place.stage.map(Int64.init))
        json.literal(#", "batch": "#)
        write(place.batch)
        json.literal(#", "position": "#)
        write(place.position.map(Int64.init))
        json.literal(#", "branch": "#)
        write(place.branch.map(Int64.init))
        json.literal(#", "at_ms": "#)
        json.writeMilliseconds(nanoseconds: place.time)
        write(place.direction)
        end(frame, header)
    }

    /// A line of an input: the frame with its id.
    ///
    /// - Parameter time: in ns from the session's start, if it is to come in at a given time.
    public mutating func write(_ frame: any Frame, time: Int64? = nil, direction: FrameDirection) {
        let header = frame.header
        begin(frame)
        json.literal(#", "id": "#)
        json.write(header.id)
        if let time {
            json.literal(#", "at_ms": "#)
            json.writeMilliseconds(nanoseconds: time)
        }
        write(direction)
        end(frame, header)
    }

    private mutating func begin(_ frame: any Frame) {
        let type = frame.type
        if lastType != type {
            lastType = type
            lastBeginning = FrameLineWriter.beginning(type)
        }
        json.bytes.append(contentsOf: lastBeginning)
    }

    private static func beginning(_ type: FrameType) -> [UInt8] {
        var json = JSONWriter()
        json.literal(#"{"type": "#)
        json.write(type.name)
        if FrameType.known(type.name) == nil {
            json.literal(#", "class": "#)
            json.write(type.frameClass.rawValue)
            if !type.isInterruptible { json.literal(#", "interruptible": false"#) }
        }
        return json.bytes
    }

    private mutating func write(_ direction: FrameDirection) {
        direction == .downstream
            ? json.literal(#", "direction": "downstream""#) : json.literal(#", "direction": "upstream""#)
    }

    private mutating func write(_ integer: Int64?) {
        guard let integer else { return json.literal("null") }
        json.write(integer)
    }

    private mutating func end(_ frame: any Frame, _ header: FrameHeader) {
        if let pts = header.pts {
            json.literal(#", "pts": "#)
            json.write(pts)
        }
        let metadata = header.metadata
        if !metadata.isEmpty {
            json.literal(#", "metadata": "#)
            json.writeObject(metadata)
        }
        let text = frame.text
        let hasText = text != nil
        if let text {
            json.literal(#", "text": "#)
            json.write(text)
        }
        var reserved: FrameFields?
        let payload = frame.payload
        if let payload {
            if FrameKeys.reserved.contains(payload.name) {
                reserved = [payload.name: .bytes(payload.bytes)]
            } else {
                json.literal(", ")
                json.write(payload.name)
                json.literal(": ")
                json.writeBytes(payload.bytes)
            }
        }
        for field in frame.fields.all {
            // Fields taken by reflection have the text and the payload among them once more.
            if field.name == "text", hasText { continue }
            if field.name == payload?.name { continue }
            if FrameKeys.reserved.contains(field.name) {
                reserved = reserved ?? [:]
                reserved?[field.name] = field.value
                continue
            }
            json.literal(", ")
            json.write(field.name)
            json.literal(": ")
            json.write(field.value)
        }
        if let reserved {
            json.literal(#", "$fields": "#)
            json.writeObject(reserved)
        }
        json.literal("}\n")
    }
}
