import PipelineEngine

/// Interprets anything as a recording, and checks what every recorder relies on.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStream(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var limits = WhiskerLimits()
    (limits.recordBytes, limits.recordValues, limits.recordDepth, limits.stages) = (1 << 16, 1 << 12, 32, 64)
    var stream = WhiskerStream(limits: limits)
    let steps = stream.read(UnsafeBufferPointer(start: start, count: count)) + stream.end(.complete)
    var sequence: Int64 = 0
    var stages = 0
    for step in steps {
        switch step {
        case .started(_, let definition): (sequence, stages) = (0, definition.stages.count)
        case .definition(let definition): stages = definition.stages.count
        case .event(let event):
            sequence += 1
            precondition(event.sequence == sequence && event.subject < sequence && event.stage < stages)
        case .finding(let finding): precondition(finding.sequence <= sequence + 1 && !finding.detail.isEmpty)
        case .ended(let summary): precondition(summary.events == sequence)
        }
    }
    return 0
}
