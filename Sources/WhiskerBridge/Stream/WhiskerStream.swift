public import PipelineEngine

/// Turns the bytes that Whisker writes, to a file or a socket, into the steps of sessions.
///
///     var stream = WhiskerStream()
///     while let bytes = try next() { for step in stream.read(bytes) { try take(step) } }
///     for step in stream.end(.complete) { try take(step) }
///
/// Bytes may come in pieces of any size. Nothing that they hold makes it fail: damage ends the session with
/// `.ended(.damaged)`, and what comes afterwards is not looked at.
public struct WhiskerStream: Sendable {
    /// How much is decoded before what it says is given out: bounds what one call holds.
    private static let piece = 64 << 10

    private let orders: KnownOrders
    /// Whether a session that `WhiskWriter` wrote comes back as it was, and not by interpreting it.
    var readsAnnotations = true
    private let limits: WhiskerLimits
    private var decoder: MessagePackDecoder
    private var session: Session?
    private var sessions = 0
    /// What stands in for the first session's beginning.
    private let missing: MissingHead?
    /// How many bytes belong to no whole record, before the first.
    private var toSkip: Int64
    private var records: Int64 = 0
    /// What was wrong, when something was.
    public private(set) var damage: WhiskerError?

    private enum Session: Sendable {
        /// The snapshot is there; the session's time begins with the next record if that is earlier.
        case greeted(WhiskerMessage.Snapshot)
        case interpreted(WhiskerInterpreter)
        case annotated(AnnotatedSession)
    }

    /// - Parameter order: the frame order of every stage, if it is known; otherwise it is inferred from the releases.
    public init(order: FrameOrder? = nil, limits: WhiskerLimits = WhiskerLimits()) {
        self.init(KnownOrders(all: order), limits: limits)
    }

    /// - Parameter missing: what stands in for the beginning of a recording that lacks it.
    init(_ orders: KnownOrders, limits: WhiskerLimits, missing: MissingHead? = nil) {
        self.orders = orders
        self.limits = limits
        decoder = MessagePackDecoder(limits: limits, offset: missing?.bytes ?? 0)
        self.missing = missing
        toSkip = missing?.bytes ?? 0
        session = missing.map { .greeted($0.snapshot) }
    }

    /// Whether a snapshot has come: the peer is one of Whisker's.
    public var isGreeted: Bool { session != nil || records > 0 }

    /// Whether a session has been told.
    private(set) var hasToldSession = false

    /// The steps that end with these bytes.
    public mutating func read(_ bytes: some Collection<UInt8>) -> [WhiskerStep] {
        var steps: [WhiskerStep] = []
        var rest = bytes[...]
        if toSkip > 0 {
            let skipped = min(Int64(rest.count), toSkip)
            toSkip -= skipped
            rest = rest.dropFirst(Int(skipped))
        }
        while damage == nil, !rest.isEmpty {
            decoder.feed(rest.prefix(Self.piece))
            rest = rest.dropFirst(Self.piece)
            decode(into: &steps)
        }
        return steps
    }

    private mutating func decode(into steps: inout [WhiskerStep]) {
        var at = decoder.offset
        do {
            while let record = try decoder.next() {
                let size = Int(decoder.offset - at)
                steps += try take(record, size: size)
                records += 1
                at = decoder.offset
            }
        } catch let error as MessagePackError {
            fail(
                WhiskerError(
                    .malformed, "damaged at byte \(error.offset): \(error.reason)\(kept)"), &steps)
        } catch let error as WhiskerError {
            let place = "record \(records + 1), at byte \(at): "
            let advice = error.code == .unknownProtocol ? "" : kept
            fail(WhiskerError(error.code, place + error.message + advice), &steps)
        } catch {}
    }

    /// Behind what is wrong, where there is something before it.
    private var kept: String { hasToldSession ? "; what comes before it is kept" : "" }

    private mutating func fail(_ error: WhiskerError, _ steps: inout [WhiskerStep]) {
        damage = error
        close(.damaged(error), at: nil, into: &steps)
    }

    private mutating func take(_ record: MessagePackValue, size: Int) throws(WhiskerError) -> [WhiskerStep] {
        let message = try WhiskerReader.message(record, size: size)
        if case .snapshot(let snapshot) = message {
            var steps: [WhiskerStep] = []
            close(.complete, at: nil, into: &steps)
            session = .greeted(snapshot)
            records = 0
            return steps
        }
        return try begin(message.timestamp) + continued(message)
    }

    /// Begins the session whose snapshot has come.
    private mutating func begin(_ timestamp: Double) throws(WhiskerError) -> [WhiskerStep] {
        switch session {
        case nil:
            throw WhiskerError(
                .notWhisker, "it does not begin with Whisker's snapshot, so that the stages are not known")
        case .greeted(let snapshot):
            var source = snapshot.source
            if timestamp > 0 { source.startedAt = min(source.startedAt, timestamp) }
            if readsAnnotations, let annotation = snapshot.annotation {
                let annotated = try AnnotatedSession(annotation, source: snapshot.source, limits: limits)
                session = .annotated(annotated)
                hasToldSession = true
                return annotated.opening
            }
            var interpreter = try WhiskerInterpreter(
                snapshot, startedAt: source.startedAt, orders: orders.session(sessions), limits: limits)
            sessions += 1
            if let missing, sessions == 1 { interpreter.tell(RecordingGap.headMissing(bytes: missing.bytes).finding) }
            session = .interpreted(interpreter)
            hasToldSession = true
            return [.started(source, interpreter.definition)]
        case .interpreted, .annotated: return []
        }
    }

    private mutating func continued(_ message: WhiskerMessage) throws(WhiskerError) -> [WhiskerStep] {
        switch session {
        case .interpreted(var interpreter):
            // Taken out while it works, so that it is not copied.
            session = nil
            defer { session = .interpreted(interpreter) }
            return try interpreter.take(message)
        case .annotated(var annotated):
            session = nil
            defer { session = .annotated(annotated) }
            return try annotated.take(message)
        case nil, .greeted: return []
        }
    }

    /// Ends the session that is open, if one is. A record that has begun makes the ending `.damaged`.
    ///
    /// - Parameter time: when the recording stopped, in seconds since 1970, for a live one: what a branch has not given
    ///   back by then is missing. nil takes the time of the last record.
    public mutating func end(_ ending: WhiskerSummary.Ending, at time: Double? = nil) -> [WhiskerStep] {
        var steps: [WhiskerStep] = []
        guard damage == nil else { return steps }
        if decoder.unfinishedBytes > 0, ending == .complete {
            fail(
                WhiskerError(
                    .cut,
                    "cut off at byte \(decoder.offset + Int64(decoder.unfinishedBytes)), inside the record that begins at "
                        + "byte \(decoder.offset)\(kept)"), &steps)
        } else {
            close(ending, at: time, into: &steps)
        }
        return steps
    }

    private mutating func close(_ ending: WhiskerSummary.Ending, at time: Double?, into steps: inout [WhiskerStep]) {
        do throws(WhiskerError) { steps += try begin(0) } catch { if session != nil { damage = error } }
        var summary = WhiskerSummary(ending: damage.map(WhiskerSummary.Ending.damaged) ?? ending)
        summary.records = records
        switch session {
        case .interpreted(var interpreter):
            if sessions == 1 { summary.missingBytes = missing?.bytes }
            steps += interpreter.finish(summary.ending, at: time)
            interpreter.count(into: &summary)
        case .annotated(var annotated):
            steps += annotated.finish(summary.ending)
            annotated.count(into: &summary)
        case nil, .greeted: return
        }
        session = nil
        steps.append(.ended(summary))
    }
}
