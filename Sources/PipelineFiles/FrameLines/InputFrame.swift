public import PipelineEngine

/// One frame as read from a line; becomes a frame when it goes in.
public struct InputFrame: Sendable {
    /// When it comes in, in ns from the session's start; nil: as soon as the one before was accepted.
    public var time: Int64?
    public var direction: FrameDirection
    /// The line that it stands on, from 1.
    public var line: Int
    /// The id that the line gives it.
    public var id: Int64?
    /// Where the frame left a session before, if this is a line that `FrameLineWriter` wrote then.
    public var released: ReleasedPlace?

    var pts: Int64?
    var name: String?
    var metadata: FrameFields
    var content: FrameContent

    /// When the frame comes in: `time`, but for a line of `--output`, whose time is that of its release.
    public var entryTime: Int64? { released == nil ? time : nil }

    /// The frame's type.
    public var type: FrameType { content.type }

    /// A new frame of this content. It has the line's own `id`, else the next of `identity`.
    ///
    /// To have the same session give the same ids every time (C18), call it at the moment when the frame goes in.
    public func makeFrame(_ identity: FrameIdentity) -> any Frame {
        if let id { identity.leaveOut(id) }
        return identity.use { makeFrame() }
    }

    /// A frame of this content with the next id of the session around it, unless the line has one.
    func makeFrame() -> any Frame {
        var frame = id.map(content.makeFrame(id:)) ?? content.makeFrame()
        frame.header.set(pts: pts, name: name, metadata: metadata)
        return frame
    }
}

/// What a line of `--output` says besides its frame.
public struct ReleasedPlace: Sendable, Hashable {
    /// The id that the frame had in the session which wrote the line. A frame made from the line gets one of its own.
    public var frameID: Int64
    public var place: FramePlace
}

/// Where and when a frame left a session.
public struct FramePlace: Sendable, Hashable {
    /// nil when it left no stage: the frame of a pipeline without one.
    public var stage: Int?
    /// nil for a bypass.
    public var batch: Int64?
    /// The index within batch and direction.
    public var position: Int?
    /// nil when it comes from no branch in particular.
    public var branch: Int?
    /// In ns from the session's start.
    public var time: Int64
    public var direction: FrameDirection

    public init(
        stage: Int? = nil, batch: Int64? = nil, position: Int? = nil, branch: Int? = nil, time: Int64,
        direction: FrameDirection
    ) {
        self.stage = stage
        self.batch = batch
        self.position = position
        self.branch = branch
        self.time = time
        self.direction = direction
    }
}

extension FrameIdentity {
    /// Keeps an id of a file's own from being given out again.
    ///
    /// Ids beyond any that a session counts up to are left alone: skipping past the largest would leave none.
    func leaveOut(_ id: Int64) {
        if id < 1 << 48 { skip(past: id) }
    }
}
