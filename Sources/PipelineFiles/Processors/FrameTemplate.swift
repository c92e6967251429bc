import PipelineEngine

/// A frame to be made for another one: one of the `frames` of `emit`.
struct FrameTemplate: Sendable, Hashable {
    var type: FrameType
    var direction: FrameDirection = .downstream
    /// How long to wait before it, in ns.
    var after: Int64 = 0
    var id: Int64?
    var pts: Int64?
    var metadata = FrameFields()
    var fields: [Field] = []

    struct Field: Sendable, Hashable {
        var name: String
        var value: Value
    }

    indirect enum Value: Sendable, Hashable {
        case constant(FieldValue)
        case text(TextTemplate)
        case array([Value])
        case object([Field])

        /// The value for `frame`. A string that is just `{field}` takes over the field's value as it is.
        func filled(from frame: any Frame) -> FieldValue {
            switch self {
            case .constant(let value): return value
            case .text(let template):
                if let name = template.soleField { return frame.value(of: name) ?? .string("") }
                return .string(template.filled(from: frame))
            case .array(let values): return .array(values.map { $0.filled(from: frame) })
            case .object(let fields):
                var object = FrameFields()
                for field in fields { object.append(field.name, field.value.filled(from: frame)) }
                return .object(object)
            }
        }
    }

    /// A new frame with the fields of `frame` filled in.
    func make(from frame: any Frame) -> any Frame {
        var content = FrameContent(type)
        for field in fields {
            var value = field.value.filled(from: frame)
            // Numbers fill in as their text where a text is due.
            if field.name == "text" {
                switch value {
                case .null, .string: break
                default: value = .string(value.templateText)
                }
            }
            content.add(field.name, value)
        }
        var frame = id.map(content.makeFrame(id:)) ?? content.makeFrame()
        frame.header.set(pts: pts, metadata: metadata)
        return frame
    }
}
