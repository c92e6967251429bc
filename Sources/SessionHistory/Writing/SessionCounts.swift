import PipelineEngine

/// What the view `sessions` says of a session without reading its events.
struct SessionCounts: Equatable {
    var inbound: Int64 = 0
    var outputs: Int64 = 0
    var released: Int64 = 0
    var duplicates: Int64 = 0
    var bypasses: Int64 = 0
    var incidents: Int64 = 0
    var events: Int64 = 0
    var bytes: Int64 = 0
    /// Time of the last event in ns.
    var duration: Int64 = 0

    @inline(__always)
    mutating func add(_ kind: SessionEvent.Kind, time: Int64) {
        events += 1
        if time > duration { duration = time }
        switch kind {
        case .inbound: inbound += 1
        case .output: outputs += 1
        case .late:
            outputs += 1
            incidents += 1
        case .release: released += 1
        case .duplicate: duplicates += 1
        case .bypass: bypasses += 1
        case .stall, .anomaly: incidents += 1
        case .sync, .drop, .error, .close: break
        }
    }
}
