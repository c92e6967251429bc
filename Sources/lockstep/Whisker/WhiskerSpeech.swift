internal import WhiskerBridge

extension Terminal {
    /// Says what is missing of a bot's session, and what could not be found out about it.
    ///
    /// - Parameter failure: what is said of the recording as a whole, with which a loss need not be repeated.
    func say(_ summary: WhiskerSummary, findings: Int64, besides failure: String? = nil) {
        for loss in summary.losses where failure?.contains(loss) != true { report(loss, as: "missing") }
        if summary.batchesWithoutHead > 0 {
            let count = Quantity.count(summary.batchesWithoutHead, "batch", "batches")
            note(StyledText("  \(count) began before the recording did", .dim))
        }
        if summary.openBatches > 0 {
            let count = Quantity.count(summary.openBatches, "batch was", "batches were")
            note(StyledText("  \(count) still open at the end", .yellow))
        }
        if !summary.stagesWithoutOrder.isEmpty {
            let stages = summary.stagesWithoutOrder.map { "\($0)" }.joined(separator: ", ")
            note(
                StyledText(
                    "  the frame order of stage \(stages) does not show in what was released; give it with --order",
                    .dim))
        }
        if findings > 0 {
            let count = Quantity.count(findings, "finding")
            note(StyledText("  \(count): see 'lockstep check'", .yellow))
        }
    }
}
