/// A value that travels through a pipeline: text, audio, an image, an instruction.
///
/// A frame type of your own is a struct with a `frameType` and a `header`:
///
///     struct WeatherFrame: Frame {
///         static let frameType = FrameType("WeatherFrame", base: .dataFrame)
///         var header = FrameHeader()
///         var celsius: Double
///     }
///
/// Frames are values: what one branch changes, its siblings do not see (C16). Its stored properties are recorded as
/// fields by reflection; a type on a hot path implements `fields` itself.
public protocol Frame: Sendable {
    static var frameType: FrameType { get }

    /// Id, name, presentation time and metadata.
    var header: FrameHeader { get set }

    /// Unique, positive; set when the frame is created and kept by its copies. The header's.
    var id: Int64 { get }

    /// The type of this value; differs from `frameType` for frames whose type is only known at run time.
    var type: FrameType { get }

    /// What a person reads in this frame, if it has a `text` field. Recorded once, apart from `fields`.
    var text: String? { get }

    /// The frame's bulk, audio or pixels, if it has any. Recorded as bytes, apart from `fields`.
    var payload: FramePayload? { get }

    /// All other fields.
    var fields: FrameFields { get }

    /// What is missing, of a frame out of a history that did not keep all of it; nil for every other.
    var omission: ContentOmission? { get }

    /// Whether `other` is of the same type with the same text, payload, fields, `pts` and metadata. Ids and names do
    /// not count.
    func hasSameContent(as other: any Frame) -> Bool
}

extension Frame {
    public var type: FrameType { Self.frameType }

    public var id: Int64 { header.id }

    /// `TextFrame#3`: the given name, else the type's name and the id.
    public var name: String { header.name ?? "\(type.name)#\(header.id)" }

    public var text: String? { nil }
    public var payload: FramePayload? { nil }
    public var fields: FrameFields { FrameFields(reflecting: self) }
    public var omission: ContentOmission? { nil }

    public func hasSameContent(as other: any Frame) -> Bool {
        type == other.type && text == other.text && payload == other.payload && fields == other.fields
            && header.hasSameContent(as: other.header) && omission == other.omission
    }
}

/// The one large field of a frame: its name among the fields, and its bytes.
public struct FramePayload: Sendable, Hashable {
    public var name: String
    public var bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// What every frame carries besides its own fields.
public struct FrameHeader: Sendable {
    /// Unique and positive (C16 says what happens to frames that share one).
    public var id: Int64
    /// Presentation time in ns, if the frame has one.
    public var pts: Int64?
    /// Name and metadata live apart, because nearly no frame has them and every frame is copied often.
    private var rare: Rare?

    private final class Rare: Sendable {
        let name: String?
        let metadata: FrameFields

        init(name: String?, metadata: FrameFields) {
            self.name = name
            self.metadata = metadata
        }
    }

    /// A header with the next id of the session around it.
    public init() { id = FrameIdentity.current.next() }

    /// A header with an id of the caller's.
    ///
    /// - Precondition: `id` is positive.
    public init(id: Int64, pts: Int64? = nil, name: String? = nil, metadata: FrameFields = [:]) {
        precondition(id > 0, "frame ids are positive, not \(id)")
        self.id = id
        self.pts = pts
        if name != nil || !metadata.isEmpty { rare = Rare(name: name, metadata: metadata) }
    }

    /// A name that differs from type and id, as frames of Pipecat's have.
    public var name: String? {
        get { rare?.name }
        set { rare = Rare(name: newValue, metadata: metadata) }
    }

    public var metadata: FrameFields {
        get { rare?.metadata ?? [:] }
        set { rare = Rare(name: name, metadata: newValue) }
    }

    func hasSameContent(as other: FrameHeader) -> Bool {
        pts == other.pts && (rare === other.rare || metadata == other.metadata)
    }
}

extension FrameFields {
    /// The stored properties of a frame, without `header`.
    public init(reflecting frame: any Frame) {
        self.init()
        for child in Mirror(reflecting: frame).children {
            guard let label = child.label, label != "header" else { continue }
            append(label, FieldValue(reflecting: child.value))
        }
    }
}

extension FieldValue {
    /// The value as a field; what JSON has no word for becomes its description.
    init(reflecting value: Any) {
        switch value {
        case let value as FieldValue: self = value
        case let value as String: self = .string(value)
        case let value as Bool: self = .bool(value)
        case let value as [UInt8]: self = .bytes(value)
        case let value as any BinaryInteger:
            self = Int64(exactly: value).map(FieldValue.integer) ?? .string("\(value)")
        case let value as Double: self = value.isFinite ? .number(value) : .string("\(value)")
        case let value as Float: self = value.isFinite ? .number(Double(value)) : .string("\(value)")
        default:
            let mirror = Mirror(reflecting: value)
            switch mirror.displayStyle {
            case .optional:
                self = mirror.children.first.map { FieldValue(reflecting: $0.value) } ?? .null
            case .collection, .set:
                self = .array(mirror.children.map { FieldValue(reflecting: $0.value) })
            case .dictionary:
                var fields = FrameFields()
                for child in mirror.children {
                    let pair = Array(Mirror(reflecting: child.value).children)
                    fields["\(pair[0].value)"] = FieldValue(reflecting: pair[1].value)
                }
                self = .object(fields)
            case .struct:
                var fields = FrameFields()
                for child in mirror.children {
                    if let label = child.label { fields[label] = FieldValue(reflecting: child.value) }
                }
                self = fields.isEmpty ? .string("\(value)") : .object(fields)
            default: self = .string("\(value)")
            }
        }
    }
}
