/// A frame whose type is known at run time only: read from a file, a recording or another program.
public struct GenericFrame: Frame {
    public static var frameType: FrameType { .frame }

    public var header: FrameHeader
    public let type: FrameType
    public var text: String?
    public var payload: FramePayload?
    public var fields: FrameFields

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
}
