import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct FrameInputTests {
    @Test func readsAFileToItsEnd() async throws {
        let file = try TemporaryFile((0..<5000).map { "{\"type\": \"TextFrame\", \"text\": \"\($0)\"}\n" }.joined())
        let input = try FrameInput(path: file.path)
        var texts: [String] = []
        let identity = FrameIdentity()
        while let line = try await input.next() { texts.append(line.makeFrame(identity).text ?? "") }
        #expect(texts == (0..<5000).map(String.init))
        #expect(try await input.next() == nil)
    }

    @Test func aFileThatIsNotThereIsAnError() throws {
        #expect {
            try FrameInput(path: "/nonexistent/frames.jsonl")
        } throws: {
            "\($0)"
                == "/nonexistent/frames.jsonl: this file cannot be opened: No such file or directory; give the path of a readable file, or - for standard input"
        }
    }

    @Test func aFolderIsAnError() async throws {
        let input = try FrameInput(path: "/")
        await #expect { try await input.next() } throws: { "\($0)" == "/: this file cannot be read: Is a directory" }
    }

    @Test func aLiveInputGivesEachLineAsItComes() async throws {
        let pipe = Pipe()
        let input = try FrameInput(path: "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        try pipe.fileHandleForReading.close()
        for word in ["a", "b"] {
            try pipe.fileHandleForWriting.write(
                contentsOf: Data("{\"type\": \"TextFrame\", \"text\": \"\(word)\"}\n".utf8))
            #expect(try await input.next()?.makeFrame(FrameIdentity()).text == word)
        }
        try pipe.fileHandleForWriting.close()
        #expect(try await input.next() == nil)
    }

    @Test func waitingEndsWhenCancelled() async throws {
        let pipe = Pipe()
        let input = try FrameInput(path: "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")
        let task = Task { try await input.next() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try pipe.fileHandleForWriting.close()
        try pipe.fileHandleForReading.close()
    }
}
