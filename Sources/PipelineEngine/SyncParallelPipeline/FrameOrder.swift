/// The order in which a stage releases what its branches put out for one frame (C4).
public enum FrameOrder: String, Sendable, CaseIterable {
    /// The order of arrival over all branches.
    case arrival
    /// All of branch 0 in the order of its emissions, then branch 1, and so on.
    case pipeline

    /// The order of this name (C1).
    ///
    /// - Throws: `PipelineError` naming the value and the allowed ones.
    public init(named name: String) throws(PipelineError) {
        guard let order = FrameOrder(rawValue: name) else {
            let allowed = FrameOrder.allCases.map(\.rawValue).joined(separator: " or ")
            throw PipelineError(.unknownFrameOrder, "unknown frame order '\(name)'; use \(allowed)")
        }
        self = order
    }
}
