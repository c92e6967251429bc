import PipelineEngine

/// Throws instead of passing a frame on.
final class Fail: ImmediateProcessor {
    let link: ProcessorLink
    private let on: TypeFilter
    private let message: String

    init(_ on: TypeFilter, message: String, name: String?) {
        link = ProcessorLink(name: name)
        self.on = on
        self.message = message
    }

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) throws {
        if on.matches(frame.type) { throw Failure(description: message) }
        output.push(frame, direction)
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }
}
