import PipelineEngine

/// The column `event.code`: what happened where, packed into one integer because every column of the log costs recording
/// speed. The view `moment` unpacks it in SQL.
///
///     kind | direction << 4 | outcome << 6 | last << 9 | (stage + 1) << 10 | (branch + 1) << 20 | further << 36 | timed << 44
///         | patterned << 45
struct EventCode: Hashable {
    /// Stages are numbered from 0 to this.
    static let maxStage = 1022
    /// Branches are numbered from 0 to this.
    static let maxBranch = 65_534
    /// How many events a row may stand for besides its first.
    static let maxFurther: Int64 = 255
    private static let furtherShift: Int64 = 36
    private static let timed: Int64 = 1 << 44
    private static let patterned: Int64 = 1 << 45

    let rawValue: Int64

    init(rawValue: Int64) { self.rawValue = rawValue }

    /// - Precondition: stage and branch are in range, or -1 for none; `SessionEncoder` checks.
    @inline(__always)
    init(
        kind: SessionEvent.Kind, direction: FrameDirection?, outcome: BatchOutcome?, isLast: Bool, stage: Int,
        branch: Int
    ) {
        var value = Int64(kind.rawValue)
        switch direction {
        case .downstream: value |= 1 << 4
        case .upstream: value |= 2 << 4
        case nil: break
        }
        switch outcome {
        case .released: value |= 1 << 6
        case .interrupted: value |= 2 << 6
        case .cancelled: value |= 3 << 6
        case .failed: value |= 4 << 6
        case nil: break
        }
        if isLast { value |= 1 << 9 }
        rawValue = value | Int64(stage + 1) << 10 | Int64(branch + 1) << 20
    }

    /// nil where the value is none that this version knows.
    var kind: SessionEvent.Kind? { SessionEvent.Kind(rawValue: Int(rawValue & 15)) }

    var direction: FrameDirection? {
        switch (rawValue >> 4) & 3 {
        case 1: .downstream
        case 2: .upstream
        default: nil
        }
    }

    var outcome: BatchOutcome? {
        switch (rawValue >> 6) & 7 {
        case 1: .released
        case 2: .interrupted
        case 3: .cancelled
        case 4: .failed
        default: nil
        }
    }

    /// Whether it is its batch's own EndFrame or StopFrame, which leaves last whatever the order (C9).
    var isLast: Bool { rawValue & (1 << 9) != 0 }
    var stage: Int { Int((rawValue >> 10) & 1023) - 1 }
    var branch: Int { Int((rawValue >> 20) & 65_535) - 1 }

    /// Whether it has no more than a code has.
    var isWhole: Bool { rawValue >= 0 && rawValue < Self.patterned << 1 }

    // MARK: - Rows of several events

    /// How many events follow the row's first in the same row: 0 to `maxFurther`.
    var further: Int64 { (rawValue >> Self.furtherShift) & Self.maxFurther }
    /// Whether the row's events have times of their own, in `event_times`.
    var isTimed: Bool { rawValue & Self.timed != 0 }
    /// Whether the row is whole batches that went alike (`BatchPattern`), and no run.
    var isPatterned: Bool { rawValue & Self.patterned != 0 }

    /// SQL for how many follow by a column `code`.
    static func further(inSQL code: String) -> String { "((\(code) >> \(furtherShift)) & \(maxFurther))" }

    /// SQL for whether the row is of batches that went alike.
    static func isPatterned(inSQL code: String) -> String { "(\(code) & \(patterned))" }

    /// SQL for whether the row's events have times of their own.
    static func isTimed(inSQL code: String) -> String { "(\(code) & \(timed))" }

    /// SQL for how many batches the row `event` is about besides its first; NULL where that is damaged.
    static func furtherBatches(inSQL event: String) -> String {
        "iif(\(isPatterned(inSQL: event + ".code")), \(further(inSQL: event + ".code")) / \(event).arrival, 0)"
    }

    /// The code of one event of a run: the outcome is that of the last.
    func member(_ index: Int64) -> EventCode { index < further ? withoutOutcome.alone : alone }

    /// The code of the row's first event, or its last in a run, as it would be in a row of its own.
    var alone: EventCode { EventCode(rawValue: rawValue & (1 << Self.furtherShift - 1)) }

    /// The code of a row that ends with this event.
    @inline(__always)
    func run(further: Int64) -> EventCode {
        EventCode(rawValue: rawValue & (1 << Self.furtherShift - 1) | further << Self.furtherShift)
    }

    /// The same with no more events behind the first than these.
    func limited(toFurther count: Int64) -> EventCode {
        let others = rawValue & ~(Self.maxFurther << Self.furtherShift)
        return EventCode(rawValue: others | max(0, min(further, count)) << Self.furtherShift)
    }

    /// The code of a row of batches that went alike, which begins with this event.
    @inline(__always)
    func batches(further: Int64) -> EventCode {
        EventCode(rawValue: run(further: further).rawValue | Self.patterned)
    }

    /// The same of a row whose events have times of their own, or have not.
    @inline(__always)
    func timed(_ isTimed: Bool) -> EventCode {
        EventCode(rawValue: isTimed ? rawValue | Self.timed : rawValue & ~Self.timed)
    }

    @inline(__always)
    var withoutOutcome: EventCode { EventCode(rawValue: rawValue & ~(7 << 6)) }
}
