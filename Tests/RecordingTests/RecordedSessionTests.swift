import Foundation
import PipelineEngine
import Recording
import SessionHistory
import Testing

@Suite struct RecordedSessionTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID())").path

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    @Test("a program's own pipeline is recorded by one line")
    func recorded() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let stage = try SyncParallelPipeline([[IdentityProcessor(name: "same")], []])
        let session = try await RecordedSession.start(
            Pipeline([stage]), at: folder + "/h.sqlite", name: "mine", time: .virtual())
        try await session.send(TextFrame("hello"))
        #expect(try await session.end() == .ended)

        let history = try History.open(at: folder + "/h.sqlite")
        let summary = try history.session("mine")
        #expect(summary.state == .complete)
        #expect(summary.inbound == 2 && summary.released == 2 && summary.duplicates == 2)
        #expect(try history.definition(of: summary.session).stages[0].branches[0].processors == ["same"])
    }

    @Test("the program of README.md, word for word")
    func readme() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        await #expect(processExitsWith: .success) { [folder = folder as String] in
            // It writes into the current folder.
            try #require(FileManager.default.changeCurrentDirectoryPath(folder))
            try await programOfReadme()
        }
        let history = try History.open(at: folder + "/lockstep.sqlite")
        var texts: [String] = []
        try history.forEachEvent(of: history.session("last").session) { event in
            if event.kind == .release, let text = event.frame?.text { texts.append(text) }
            return true
        }
        #expect(texts == ["HELLO", "hello"])

        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        func lines(_ path: String) throws -> [String] {
            try String(contentsOf: folder.appending(path: path).standardizedFileURL, encoding: .utf8)
                .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let program = try lines("ProgramOfReadme.swift").filter { !$0.hasPrefix("//") }
        let readme = try lines("../../README.md").drop { $0 != "```swift" }.dropFirst().prefix { $0 != "```" }
        // All but the function's own first and last line.
        #expect(program.filter { $0 != "func programOfReadme() async throws {" }.dropLast() == Array(readme))
        #expect(readme.count > 10)
    }

    @Test("a session that cannot start is in the history as failed")
    func failing() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/h.sqlite"
        await #expect(throws: PipelineError.self) {
            _ = try await RecordedSession.start(Pipeline([Unable()]), at: path)
        }
        #expect(try History.open(at: path).session("last").state == .failed)
        await #expect(throws: HistoryError.self) {
            _ = try await RecordedSession.start(Pipeline([]), at: folder + "/none/h.sqlite")
        }
    }

    private final class Unable: FrameProcessor {
        struct NoMicrophone: Error {}
        let link = ProcessorLink()
        func setup(_ setup: ProcessorSetup) async throws { throw NoMicrophone() }
        func process(_ frame: any Frame, direction: FrameDirection) async throws {}
    }
}
