import PipelineEngine

/// Runs a program for each frame; what it writes becomes frames.
///
/// The frames come when the program has ended well: one that fails gives an error and no frames.
final class Exec: FrameProcessor {
    let link: ProcessorLink
    private let options: ExecOptions

    init(_ options: ExecOptions, name: String?) {
        link = ProcessorLink(name: name)
        self.options = options
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        guard options.on.matches(frame.type) else { return await push(frame, direction) }
        let run = ProgramRun(
            name: options.call.name, path: options.call.path,
            arguments: options.call.arguments.map { $0.filled(from: frame) }, timeout: .nanoseconds(options.timeout))
        // On the global pool: reading a program's output is not to hold up the session.
        let output = try await link.external {
            try await withTaskExecutorPreference(globalConcurrentExecutor) { try await run.output() }
        }
        let contents: [FrameContent]
        do {
            contents = try ProgramOutput.contents(of: output, as: options.emits, chunk: options.chunk)
        } catch {
            throw ProgramFailure(program: run.name, problem: error.problem)
        }
        for content in contents { await push(content.makeFrame(), direction) }
        if options.pass { await push(frame, direction) }
    }
}
