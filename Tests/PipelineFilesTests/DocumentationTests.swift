import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

/// What `docs/FILES.md` shows works as shown.
@Suite struct DocumentationTests {
    private func blocks(_ language: String) throws -> [String] {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/FILES.md").standardized
        return try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```\(language)\n").dropFirst()
            .map { String($0.prefix(upTo: $0.range(of: "\n```")?.lowerBound ?? $0.endIndex)) }
    }

    @Test func itsFramesAreFrames() throws {
        let lines = try #require(try blocks("json").first)
        var reader = FrameLineReader(file: "FILES.md")
        reader.append(Array(lines.utf8))
        reader.finish()
        var types: [String] = []
        while let frame = try reader.next() { types.append(frame.type.name) }
        #expect(types == ["TextFrame", "OutputAudioRawFrame", "DoorBellFrame"])
    }

    @Test func itsPipelineRuns() async throws {
        let run = try await Run(try #require(try blocks("yaml").first), [text("a")])
        #expect(run.shown == ["img a", "a", "a"])
    }

    @Test func everyProcessorAndKeyIsOnThePage() throws {
        let page = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../docs/FILES.md").standardized, encoding: .utf8)
        for keyword in ProcessorKeyword.allCases { #expect(page.contains("| `\(keyword.rawValue)` |")) }
        for key in FrameKeys.reserved { #expect(page.contains("`\(key)`") || page.contains("\"\(key)\"")) }
    }

    @Test func itsWorkerWorks() async throws {
        let script = try TemporaryFile(try #require(try blocks("python").first))
        let yaml =
            "pipeline: [ { sync_parallel: { branches: [ { processors: [ { worker: { command: [python3, \(script.path)] } } ] } ] } } ]"
        let run = try await Run(
            yaml, [text("a"), #"{"type": "TTSStartedFrame"}"#, #"{"type": "UserStartedSpeakingFrame"}"#])
        #expect(run.shown.sorted() == ["A", "TTSStartedFrame", "UserStartedSpeakingFrame"])
    }
}
