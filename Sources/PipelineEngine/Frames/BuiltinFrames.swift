/// Starts a pipeline: goes through every processor before any other frame (C8).
public struct StartFrame: Frame {
    public static let frameType = FrameType.catalogue["StartFrame"]!
    public var header = FrameHeader()
    public init() {}
    public var fields: FrameFields { [:] }
}

/// Ends a pipeline in order: what is under way is finished first, and nothing comes after it (C9).
public struct EndFrame: Frame {
    public static let frameType = FrameType.catalogue["EndFrame"]!
    public var header = FrameHeader()
    public init() {}
    public var fields: FrameFields { [:] }
}

/// Stops a pipeline in order, as `EndFrame` does, but leaves its processors ready for more (C9).
public struct StopFrame: Frame {
    public static let frameType = FrameType.catalogue["StopFrame"]!
    public var header = FrameHeader()
    public init() {}
    public var fields: FrameFields { [:] }
}

/// Ends a pipeline at once; what is under way is dropped (C9).
public struct CancelFrame: Frame {
    public static let frameType = FrameType.catalogue["CancelFrame"]!
    public var header = FrameHeader()
    public init() {}
    public var fields: FrameFields { [:] }
}

/// Somebody speaks: work in flight that is interruptible ends here (C10).
public struct InterruptionFrame: Frame {
    public static let frameType = FrameType.catalogue["InterruptionFrame"]!
    public var header = FrameHeader()
    public init() {}
    public var fields: FrameFields { [:] }
}

/// Something went wrong in a processor; travels upstream (C11).
public struct ErrorFrame: Frame {
    public static let frameType = FrameType.catalogue["ErrorFrame"]!
    public var header = FrameHeader()
    /// What went wrong, in words.
    public var error: String
    /// The name of the processor it went wrong in.
    public var processor: String
    /// Whether the pipeline cannot go on.
    public var fatal: Bool

    public init(error: String, processor: String, fatal: Bool = false) {
        self.error = error
        self.processor = processor
        self.fatal = fatal
    }

    public var fields: FrameFields {
        ["error": .string(error), "processor": .string(processor), "fatal": .bool(fatal)]
    }
}

/// A piece of text.
public struct TextFrame: Frame {
    public static let frameType = FrameType.catalogue["TextFrame"]!
    public var header = FrameHeader()
    public var content: String

    public init(_ text: String) { content = text }

    public var text: String? { content }
    public var fields: FrameFields { [:] }

    public func hasSameContent(as other: any Frame) -> Bool {
        guard let other = other as? TextFrame else { return false }
        return content == other.content && header.hasSameContent(as: other.header)
    }
}

/// A piece of audio to be played: 16-bit little-endian PCM, channels interleaved.
public struct OutputAudioRawFrame: Frame {
    public static let frameType = FrameType.catalogue["OutputAudioRawFrame"]!
    public var header = FrameHeader()
    public var audio: [UInt8]
    /// In Hz.
    public var sampleRate: Int
    public var channels: Int

    public init(audio: [UInt8], sampleRate: Int, channels: Int = 1) {
        self.audio = audio
        self.sampleRate = sampleRate
        self.channels = channels
    }

    public var payload: FramePayload? { FramePayload(name: "audio", bytes: audio) }
    public var fields: FrameFields {
        ["sample_rate": .integer(Int64(sampleRate)), "num_channels": .integer(Int64(channels))]
    }
}

/// An image to be shown.
public struct OutputImageRawFrame: Frame {
    public static let frameType = FrameType.catalogue["OutputImageRawFrame"]!
    public var header = FrameHeader()
    public var image: [UInt8]
    /// In pixels.
    public var width: Int
    public var height: Int
    /// The encoding of `image`, `RGB` or `PNG` for example.
    public var format: String

    public init(image: [UInt8], width: Int, height: Int, format: String) {
        self.image = image
        self.width = width
        self.height = height
        self.format = format
    }

    public var payload: FramePayload? { FramePayload(name: "image", bytes: image) }
    public var fields: FrameFields {
        [
            "size": .array([.integer(Int64(width)), .integer(Int64(height))]), "format": .string(format),
        ]
    }
}
