import PipelineEngine

/// Reads what `WhiskAnnotation` writes; the file may be anybody's.
struct AnnotationReader: Sendable {
    let definition: SessionDefinition
    let findings: [Finding]
    private var types: [String: FrameType] = [:]
    private static let mostTypes = 4_096

    init(_ annotation: MessagePackValue, limits: WhiskerLimits) throws(WhiskerError) {
        guard annotation["version"]?.integer == WhiskAnnotation.version else {
            throw WhiskerError(
                .unknownProtocol, "the session was exported by another version of lockstep; import it with that one")
        }
        var stages: [SessionDefinition.Stage] = []
        for element in annotation["stages"]?.array ?? [] {
            guard stages.count < limits.stages else {
                throw WhiskerError(.malformed, "the session has more than \(limits.stages) stages")
            }
            stages.append(try AnnotationReader.stage(element, number: stages.count))
        }
        definition = SessionDefinition(stages: stages)
        var findings: [Finding] = []
        for element in annotation["findings"]?.array ?? [] {
            guard let kind = element["kind"]?.string.flatMap(Finding.Kind.init),
                let severity = element["severity"]?.string.flatMap(Finding.Severity.init)
            else { throw AnnotationReader.broken("finding") }
            findings.append(
                Finding(
                    kind, severity, stage: try AnnotationReader.index(element["stage"], "stage"),
                    batch: try AnnotationReader.number(element["batch"], "batch"),
                    branch: try AnnotationReader.index(element["branch"], "branch"),
                    sequence: try AnnotationReader.number(element["sequence"], "sequence"),
                    detail: element["detail"]?.string ?? ""))
        }
        self.findings = findings
    }

    private static func stage(_ value: MessagePackValue, number: Int) throws(WhiskerError) -> SessionDefinition.Stage {
        var branches: [SessionDefinition.Branch] = []
        for element in value["branches"]?.array ?? [] {
            branches.append(
                SessionDefinition.Branch(
                    number: branches.count, name: element["name"]?.string,
                    processors: (element["processors"]?.array ?? []).compactMap(\.string)))
        }
        let parent = value["parent"]?.integer
        guard let name = value["name"]?.string, parent.map({ 0..<Int64(number) ~= $0 }) ?? true else {
            throw broken("stage")
        }
        return SessionDefinition.Stage(
            number: number, name: name, frameOrder: value["order"]?.string.flatMap(FrameOrder.init(rawValue:)),
            branches: branches, parent: parent.map { Int($0) })
    }

    /// - Parameter sequence: what the event's must be.
    mutating func event(_ value: MessagePackValue, sequence: Int64) throws(WhiskerError) -> SessionEvent {
        guard value["sequence"]?.integer == sequence else {
            throw WhiskerError(
                .malformed, "the event after number \(sequence - 1) is missing or stands elsewhere in the file")
        }
        guard let kind = value["kind"]?.integer.flatMap({ SessionEvent.Kind(rawValue: Int($0)) }),
            let time = value["time"]?.integer, time >= 0
        else { throw AnnotationReader.broken("event") }
        var event = SessionEvent(sequence: sequence, time: time, kind: kind)
        event.stage = try AnnotationReader.index(value["stage"], "stage")
        event.branch = try AnnotationReader.index(value["branch"], "branch")
        event.batch = try AnnotationReader.number(value["batch"], "batch")
        event.emission = try AnnotationReader.index(value["emission"], "emission")
        event.arrival = try AnnotationReader.index(value["arrival"], "arrival")
        event.position = try AnnotationReader.index(value["position"], "position")
        event.subject = try AnnotationReader.number(value["subject"], "subject")
        event.direction = value["direction"]?.string.flatMap(FrameDirection.init(rawValue:))
        event.detail = value["detail"]?.string
        event.processor = value["processor"]?.string
        event.outcome = value["outcome"]?.string.flatMap(BatchOutcome.init(rawValue:))
        if let frame = value["frame"] { event.frame = try self.frame(frame) }
        let stages = definition.stages
        guard event.stage < stages.count, event.stage < 0 || event.branch < stages[event.stage].branches.count,
            event.subject < sequence
        else { throw AnnotationReader.broken("event") }
        return event
    }

    private mutating func frame(_ value: MessagePackValue) throws(WhiskerError) -> GenericFrame {
        guard let id = value["id"]?.integer, id > 0, let type = value["type"]?.string, !type.isEmpty else {
            throw AnnotationReader.broken("frame")
        }
        let payload = value["payload"].flatMap { payload -> FramePayload? in
            guard let name = payload["name"]?.string, case .bytes(let bytes) = payload["bytes"] else { return nil }
            return FramePayload(name: name, bytes: bytes)
        }
        return GenericFrame(
            self.type(type, value),
            header: FrameHeader(
                id: id, pts: value["pts"]?.integer, name: value["name"]?.string,
                metadata: AnnotationReader.fields(value["metadata"])),
            text: value["text"]?.string, payload: payload, fields: AnnotationReader.fields(value["fields"]))
    }

    private mutating func type(_ name: String, _ value: MessagePackValue) -> FrameType {
        if let known = FrameType.known(name) ?? types[name] { return known }
        let base = value["base"]?.string.flatMap(FrameType.known) ?? .frame
        // Types are never freed: a file that brings more than a session can have gets no more of its own.
        guard types.count < Self.mostTypes else { return base }
        let type = FrameType(
            name, base: base, frameClass: value["class"]?.string.flatMap(FrameClass.init(rawValue:)),
            isInterruptible: value["interruptible"]?.bool)
        types[name] = type
        return type
    }

    private static func fields(_ value: MessagePackValue?) -> FrameFields {
        guard case .object(let fields) = value.map(FieldValue.init) else { return [:] }
        return fields
    }

    /// A number that is -1 where there is none.
    private static func index(_ value: MessagePackValue?, _ what: String) throws(WhiskerError) -> Int {
        guard let value else { return -1 }
        guard let number = value.integer, (-1..<Int64(Int32.max)).contains(number) else { throw broken(what) }
        return Int(number)
    }

    /// A number that is 0 where there is none.
    private static func number(_ value: MessagePackValue?, _ what: String) throws(WhiskerError) -> Int64 {
        guard let value else { return 0 }
        guard let number = value.integer, number >= 0 else { throw broken(what) }
        return number
    }

    private static func broken(_ what: String) -> WhiskerError {
        WhiskerError(.malformed, "the \(what) that lockstep added to the record is not readable; export it again")
    }
}
