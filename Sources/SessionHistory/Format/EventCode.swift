import PipelineEngine

/// The column `event.code`: what happened where, packed into one integer because every column of the log costs recording
/// speed. The view `moment` unpacks it in SQL.
///
///     kind | direction << 4 | outcome << 6 | last << 9 | (stage + 1) << 10 | (branch + 1) << 20 | further << 36
struct EventCode: Hashable {
    /// Stages are numbered from 0 to this.
    static let maxStage = 1022
    /// Branches are numbered from 0 to this.
    static let maxBranch = 65_534
    /// How many events a row may stand for besides its first.
    static let maxFurther: Int64 = 255
    private static let furtherShift: Int64 = 36

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
    var isWhole: Bool { rawValue >= 0 && rawValue >> Self.furtherShift <= Self.maxFurther }

    // MARK: - Runs

    /// How many events follow the row's first in the same row: 0 to `maxFurther`, whatever a damaged one says.
    var further: Int64 { max(0, min(Self.maxFurther, rawValue >> Self.furtherShift)) }

    /// SQL for how many they are by a column `code`, unchecked.
    static func further(inSQL code: String) -> String { "(\(code) >> \(furtherShift))" }

    /// The code of one event of a row: the outcome is that of the last.
    func member(_ index: Int64) -> EventCode {
        if index < further { return withoutOutcome.run(further: 0) }
        return run(further: 0)
    }

    /// The code of a row that ends with this event.
    @inline(__always)
    func run(further: Int64) -> EventCode {
        EventCode(rawValue: rawValue & (1 << Self.furtherShift - 1) | further << Self.furtherShift)
    }

    @inline(__always)
    var withoutOutcome: EventCode { EventCode(rawValue: rawValue & ~(7 << 6)) }
}
