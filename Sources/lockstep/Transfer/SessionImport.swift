internal import PipelineEngine
internal import PipelineFiles
internal import Recording
internal import SessionHistory

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file of JSON lines (docs/FORMATS.md) to be taken into a history, whole or not at all.
struct SessionImport {
    let path: String
    private let head: SessionLineHead
    private let end: SessionLineEnd
    private let payload: PayloadMode

    /// Reads the file from beginning to end and keeps nothing of it but what it is.
    ///
    /// - Throws: `FileProblem` for a file that is no whole session.
    init(checking path: String, keeping payload: PayloadMode) throws {
        self.path = path
        var lines = try SessionFile(path)
        var head: SessionLineHead?
        var end: SessionLineEnd?
        while let line = try lines.next() {
            switch line {
            case .head(let line): head = line
            case .end(let line): end = line
            case .event, .finding: break
            }
        }
        guard let head, let end else { throw FileProblem(file: path, problem: "this is no whole session") }
        guard SessionState(rawValue: end.state) != nil else {
            throw FileProblem(
                file: path, problem: "there is no session state '\(end.state)'", remedy: "export the session again")
        }
        guard let kept = PayloadMode(rawValue: head.payload ?? "full") else {
            throw FileProblem(
                file: path, problem: "there is no payload mode '\(head.payload ?? "")'", remedy: "use a newer lockstep")
        }
        self.head = head
        self.end = end
        // What the file does not have cannot be kept.
        self.payload = kept.keeping(atMost: payload)
    }

    var uuid: String { head.uuid }
    var name: String? { head.name }
    var events: Int64 { end.events }

    /// Takes the session in; returns its number, nil if the history has it already.
    ///
    /// - Parameter progress: is told the number of events so far.
    func run(into history: History, progress: (Int64) -> Void) async throws -> Int64? {
        let start = SessionStart(
            definition: head.definition, name: head.name, source: head.source, uuid: head.uuid,
            startedAt: head.startedAt, payload: payload)
        guard let recorder = try await SessionRecorder.importing(start, into: history) else { return nil }
        var findings: [SessionHistory.Finding] = []
        var lines = try SessionFile(path)
        do {
            while let line = try lines.next() {
                switch line {
                case .event(let event):
                    recorder.observe(event)
                    progress(event.sequence)
                    if recorder.isCongested { await recorder.waitWhileCongested() }
                case .finding(let finding): findings.append(SessionHistory.Finding(finding))
                case .head, .end: break
                }
            }
            if !findings.isEmpty { try history.add(findings, to: recorder.session) }
        } catch {
            // The file changed since it was checked: what came of it would look like a session.
            try? await recorder.close(state: .failed)
            _ = try? history.delete([recorder.session])
            throw error
        }
        // One that still ran when it was exported ended there, as far as anybody here can know.
        let state = SessionState(rawValue: end.state) ?? .failed
        try await recorder.close(state: state == .recording ? .interrupted : state, endedAt: end.endedAt)
        return recorder.session
    }
}

extension SessionHistory.Finding {
    fileprivate init(_ line: SessionLineFinding) {
        self.init(
            sequence: line.sequence, stage: line.stage, batch: line.batch, branch: line.branch, kind: line.kind,
            severity: Severity(rawValue: line.severity) ?? .note, detail: line.detail)
    }
}

/// The lines of a file, read piece by piece.
private struct SessionFile: ~Copyable {
    private let path: String
    private let descriptor: Int32
    private var reader: SessionLineReader
    private var isAtEnd = false

    init(_ path: String) throws {
        self.path = path
        reader = SessionLineReader(file: path)
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            throw FileProblem(
                file: path, problem: "this file cannot be opened: \(String(cString: strerror(errno)))",
                remedy: "give the path of a file that 'lockstep export' wrote")
        }
    }

    deinit { close(descriptor) }

    mutating func next() throws -> SessionLine? {
        while true {
            if let line = try reader.next() { return line }
            if isAtEnd { return nil }
            let piece = try read()
            if piece.isEmpty {
                isAtEnd = true
                reader.finish()
            } else {
                reader.append(piece)
            }
        }
    }

    private func read() throws -> [UInt8] {
        while true {
            var count = 0
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, initialized in
                count = systemRead(descriptor, buffer.baseAddress, buffer.count)
                initialized = max(0, count)
            }
            if count >= 0 { return piece }
            if errno == EINTR { continue }
            throw FileProblem(file: path, problem: "this file cannot be read: \(String(cString: strerror(errno)))")
        }
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
