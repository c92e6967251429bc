internal import PipelineEngine

/// Reads a session from JSON lines, piece by piece, and checks that it is whole: the head first, events in the order of
/// their sequence from 1 without gaps and about earlier ones, and the end, whose count of events must be right.
///
///     reader.append(bytes)
///     while let line = try reader.next() { … }
public struct SessionLineReader: Sendable {
    /// The name used in problems.
    public let file: String
    private var lines: LineBuffer
    private var line = 0
    private var types = FrameTypes()
    private var head: SessionLineHead?
    private var events: Int64 = 0
    private var hasEnded = false
    private var hasFinished = false

    public init(file: String, limits: FrameLineLimits = FrameLineLimits()) {
        self.file = file
        lines = LineBuffer(limit: limits.lineBytes)
    }

    /// Adds the next bytes of the file, any number of them.
    public mutating func append(_ bytes: some Collection<UInt8>) { lines.append(bytes) }

    /// Says that there are no more bytes.
    public mutating func finish() {
        lines.finish()
        hasFinished = true
    }

    /// The next line; nil when it takes more bytes, or when all is read.
    ///
    /// - Throws: the problem with a line, or with the file as a whole at its end.
    public mutating func next() throws(FileProblem) -> SessionLine? {
        while let next = lines.next() {
            line += 1
            guard case .range(let range) = next else {
                throw FileProblem(file: file, line: line, problem: "this line is longer than any that lockstep writes")
            }
            if lines.bytes[range].allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            let parsed: Result<SessionLine, JSONProblem> = lines.bytes.withUnsafeBufferPointer { bytes in
                do throws(JSONProblem) {
                    return .success(try parse(UnsafeBufferPointer(rebasing: bytes[range])))
                } catch { return .failure(error) }
            }
            switch parsed {
            case .success(let line): return line
            case .failure(let found):
                let column = lines.bytes[range].prefix(found.offset).count { $0 & 0xC0 != 0x80 } + 1
                throw FileProblem(
                    file: file, line: line, column: column, problem: found.problem, remedy: found.remedy)
            }
        }
        if hasFinished, !hasEnded {
            throw FileProblem(
                file: file, line: line + 1,
                problem: head == nil
                    ? "this is no session: the file is empty" : "the session is cut off: its end is missing",
                remedy: "export it again")
        }
        return nil
    }

    private mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONProblem) -> SessionLine {
        var reader = JSONReader(bytes)
        var object = LineObject(try reader.wholeObject())
        guard head != nil else { return .head(try readHead(&object)) }
        if hasEnded {
            throw JSONProblem(0, "there is a line behind the session's end", remedy: "put one session in a file")
        }
        if object.has("seq"), object.has("event") { return .event(try readEvent(&object)) }
        if object.has("finding") { return .finding(try readFinding(&object)) }
        if object.has("end") { return .end(try readEnd(&object)) }
        throw JSONProblem(0, "this line is no event, finding or end of a session")
    }

    private mutating func readHead(_ object: inout LineObject) throws(JSONProblem) -> SessionLineHead {
        guard try object.string("lockstep") == "session" else {
            throw JSONProblem(
                0, "this is no exported session: its first line has no \"lockstep\": \"session\"",
                remedy: "import what 'lockstep export' wrote")
        }
        let version = try object.require(try object.integer("version", in: 1...(.max)), "version")
        guard version <= SessionLineWriter.version else {
            throw JSONProblem(
                0,
                "the session is in version \(version) of the format; this lockstep reads up to \(SessionLineWriter.version)",
                remedy: "use a newer lockstep")
        }
        var stages: [SessionDefinition.Stage] = []
        for var stage in try object.require(try object.objects("stages"), "stages") {
            stages.append(try readStage(&stage, number: stages.count))
        }
        let head = SessionLineHead(
            uuid: try readUUID(&object), name: try object.string("name"), source: try object.string("source"),
            startedAt: try object.require(try object.instant("started_at"), "started_at"),
            payload: try object.string("payload"),
            definition: SessionDefinition(stages: stages))
        try object.expectNoOthers()
        self.head = head
        return head
    }

    private func readUUID(_ object: inout LineObject) throws(JSONProblem) -> String {
        let uuid = try object.require(try object.string("uuid"), "uuid")
        let groups = uuid.split(separator: "-", omittingEmptySubsequences: false)
        let isHex = uuid.utf8.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], isHex else {
            throw JSONProblem(object.member("uuid")?.valueOffset ?? 0, "'uuid' has to be a UUID in lower case")
        }
        return uuid
    }

    private func readStage(_ object: inout LineObject, number: Int) throws(JSONProblem) -> SessionDefinition.Stage {
        guard try object.small("stage") == number else { throw JSONProblem(0, "stage \(number) is due in 'stages'") }
        var branches: [SessionDefinition.Branch] = []
        for var branch in try object.require(try object.objects("branches"), "branches") {
            guard try branch.small("branch") == branches.count else {
                throw JSONProblem(0, "branch \(branches.count) is due in stage \(number)")
            }
            var processors: [String] = []
            if let member = branch.member("processors") {
                guard case .array(let values) = member.value else { throw branch.wrong(member, "a list of names") }
                for value in values {
                    guard case .string(let name) = value else { throw branch.wrong(member, "a list of names") }
                    processors.append(name)
                }
            }
            branches.append(
                SessionDefinition.Branch(
                    number: branches.count, name: try branch.string("name"), processors: processors))
            try branch.expectNoOthers()
        }
        let parent = try object.small("parent")
        if let parent, parent >= number { throw JSONProblem(0, "the parent of stage \(number) has to come before it") }
        let stage = SessionDefinition.Stage(
            number: number, name: try object.require(try object.string("name"), "name"),
            frameOrder: try object.word("frame_order"), branches: branches, parent: parent)
        try object.expectNoOthers()
        return stage
    }

    private mutating func readEvent(_ object: inout LineObject) throws(JSONProblem) -> SessionEvent {
        let due = events + 1
        guard try object.integer("seq", in: 1...(.max)) == due else {
            throw JSONProblem(0, "the event of sequence \(due) is due here", remedy: "export the session again")
        }
        let word = try object.require(try object.string("event"), "event")
        guard let kind = SessionEvent.Kind.byWord[word] else {
            throw JSONProblem(object.member("event")?.valueOffset ?? 0, "there is no event \(quoted(word))")
        }
        var event = SessionEvent(
            sequence: due, time: try object.require(try object.integer("at_ns", in: SessionEvent.times), "at_ns"),
            kind: kind)
        (event.stage, event.branch) = try readPlace(&object)
        event.batch = try object.integer("batch", in: 0...(.max)) ?? 0
        event.direction = try object.word("direction")
        event.emission = try object.small("emission") ?? -1
        event.arrival = try object.small("arrival") ?? -1
        event.position = try object.small("position") ?? -1
        event.subject = try object.integer("subject", in: 0...(.max)) ?? 0
        guard event.subject < due else {
            throw JSONProblem(
                object.member("subject")?.valueOffset ?? 0,
                "event \(due) is about event \(event.subject), which is not before it",
                remedy: "export the session again")
        }
        event.detail = try object.string("detail")
        event.processor = try object.string("processor")
        event.outcome = try object.word("outcome")
        if let (fields, offset) = try object.object("frame") {
            var frame = LineObject(fields, at: offset)
            event.frame = try readFrame(&frame, at: offset)
        }
        try object.expectNoOthers()
        events = due
        return event
    }

    /// Where it happened, which the head has to know.
    private func readPlace(_ object: inout LineObject) throws(JSONProblem) -> (stage: Int, branch: Int) {
        let stages = head?.definition.stages ?? []
        guard let stage = try object.small("stage") else { return (-1, try object.small("branch") ?? -1) }
        guard stage < stages.count else {
            throw JSONProblem(
                object.member("stage")?.valueOffset ?? 0, "the session has no stage \(stage)",
                remedy: "export the session again")
        }
        guard let branch = try object.small("branch") else { return (stage, -1) }
        guard branch < stages[stage].branches.count else {
            throw JSONProblem(
                object.member("branch")?.valueOffset ?? 0, "stage \(stage) has no branch \(branch)",
                remedy: "export the session again")
        }
        return (stage, branch)
    }

    private mutating func readFrame(_ object: inout LineObject, at offset: Int) throws(JSONProblem) -> any Frame {
        let name = try object.require(try object.string("type"), "type")
        let interruptible = try object.flag("interruptible")
        let type: FrameType
        do {
            type = try types.resolve(
                name, frameClass: try object.word("class"), isInterruptible: interruptible)
        } catch let error as FrameTypeProblem {
            throw JSONProblem(offset, error.problem, remedy: error.remedy)
        } catch let error as JSONProblem { throw error } catch { throw JSONProblem(offset, "\(error)") }
        let header = FrameHeader(
            id: try object.require(try object.integer("id", in: 1...(.max)), "id"),
            pts: try object.integer("pts", in: .min...(.max)), name: try object.string("name"),
            metadata: try object.object("metadata")?.fields ?? [:])
        var frame = GenericFrame(type, header: header, text: try object.string("text"))
        if let (payload, place) = try object.object("payload") {
            guard payload.all.count == 1, let field = payload.all.first, case .bytes(let bytes) = field.value else {
                throw JSONProblem(place, "'payload' has to be one name with its bytes")
            }
            frame.payload = FramePayload(name: field.name, bytes: bytes)
        }
        frame.fields = try object.object("fields")?.fields ?? [:]
        if let (missing, place) = try object.object("omitted") {
            var missing = LineObject(missing, at: place)
            frame.omission = try ContentOmission(&missing)
        }
        try object.expectNoOthers()
        return frame
    }

    private func readFinding(_ object: inout LineObject) throws(JSONProblem) -> SessionLineFinding {
        let finding = SessionLineFinding(
            sequence: try object.integer("seq", in: 1...(.max)), stage: try object.small("stage"),
            batch: try object.integer("batch", in: 1...(.max)), branch: try object.small("branch"),
            kind: try object.require(try object.string("finding"), "finding"),
            severity: try object.require(try object.string("severity"), "severity"),
            detail: try object.require(try object.string("detail"), "detail"))
        try object.expectNoOthers()
        return finding
    }

    private mutating func readEnd(_ object: inout LineObject) throws(JSONProblem) -> SessionLineEnd {
        let end = SessionLineEnd(
            state: try object.require(try object.string("end"), "end"), endedAt: try object.instant("ended_at"),
            events: try object.require(try object.integer("events", in: 0...(.max)), "events"))
        try object.expectNoOthers()
        guard end.events == events else {
            throw JSONProblem(
                0, "the session had \(end.events) events, and the file has \(events)", remedy: "export it again")
        }
        hasEnded = true
        return end
    }
}
