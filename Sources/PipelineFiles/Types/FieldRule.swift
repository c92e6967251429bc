import PipelineEngine

/// What the catalogue's types expect of the fields that this program itself makes use of.
enum FieldRule {
    case text, bytes, positiveInteger, size, bool

    /// What a field of this name has to be in a frame of `type`, nil where anything goes.
    static func rule(for name: String, of type: FrameType) -> FieldRule? {
        // A type of a program's own has the fields that the program likes, also where it specialises a known one.
        guard FrameType.known(type.name) != nil else { return nil }
        switch name {
        case "text": return .text
        case "audio" where isAudio(type): return .bytes
        case "sample_rate" where isAudio(type), "num_channels" where isAudio(type): return .positiveInteger
        case "image" where isImage(type): return .bytes
        case "size" where isImage(type): return .size
        case "error" where type.isKind(of: ErrorFrame.frameType): return .text
        case "fatal" where type.isKind(of: ErrorFrame.frameType): return .bool
        default: return nil
        }
    }

    static func isAudio(_ type: FrameType) -> Bool {
        type.isKind(of: OutputAudioRawFrame.frameType) || FrameType.known("InputAudioRawFrame").map(type.isKind) == true
    }

    static func isImage(_ type: FrameType) -> Bool {
        type.isKind(of: OutputImageRawFrame.frameType) || FrameType.known("InputImageRawFrame").map(type.isKind) == true
    }

    /// Whether `value` will do; null always does.
    func accepts(_ value: FieldValue) -> Bool {
        switch (self, value) {
        case (_, .null), (.text, .string), (.bytes, .bytes), (.bool, .bool): return true
        case (.positiveInteger, .integer(let value)): return value > 0
        case (.size, .array(let values)):
            return values.count == 2
                && values.allSatisfy { if case .integer(let side) = $0 { side >= 0 } else { false } }
        default: return false
        }
    }

    /// Completes "… has to be".
    var description: String {
        switch self {
        case .text: "a string"
        case .bytes: #"bytes, written as {"$base64": "…"}"#
        case .positiveInteger: "a positive integer"
        case .size: "two integers, [width, height]"
        case .bool: "true or false"
        }
    }
}
