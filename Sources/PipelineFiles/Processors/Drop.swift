import PipelineEngine

/// Swallows frames.
final class Drop: ImmediateProcessor {
    let link: ProcessorLink
    private let on: TypeFilter

    init(_ on: TypeFilter, name: String?) {
        link = ProcessorLink(name: name)
        self.on = on
    }

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) throws {
        if !on.matches(frame.type) { output.push(frame, direction) }
    }
}
