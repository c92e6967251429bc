import PipelineEngine

struct EmitOptions: Sendable, Hashable {
    var on: TypeFilter
    var frames: [FrameTemplate]
    /// Whether the frame itself goes on behind them.
    var pass = false

    var waits: Bool { frames.contains { $0.after > 0 } }
}

/// Makes frames of a frame at once.
final class Emit: ImmediateProcessor {
    let link: ProcessorLink
    private let options: EmitOptions

    init(_ options: EmitOptions, name: String?) {
        link = ProcessorLink(name: name)
        self.options = options
    }

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) throws {
        guard options.on.matches(frame.type) else { return output.push(frame, direction) }
        for template in options.frames { output.push(template.make(from: frame), template.direction) }
        if options.pass { output.push(frame, direction) }
    }
}

/// Makes frames of a frame one after the other, each after its own wait: the first from the coming of the frame on, every
/// other from the one before it on.
final class TimedEmit: FrameProcessor {
    let link: ProcessorLink
    private let options: EmitOptions

    init(_ options: EmitOptions, name: String?) {
        link = ProcessorLink(name: name)
        self.options = options
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        guard options.on.matches(frame.type) else { return await push(frame, direction) }
        for template in options.frames {
            if template.after > 0 { try await link.clock.sleep(nanoseconds: template.after) }
            await push(template.make(from: frame), template.direction)
        }
        if options.pass { await push(frame, direction) }
    }
}
