/// A frame whose type is known at run time only: read from a file, a recording or another program.
public struct GenericFrame: Frame {
    public static var frameType: FrameType { .frame }

    public var header: FrameHeader
    public let type: FrameType
    public var text: String?
    public var payload: FramePayload?
    public var fields: FrameFields
    /// Lives apart, because nearly no frame has one and every frame is copied often.
    private var missing: Missing?

    private final class Missing: Sendable {
        let omission: ContentOmission

        init(_ omission: ContentOmission) { self.omission = omission }
    }

    public init(
        _ type: FrameType, header: FrameHeader = FrameHeader(), text: String? = nil, payload: FramePayload? = nil,
        fields: FrameFields = [:]
    ) {
        self.header = header
        self.type = type
        self.text = text
        self.payload = payload
        self.fields = fields
    }

    public var omission: ContentOmission? {
        get { missing?.omission }
        set { missing = newValue.map(Missing.init) }
    }
}
