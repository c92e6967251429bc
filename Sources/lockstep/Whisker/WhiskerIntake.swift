internal import PipelineEngine
internal import Recording
internal import SessionHistory
internal import WhiskerBridge

/// Writes what Whisker tells of a bot into a history, one session after another.
struct WhiskerIntake {
    /// A session that was taken in.
    struct Session {
        /// Its number; nil while the history has it from before.
        let number: Int64?
        let uuid: String
        let summary: WhiskerSummary
    }

    private let history: History
    private let name: String?
    private let source: String
    private let payload: PayloadMode
    private let uuid: ((_ index: Int) -> String)?
    private let onFailure: @Sendable (HistoryError) -> Void
    private let onNotice: @Sendable (String) -> Void

    private var recorder: SessionRecorder?
    private var current = ""
    private(set) var sessions: [Session] = []
    /// Of the session under way, for those who watch.
    private(set) var counts = LiveCounts()

    /// - Parameters:
    ///   - source: where it comes from: an address, a file.
    ///   - payload: what is kept of the frames' content.
    ///   - uuid: that of the session of this index, where it is known from before: then it is an import, and left as it is
    ///     if the history has it.
    init(
        into history: History, name: String?, source: String, payload: PayloadMode,
        uuid: ((_ index: Int) -> String)? = nil,
        onFailure: @escaping @Sendable (HistoryError) -> Void = { _ in },
        onNotice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.history = history
        self.name = name
        self.source = source
        self.payload = payload
        self.uuid = uuid
        self.onFailure = onFailure
        self.onNotice = onNotice
    }

    mutating func take(_ step: WhiskerStep) async throws {
        switch step {
        case .started(let bot, let definition): try await begin(bot, definition)
        case .definition(let definition): try await recorder?.redefine(definition)
        case .event(let event):
            guard let recorder else { return }
            recorder.observe(event)
            counts.add(event)
            if recorder.isCongested { await recorder.waitWhileCongested() }
        case .finding(let finding):
            guard let recorder else { return }
            counts.findings += 1
            try history.add([SessionHistory.Finding(finding)], to: recorder.session)
        case .ended(let summary):
            sessions.append(Session(number: recorder?.session, uuid: current, summary: summary))
            try await recorder?.close(state: summary.state)
            recorder = nil
        }
    }

    /// Closes a session that nobody ended, because taking it in failed.
    mutating func abandon() async {
        try? await recorder?.close(state: .failed)
        recorder = nil
    }

    private mutating func begin(_ bot: WhiskerSource, _ definition: SessionDefinition) async throws {
        counts = LiveCounts()
        let start = SessionStart(
            definition: definition, name: name, source: source, uuid: uuid?(sessions.count),
            startedAt: Moment.iso(secondsSince1970: bot.startedAt), payload: payload)
        if uuid == nil {
            recorder = try await SessionRecorder.start(
                in: history, definition: definition, name: name, source: source, payload: payload,
                onFailure: onFailure, onNotice: onNotice)
        } else {
            recorder = try await SessionRecorder.importing(start, into: history, onFailure: onFailure)
        }
        current = recorder?.uuid ?? start.uuid ?? ""
    }
}

/// How much has come in so far.
struct LiveCounts: Sendable {
    private(set) var inbound: Int64 = 0
    private(set) var outputs: Int64 = 0
    private(set) var released: Int64 = 0
    var findings: Int64 = 0

    mutating func add(_ event: SessionEvent) {
        switch event.kind {
        case .inbound: inbound += 1
        case .output: outputs += 1
        case .late:
            outputs += 1
            findings += 1
        case .release: released += 1
        default: break
        }
    }
}

extension WhiskerSummary {
    /// The state in which the session is closed.
    fileprivate var state: SessionState {
        switch ending {
        case .complete, .stopped: .complete
        case .lost, .damaged: .failed
        }
    }
}

extension SessionHistory.Finding {
    init(_ finding: PipelineEngine.Finding) {
        self.init(
            sequence: finding.sequence == 0 ? nil : finding.sequence, stage: finding.stage < 0 ? nil : finding.stage,
            batch: finding.batch == 0 ? nil : finding.batch, branch: finding.branch < 0 ? nil : finding.branch,
            kind: finding.kind.rawValue, severity: Severity(rawValue: finding.severity.rawValue) ?? .note,
            detail: finding.detail)
    }
}

extension PipelineEngine.Finding {
    init(_ finding: SessionHistory.Finding) {
        self.init(
            Kind(rawValue: finding.kind) ?? .anomaly, Severity(rawValue: finding.severity.rawValue) ?? .note,
            stage: finding.stage ?? -1, batch: finding.batch ?? 0, branch: finding.branch ?? -1,
            sequence: finding.sequence ?? 0, detail: finding.detail)
    }
}
