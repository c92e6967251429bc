public import PipelineEngine

extension FrameInput {
    /// The input as `PipelineSession.send(timed:)` takes it. A frame is made when the session asks for it, with the
    /// session's next id, so that the same input gives the same ids (C18).
    public func timed(_ identity: FrameIdentity) -> TimedFrames { TimedFrames(input: self, identity: identity) }

    /// The frames of an input, each made as it is asked for. Throws what `FrameInput.next` throws.
    public struct TimedFrames: AsyncSequence, AsyncIteratorProtocol, Sendable {
        let input: FrameInput
        let identity: FrameIdentity

        public func makeAsyncIterator() -> TimedFrames { self }

        public func next() async throws -> TimedFrame? {
            guard let line = try await input.next() else { return nil }
            return TimedFrame(line.makeFrame(identity), direction: line.direction, time: line.entryTime)
        }
    }
}
