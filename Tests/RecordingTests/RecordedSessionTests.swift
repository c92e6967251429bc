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
            // README:
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
            // README.
        }
        let history = try History.open(at: folder + "/lockstep.sqlite")
        var texts: [String] = []
        try history.forEachEvent(of: history.session("last").session) { event in
            if event.kind == .release, let text = event.frame?.text { texts.append(text) }
            return true
        }
        #expect(texts == ["HELLO", "hello"])

        func code(_ path: String, from first: String, to last: String) throws -> [String] {
            let lines = try String(contentsOf: URL(filePath: path), encoding: .utf8).split(separator: "\n")
                .map { $0.trimmingCharacters(in: .whitespaces) }
            return Array(lines.drop { $0 != first }.dropFirst().prefix { $0 != last })
        }
        let readme = URL(filePath: #filePath).appending(path: "../../../README.md").standardizedFileURL.path
        let program = try code(#filePath, from: "// README:", to: "// README.")
        #expect(program.count > 10)
        #expect(
            try code(readme, from: "```swift", to: "```").filter { !$0.hasPrefix("import ") } == program)
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
