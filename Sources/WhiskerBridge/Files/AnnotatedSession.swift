import PipelineEngine

/// A session that `WhiskWriter` wrote: its events come back from what was added to Whisker's records.
struct AnnotatedSession: Sendable {
    let opening: [WhiskerStep]

    init(_ annotation: MessagePackValue, source: WhiskerSource) throws(WhiskerError) { opening = [] }

    mutating func take(_ message: WhiskerMessage) throws(WhiskerError) -> [WhiskerStep] { [] }

    mutating func finish() -> [WhiskerStep] { [] }

    func count(into summary: inout WhiskerSummary) {}
}
