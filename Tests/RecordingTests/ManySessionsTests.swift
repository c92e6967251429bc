import Foundation
import PipelineEngine
import Recording
import SessionHistory
import Testing

/// Sessions that follow one another faster than counts are stored.
struct ManySessionsTests {
    private let folder = TestFolder()

    /// What was said of a closed session stays as it was, whatever is recorded after it.
    @Test func aClosedSessionIsNotTouchedAgain() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let long = try await SessionRecorder.start(in: history, definition: SessionDefinition())
        for _ in 0..<3 {
            let short = try await SessionRecorder.start(in: history, definition: SessionDefinition())
            for sequence in 1...20 {
                short.observe(Events.bypass(Int64(sequence)))
                try await short.flush()
            }
            try await short.close(state: .complete)
        }
        // Without a rest, until the counts of all fall due, which is once a second.
        let start = ContinuousClock.now
        var sequence: Int64 = 0
        while ContinuousClock.now - start < .milliseconds(1_200) {
            sequence += 1
            long.observe(Events.bypass(sequence))
            try await long.flush()
        }
        try await long.close(state: .complete)
        let verification = try history.verify()
        #expect(verification.isWhole, "\(verification.problems)")
    }
}
