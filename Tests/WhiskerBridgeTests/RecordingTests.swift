import PipelineEngine
import Testing

@testable import WhiskerBridge

@Suite struct RecordingTests {
    @Test(arguments: RealRecording.all) func dump(_ recording: RealRecording) throws {
        let session = try Interpreted(recording.bytes)
        if recording.name.hasPrefix("cal") {
            print(recording.name, session.definition.stages.map { "\($0.name) \($0.frameOrder as Any)" }, session.events.count, session.findingLines, session.summary!)
            return }
        print(recording.name, session.definition.stages.map { "\($0.name) \(String(describing: $0.frameOrder)) \($0.branches)" })
        for line in session.lines { print("  ", line) }
        for line in session.findingLines { print("  !!", line) }
        for f in session.findings { print("  !!", f.detail) }
        print(session.summary!)
    }
}
