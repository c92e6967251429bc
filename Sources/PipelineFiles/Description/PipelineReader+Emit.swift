import PipelineEngine
import Yams

extension PipelineReader {
    mutating func readEmit(_ options: inout YAMLOptions) -> EmitOptions? {
        let on = readFilter(&options)
        let nodes = options.list(
            "frames", remedy: "list them, 'frames: [ { type: TextFrame, text: \"{text}\" } ]' for example")
        let pass = options.bool("pass")
        guard let nodes else { return nil }
        let frames = nodes.compactMap { readTemplate($0) }
        guard let on, frames.count == nodes.count else { return nil }
        return EmitOptions(on: on, frames: frames, pass: pass)
    }

    /// A frame as on a line of JSON, with `after_ms` in place of `at_ms`.
    private mutating func readTemplate(_ node: Node) -> FrameTemplate? {
        guard var options = YAMLOptions(node, owner: "a frame", problems) else { return nil }
        let typeNode = options.required("type", remedy: "add one, 'type: TextFrame' for example")
        let frameClass: FrameClass? = options.word("class", "class")
        let isInterruptible = options.node("interruptible") == nil ? nil : options.bool("interruptible")
        let direction: FrameDirection? = options.word("direction", "direction")
        let after = options.milliseconds("after_ms")
        let id = options.integer("id")
        if let id, id < 1 {
            problems.add(options.node("id")?.mark, "'id' of a frame has to be a positive integer, not \(id)")
        }
        let pts = options.integer("pts")
        let metadataNode = options.node("metadata")
        let escaped = options.node(FrameKeys.fieldsKey)
        if let node = options.node("at_ms") {
            problems.add(node.mark, "'at_ms' is for frames that come in", remedy: "use 'after_ms'")
        }
        guard let typeNode else { return nil }
        guard let type = resolve(typeNode, frameClass, isInterruptible) else { return nil }
        var template = FrameTemplate(type: type)
        template.direction = direction ?? .downstream
        template.after = after ?? 0
        template.id = id.flatMap { $0 > 0 ? $0 : nil }
        template.pts = pts
        if let metadataNode, !metadataNode.isNull {
            if case .object(let fields)? = readFields(metadataNode, of: nil).map({ $0.constantValue }) {
                template.metadata = fields
            } else {
                problems.add(metadataNode.mark, "'metadata' of a frame has to be a mapping without fields to fill in")
            }
        }
        var fields = readMembers(options.rest(), of: type)
        if let escaped {
            if case .mapping(let mapping) = escaped {
                fields += readMembers(mapping.map { ($0.key, $0.value) }, of: type)
            } else {
                problems.add(escaped.mark, "'\(FrameKeys.fieldsKey)' has to be a mapping, not \(escaped.kindName)")
            }
        }
        template.fields = fields
        return template
    }

    private mutating func resolve(_ node: Node, _ frameClass: FrameClass?, _ isInterruptible: Bool?) -> FrameType? {
        guard let name = node.text else {
            problems.add(node.mark, "'type' of a frame has to be a string, not \(node.kindName)")
            return nil
        }
        do {
            return try types.resolve(name, frameClass: frameClass, isInterruptible: isInterruptible)
        } catch {
            problems.add(node.mark, error.problem, remedy: error.remedy)
            return nil
        }
    }

    private func readMembers(_ entries: [(key: Node, value: Node)], of type: FrameType) -> [FrameTemplate.Field] {
        entries.compactMap { key, node in
            guard let name = key.scalar?.string else {
                problems.add(key.mark, "the name of a field has to be a word, not \(key.kindName)")
                return nil
            }
            guard let value = readValue(node, depth: 1) else { return nil }
            // What is filled in later is known when it is there.
            if case .constant(let constant) = value, let rule = FieldRule.rule(for: name, of: type),
                !rule.accepts(constant)
            {
                problems.add(
                    node.mark, "'\(name)' of a \(type.name) has to be \(rule.description), not \(node.kindName)",
                    remedy: rule == .text && node.scalar != nil ? "put it in quotes" : nil)
                return nil
            }
            return FrameTemplate.Field(name: name, value: value)
        }
    }

    private func readFields(_ node: Node, of type: FrameType?) -> FrameTemplate.Value? {
        guard case .mapping = node else { return nil }
        return readValue(node, depth: 1)
    }

    /// A value of a field: what JSON can say, texts with fields to fill in, and bytes.
    private func readValue(_ node: Node, depth: Int) -> FrameTemplate.Value? {
        guard depth < YAMLText.maxDepth else {
            problems.add(node.mark, "this nests too deeply", remedy: "use fewer levels")
            return nil
        }
        switch node {
        case .scalar(let scalar):
            switch YAMLScalar(scalar) {
            case .null: return .constant(.null)
            case .bool(let value): return .constant(.bool(value))
            case .integer(let value): return .constant(.integer(value))
            case .number(let value): return .constant(.number(value))
            case .string(let text):
                let template = TextTemplate(text)
                return template.constant.map { .constant(.string($0)) } ?? .text(template)
            }
        case .sequence(let nodes):
            let values = nodes.compactMap { readValue($0, depth: depth + 1) }
            guard values.count == nodes.count else { return nil }
            let constants = values.compactMap(\.constantValue)
            return constants.count == values.count ? .constant(.array(constants)) : .array(values)
        case .mapping(let mapping):
            if mapping.count == 1, let (key, value) = mapping.first, key.scalar?.string == "$base64" {
                guard let text = value.text, let bytes = try? decodeBase64(text) else {
                    problems.add(value.mark, "$base64 has to be a string of base64")
                    return nil
                }
                return .constant(.bytes(bytes))
            }
            var members: [FrameTemplate.Field] = []
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    problems.add(key.mark, "the name of a field has to be a word, not \(key.kindName)")
                    return nil
                }
                guard let value = readValue(value, depth: depth + 1) else { return nil }
                members.append(FrameTemplate.Field(name: name, value: value))
            }
            var fields = FrameFields()
            for member in members {
                guard let constant = member.value.constantValue else { return .object(members) }
                fields.append(member.name, constant)
            }
            return .constant(.object(fields))
        case .alias:
            problems.add(node.mark, "this alias stands for nothing")
            return nil
        }
    }
}

extension FrameTemplate.Value {
    var constantValue: FieldValue? {
        if case .constant(let value) = self { value } else { nil }
    }
}
