import PipelineEngine
import Recording

// Word for word what README.md shows, in a function.
func programOfReadme() async throws {
    final class Shout: FrameProcessor {
        let link = ProcessorLink()

        func process(_ frame: any Frame, direction: FrameDirection) async throws {
            guard let text = frame.text else { return await push(frame, direction) }
            await push(TextFrame(text.uppercased()), direction)
        }
    }

    let stage = try SyncParallelPipeline([[Shout()], []], frameOrder: .pipeline)
    let session = try await RecordedSession.start(Pipeline([stage]), at: "lockstep.sqlite") { print($0.frame) }
    try await session.send(TextFrame("hello"))
    try await session.end()
}
