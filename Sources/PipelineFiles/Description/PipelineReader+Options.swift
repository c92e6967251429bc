import PipelineEngine
import Yams

extension PipelineReader {
    /// `on`: a type or a list of them.
    func readFilter(_ options: inout YAMLOptions) -> TypeFilter? {
        guard
            let node = options.required(
                "on", remedy: "name the types of frames it acts on, 'on: TextFrame' for example")
        else { return nil }
        return readFilter(node)
    }

    /// `on`, absent for all synchronized frames.
    func readOptionalFilter(_ options: inout YAMLOptions) -> TypeFilter? {
        guard let node = options.node("on"), !node.isNull else { return .synchronized }
        return readFilter(node)
    }

    private func readFilter(_ node: Node) -> TypeFilter? {
        let nodes: [Node]
        if case .sequence(let sequence) = node { nodes = Array(sequence) } else { nodes = [node] }
        guard !nodes.isEmpty else {
            problems.add(node.mark, "'on' names no type", remedy: "name one, TextFrame for example")
            return nil
        }
        let types = nodes.compactMap { node -> FrameType? in
            guard let type = findType(node) else { return nil }
            if type.isKind(of: SyncFrame.frameType) {
                problems.add(node.mark, "no processor ever sees a SyncFrame", remedy: "name another type")
                return nil
            }
            return type
        }
        return types.count == nodes.count ? TypeFilter(types: types) : nil
    }

    func readDelay(_ options: inout YAMLOptions, defaultSeed: UInt64) -> DelayOptions? {
        let on = readOptionalFilter(&options)
        let hasTime = options.required("ms", remedy: "say for how long, 'ms: 40' for example") != nil
        let time = options.milliseconds("ms")
        let jitter = options.milliseconds("jitter_ms") ?? 0
        let seed = options.integer("seed").map { UInt64(bitPattern: $0) } ?? defaultSeed
        guard let on, hasTime, let time else { return nil }
        guard !time.addingReportingOverflow(jitter).overflow else {
            problems.add(options.mark, "'ms' and 'jitter_ms' of delay are too long together")
            return nil
        }
        return DelayOptions(on: on, time: time, jitter: jitter, seed: seed)
    }

    func readBurn(_ options: inout YAMLOptions) -> ProcessorDescription.Kind? {
        let on = readOptionalFilter(&options)
        _ = options.required("ms", remedy: "say for how long, 'ms: 200' for example")
        let time = options.milliseconds("ms")
        guard let on, let time else { return nil }
        return .burn(on, nanoseconds: time)
    }

    func readExec(_ options: inout YAMLOptions) -> ExecOptions? {
        let on = readFilter(&options)
        let call = readCall(&options, takesTemplates: true)
        let emits = options.required(
            "emits", remedy: "name the type of its output, 'emits: TTSAudioRawFrame' for example"
        )
        .flatMap { findType($0) }
        let chunk = options.milliseconds("chunk_ms", isPositive: true)
        let timeout = options.milliseconds("timeout_ms", isPositive: true)
        let pass = options.bool("pass")
        if let emits, let node = options.node("chunk_ms"), !FieldRule.isAudio(emits) {
            problems.add(node.mark, "'chunk_ms' is for audio, and \(emits.name) is none", remedy: "leave it out")
        }
        guard let on, let call, let emits else { return nil }
        var result = ExecOptions(on: on, call: call, emits: emits, chunk: chunk, pass: pass)
        if let timeout { result.timeout = timeout }
        return result
    }

    /// `command`: the program and its arguments. The program has to be there.
    func readCall(_ options: inout YAMLOptions, takesTemplates: Bool) -> ProgramCall? {
        let remedy =
            "list the program and its arguments, 'command: [\"espeak-ng\", \"--stdout\", \"{text}\"]' for example"
        guard let nodes = options.list("command", remedy: remedy) else { return nil }
        guard let first = nodes.first else {
            problems.add(options.mark, "'command' of \(options.owner) is empty", remedy: remedy)
            return nil
        }
        var words: [String] = []
        for node in nodes {
            guard let word = commandWord(node) else {
                problems.add(
                    node.mark, "a word of 'command' has to be a string, not \(node.kindName)",
                    remedy: "put it in quotes")
                continue
            }
            if word.utf8.contains(0) {
                problems.add(node.mark, "a word of 'command' has a NUL in it, which no program can be given")
                continue
            }
            words.append(word)
        }
        guard words.count == nodes.count, let name = words.first else { return nil }
        let program = TextTemplate(name)
        guard program.constant != nil else {
            problems.add(
                first.mark, "the program cannot depend on the frame", remedy: "fill in fields in the arguments only")
            return nil
        }
        let arguments = words.dropFirst().map { takesTemplates ? TextTemplate($0) : TextTemplate(literal: $0) }
        switch programs.find(name) {
        case .found(let path): return ProgramCall(name: name, path: path, arguments: arguments)
        case .missing:
            problems.add(
                first.mark, "there is no program \(quoted(name))",
                remedy: name.contains("/") ? "check the path" : "install it, or give its path")
        case .notExecutable(let path):
            problems.add(
                first.mark, "\(quoted(path)) is no program that can be run", remedy: "make it executable (chmod +x)")
        }
        return nil
    }

    /// Numbers among the arguments (`-s 140`) are taken as they are written.
    private func commandWord(_ node: Node) -> String? {
        guard let scalar = node.scalar else { return nil }
        switch YAMLScalar(scalar) {
        case .null: return nil
        default: return scalar.string
        }
    }
}
