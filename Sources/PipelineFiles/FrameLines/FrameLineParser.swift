import PipelineEngine

/// Turns one line of JSON into a frame; knows the keys of INTERFACES, nothing of streams.
struct FrameLineParser {
    var types: FrameTypes
    let maxDepth: Int

    init(types: FrameTypes, maxDepth: Int = JSONReader.defaultDepth) {
        self.types = types
        self.maxDepth = maxDepth
    }

    /// - Parameter line: its number, for the result only.
    mutating func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, line: Int = 1
    ) throws(JSONProblem) -> InputFrame {
        var reader = JSONReader(bytes, maxDepth: maxDepth)
        let members = try reader.wholeObject()
        var keys = FrameKeys()
        var fields: [JSONReader.Member] = []
        let isReleased = FrameKeys.areReleased(members)
        for member in members where try !keys.take(member, isReleased: isReleased) { fields.append(member) }
        guard let name = keys.type else {
            throw JSONProblem(0, "this frame has no 'type'", remedy: #"add one, "type": "TextFrame" for example"#)
        }
        let type: FrameType
        do {
            type = try types.resolve(name, frameClass: keys.frameClass, isInterruptible: keys.isInterruptible)
        } catch {
            let member = members.first { $0.name == error.key }
            throw JSONProblem(member?.valueOffset ?? 0, error.problem, remedy: error.remedy)
        }
        var content = FrameContent(type)
        var names = Set<String>()
        for field in fields + keys.escapedFields {
            if !keys.escapedFields.isEmpty, !names.insert(field.name).inserted {
                throw JSONProblem(field.nameOffset, "the field \(quoted(field.name)) comes twice", remedy: "remove one")
            }
            if let rule = FieldRule.rule(for: field.name, of: type), !rule.accepts(field.value) {
                throw JSONProblem(
                    field.valueOffset, "\(quoted(field.name)) has to be \(rule.description) in a \(name)",
                    remedy: "change the value or use a type name of your own")
            }
            content.add(field.name, field.value)
        }
        let released = isReleased ? keys.released : nil
        return InputFrame(
            time: keys.time, direction: keys.direction ?? .downstream, line: line, id: keys.id, released: released,
            pts: keys.pts, name: isReleased ? keys.frameName : nil, metadata: keys.metadata, content: content)
    }
}
