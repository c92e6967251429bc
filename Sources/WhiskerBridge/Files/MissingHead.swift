/// What stands in for the beginning of a recording that lacks it.
struct MissingHead: Sendable {
    /// How many bytes come before the first whole record.
    var bytes: Int64
    /// What the snapshot would have said, as far as the records show it.
    var snapshot: WhiskerMessage.Snapshot
}
