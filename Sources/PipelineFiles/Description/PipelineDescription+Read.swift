import PipelineEngine
import SystemPackage
import Yams

extension PipelineDescription {
    /// Reads and checks a pipeline file, or what comes out of a pipe. Nothing runs.
    ///
    /// - Throws: all the problems that were found, with their places.
    public static func read(path: String) throws(FileProblems) -> PipelineDescription {
        let bytes: [UInt8]
        do { bytes = try contents(of: FilePath(path)) } catch {
            throw FileProblems(
                FileProblem(
                    file: path, problem: "this file cannot be read: \(reason(error))",
                    remedy: "give the path of a pipeline file"))
        }
        return try PipelineDescription(yaml: bytes, file: path)
    }

    /// Up to one byte more than a pipeline file may have: it need not end.
    private static func contents(of path: FilePath) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            var bytes = [UInt8](repeating: 0, count: YAMLText.maxBytes + 1)
            var count = 0
            while count < bytes.count {
                // The region lies within `bytes`, which live until the call returns.
                let read = try bytes.withUnsafeMutableBytes { try file.read(into: .init(rebasing: $0[count...])) }
                if read == 0 { break }
                count += read
            }
            return Array(bytes.prefix(count))
        }
    }

    /// Reads and checks the text of a pipeline file. Nothing runs.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8, at most 1 MiB.
    ///   - file: the name used in problems.
    public init(yaml bytes: [UInt8], file: String) throws(FileProblems) {
        try self.init(yaml: bytes, file: file, programs: .environment)
    }

    /// - Parameter programs: where the programs of `exec` and `worker` have to be found.
    init(yaml bytes: [UInt8], file: String, programs: ProgramSearch) throws(FileProblems) {
        let (text, root) = try YAMLText.parse(bytes, file: file)
        var reader = PipelineReader(problems: ProblemList(file: file), programs: programs)
        let (name, processors) = reader.read(root)
        if let problems = FileProblems(sorting: reader.problems.problems) { throw problems }
        self.init(file: file, yaml: text, name: name, types: reader.types, processors: processors)
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? Errno {
        case .noSuchFileOrDirectory: "there is no such file"
        case .permissionDenied: "permission denied"
        default: "\(error)"
        }
    }
}

/// Reads the tree of a pipeline file: the mappings around the processors.
struct PipelineReader {
    let problems: ProblemList
    let programs: ProgramSearch
    var types = FrameTypes()
    /// How many processors were read before; gives each `delay` a seed of its own.
    private var processorCount: UInt64 = 0
    /// An alias stands for as many processors as what it names; together they are bounded.
    private static let maxProcessors: UInt64 = 10_000

    init(problems: ProblemList, programs: ProgramSearch) {
        self.problems = problems
        self.programs = programs
    }

    mutating func read(_ root: Node) -> (name: String?, processors: [ProcessorDescription]) {
        guard case .mapping = root, var options = YAMLOptions(root, owner: "a pipeline file", problems) else {
            problems.add(root.mark, "this is no pipeline file", remedy: "write 'pipeline:' and its processors below it")
            return (nil, [])
        }
        let name = options.string("name")
        if let node = options.node("types") { readTypes(node) }
        var processors: [ProcessorDescription] = []
        if let nodes = options.list("pipeline", remedy: "list its processors under 'pipeline:'") {
            if nodes.isEmpty {
                problems.add(
                    options.node("pipeline")?.mark, "the pipeline is empty",
                    remedy: "list at least one processor, 'identity' for example")
            }
            processors = readProcessors(nodes)
        }
        options.finish()
        return (name, processors)
    }

    mutating func readProcessors(_ nodes: [Node]) -> [ProcessorDescription] { nodes.compactMap { readProcessor($0) } }

    /// `identity`, or `delay: {…}`: a word, or a mapping of one.
    private mutating func readProcessor(_ node: Node) -> ProcessorDescription? {
        guard processorCount < Self.maxProcessors else {
            if processorCount == Self.maxProcessors {
                problems.add(node.mark, "a pipeline has at most \(Self.maxProcessors) processors")
                processorCount += 1
            }
            return nil
        }
        processorCount += 1
        switch node {
        case .scalar(let scalar):
            return readProcessor(named: scalar.string, nameMark: node.mark, options: Node("", .implicit, .plain))
        case .mapping(let mapping) where mapping.count == 1:
            guard let (key, value) = mapping.first, let name = key.scalar?.string else { break }
            return readProcessor(named: name, nameMark: key.mark, options: value)
        case .mapping(let mapping):
            problems.add(
                mapping.dropFirst().first?.key.mark ?? node.mark,
                "a processor is one name with its options, this mapping has \(mapping.count) keys",
                remedy: "begin each processor with '- ', and put its options into braces or below it, indented further")
            return nil
        default: break
        }
        problems.add(node.mark, "a processor is a name, or a name with options, not \(node.kindName)")
        return nil
    }

    private mutating func readProcessor(named name: String, nameMark: Mark?, options node: Node)
        -> ProcessorDescription?
    {
        guard let keyword = ProcessorKeyword(rawValue: name) else {
            let names = ProcessorKeyword.allCases.map(\.rawValue)
            problems.add(
                nameMark, "there is no processor \(quoted(name))",
                remedy: suggestion(for: name, among: names).map { "did you mean '\($0)'?" }
                    ?? "use one of \(names.joined(separator: ", "))")
            return nil
        }
        guard var options = YAMLOptions(node, owner: name, mark: nameMark, problems) else { return nil }
        let givenName = options.string("name")
        let kind = readKind(keyword, &options)
        options.finish()
        guard let kind else { return nil }
        return ProcessorDescription(
            line: nameMark?.line ?? 0, column: nameMark?.column ?? 0, name: givenName, kind: kind)
    }

    private mutating func readKind(
        _ keyword: ProcessorKeyword, _ options: inout YAMLOptions
    ) -> ProcessorDescription.Kind? {
        switch keyword {
        case .identity: return .identity
        case .delay:
            let seed = processorCount
            return readDelay(&options, defaultSeed: seed).map { .delay($0) }
        case .emit: return readEmit(&options).map { .emit($0) }
        case .drop: return readFilter(&options).map { .drop($0) }
        case .fail:
            let filter = readFilter(&options)
            let message = options.string("message") ?? "this processor always fails"
            return filter.map { .fail($0, message: message) }
        case .burn: return readBurn(&options)
        case .exec: return readExec(&options).map { .exec($0) }
        case .worker: return readCall(&options, takesTemplates: false).map { .worker($0) }
        case .syncParallel: return readStage(&options).map { .syncParallel($0) }
        case .parallel: return readBranches(&options).map { .parallel($0) }
        }
    }

    private mutating func readStage(_ options: inout YAMLOptions) -> StageOptions? {
        var stage = StageOptions()
        if let order: FrameOrder = options.word("frame_order", "frame order") { stage.frameOrder = order }
        if let policy: StallPolicy = options.word("stall_policy", "stall policy") { stage.stallPolicy = policy }
        stage.stallTimeout = options.milliseconds("stall_timeout_ms", isPositive: true)
        guard let branches = readBranches(&options) else { return nil }
        stage.branches = branches
        return stage
    }

    private mutating func readBranches(_ options: inout YAMLOptions) -> [BranchDescription]? {
        let owner = options.owner
        guard let nodes = options.list("branches", remedy: "list its branches under 'branches:'") else { return nil }
        guard !nodes.isEmpty else {
            problems.add(
                options.mark, "\(owner) has no branches",
                remedy: "list at least one under 'branches:', '- processors: []' for example")
            return nil
        }
        return nodes.compactMap { node in
            guard var branch = YAMLOptions(node, owner: "a branch", problems) else { return nil }
            let name = branch.string("name")
            let nodes = branch.list("processors", remedy: "list them under 'processors:'; [] passes everything")
            branch.finish()
            return nodes.map { BranchDescription(name: name, processors: readProcessors($0)) }
        }
    }

    /// Types of the file's own: `WeatherFrame: { base: DataFrame }`, or with `class` and `interruptible`.
    private mutating func readTypes(_ node: Node) {
        guard let options = YAMLOptions(node, owner: "types", problems) else { return }
        for (key, value) in options.rest() {
            guard let name = key.text, !name.isEmpty else {
                problems.add(key.mark, "the name of a frame type has to be a word, not \(key.kindName)")
                continue
            }
            guard types.type(named: name) == nil else {
                problems.add(key.mark, "there is a frame type \(quoted(name)) already", remedy: "use another name")
                continue
            }
            guard var options = YAMLOptions(value, owner: "the type \(quoted(name))", mark: key.mark, problems) else {
                continue
            }
            let baseNode = options.node("base")
            let frameClass: FrameClass? = options.word("class", "class")
            let isInterruptible = options.node("interruptible") == nil ? nil : options.bool("interruptible")
            options.finish()
            var base = frameClass.map { FrameTypes.base(of: $0) }
            if let baseNode { base = findType(baseNode) }
            guard let base else {
                if baseNode == nil {
                    problems.add(
                        key.mark, "the type \(quoted(name)) has neither 'base' nor 'class'",
                        remedy: "add one, 'base: DataFrame' for example")
                }
                continue
            }
            if let frameClass, frameClass != base.frameClass {
                problems.add(
                    key.mark, "\(base.name) is of class \(base.frameClass.rawValue), not \(frameClass.rawValue)",
                    remedy: "leave 'class' out or use another base")
            }
            let type = FrameType(name, base: base, isInterruptible: isInterruptible)
            types.add(type)
        }
    }

    /// The type that a node names.
    func findType(_ node: Node) -> FrameType? {
        guard let name = node.text else {
            problems.add(node.mark, "a frame type has to be a name, not \(node.kindName)")
            return nil
        }
        do { return try types.find(name) } catch {
            problems.add(node.mark, error.problem, remedy: error.remedy)
            return nil
        }
    }
}

/// The processors that a file can name.
enum ProcessorKeyword: String, CaseIterable {
    case identity, delay, emit, drop, fail, burn, exec, worker
    case syncParallel = "sync_parallel"
    case parallel
}
