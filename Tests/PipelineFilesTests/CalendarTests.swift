import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

/// `samples/calendar`, with the real programs.
@Suite struct CalendarTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../samples/calendar").standardized

    private func sentences() throws -> [String] {
        try String(contentsOf: Self.folder.appendingPathComponent("sentences.jsonl"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    @Test func thereAreTwelveSentences() throws {
        var reader = FrameLineReader(file: "sentences.jsonl")
        reader.append(Array(try sentences().joined(separator: "\n").utf8))
        reader.finish()
        var texts: [String] = []
        while let line = try reader.next() { texts.append(line.makeFrame(FrameIdentity()).text ?? "") }
        #expect(texts.count == 12 && Set(texts).count == 12)
    }

    @Test(
        "C4: under pipeline the picture leaves before the voice, under arrival the quicker voice leaves first",
        arguments: FrameOrder.allCases)
    func orderIsSeen(order: FrameOrder) async throws {
        let yaml = try String(contentsOf: Self.folder.appendingPathComponent("\(order).yaml"), encoding: .utf8)
        let run = try await Run(yaml, Array(try sentences().prefix(2)), time: .real)
        #expect(run.errors == [])
        for batch in [1, 2] as [Int64] {
            let released = run.released.filter { $0.origin?.batch == batch }.map(\.frame)
            let images = released.indices.filter { released[$0].type.name == "OutputImageRawFrame" }
            let voices = released.indices.filter { released[$0].type.name == "TTSAudioRawFrame" }
            #expect(images.count == 1 && voices.count > 20)
            // The voice is fifty times quicker than the picture.
            #expect(images == (order == .pipeline ? [released.startIndex] : [released.endIndex - 1]))
        }
    }
}
