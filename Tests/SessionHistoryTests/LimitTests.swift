import PipelineEngine
import Testing

@testable import SessionHistory

/// The limits, at their edges.
struct LimitTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func history(_ limits: ContentLimits) throws -> History {
        try History.open(at: folder.file("h.sqlite"), for: .writing, options: WriterOptions(limits: limits))
    }

    private func readBack(_ frame: GenericFrame, _ limits: ContentLimits) async throws -> any Frame {
        let history = try history(limits)
        var script = SessionScript()
        script.add(.bypass, frame: frame)
        let log = try await history.record(script.events)
        return try #require(try history.allEvents(of: log.session).first?.frame)
    }

    @Test(arguments: [(1000, true), (1001, false)])
    func aPayload(_ bytes: Int, _ isKept: Bool) async throws {
        let frame = GenericFrame(
            .dataFrame, text: "kept", payload: FramePayload(name: "image", bytes: [UInt8](repeating: 7, count: bytes)))
        let read = try await readBack(frame, ContentLimits(bytes: 1000))
        #expect((read.payload != nil) == isKept)
        #expect(read.text == "kept")
        #expect(read.omission?.reason == (isKept ? nil : .truncated))
        #expect(read.omission?.payloadBytes == (isKept ? nil : 1001))
        #expect((read.omission?.digest == nil) == isKept)
    }

    @Test(arguments: [(1000, true), (1001, false)])
    func aText(_ bytes: Int, _ isKept: Bool) async throws {
        let text = String(repeating: "x", count: bytes)
        let read = try await readBack(GenericFrame(.dataFrame, text: text), ContentLimits(bytes: 1000))
        #expect(read.text == (isKept ? text : nil))
        #expect(read.omission?.textBytes == (isKept ? nil : 1001))
    }

    /// `{"a":"xx…"}` has 8 bytes besides the x.
    @Test(arguments: [(992, true), (993, false)])
    func fieldsAndMetadata(_ count: Int, _ isKept: Bool) async throws {
        let fields: FrameFields = ["a": .string(String(repeating: "x", count: count))]
        let one = try await readBack(GenericFrame(.dataFrame, fields: fields), ContentLimits(bytes: 1000))
        #expect(one.fields == (isKept ? fields : [:]) && (one.omission == nil) == isKept)
        let frame = GenericFrame(.dataFrame, header: FrameHeader(id: 5, metadata: fields))
        let other = try await readBack(frame, ContentLimits(bytes: 1000))
        #expect(other.header.metadata == (isKept ? fields : [:]) && (other.omission == nil) == isKept)
    }

    /// The object is the first level.
    @Test(arguments: [(1, true), (2, true), (3, false), (511, false)])
    func depth(_ arrays: Int, _ isKept: Bool) async throws {
        var value = FieldValue.integer(1)
        for _ in 0..<arrays { value = .array([value]) }
        let read = try await readBack(
            GenericFrame(.dataFrame, header: FrameHeader(id: 1, metadata: ["deep": value])), ContentLimits(depth: 3))
        #expect((read.header.metadata["deep"] == value) == isKept)
        #expect((read.omission == nil) == isKept)
        let deep = try await readBack(
            GenericFrame(.dataFrame, header: FrameHeader(id: 2, metadata: ["deep": value])), ContentLimits())
        #expect(deep.header.metadata["deep"] == value && deep.omission == nil)
    }

    @Test func branches() async throws {
        let history = try history(ContentLimits(branches: 3))
        try await history.record([], definition: SessionScript.definition(branches: 3))
        await #expect(throws: HistoryError.self) {
            try await history.record([], definition: SessionScript.definition(branches: 4))
        }
        #expect(try history.sessions().count == 1)
    }

    @Test func theWidestStage() async throws {
        let history = try history(ContentLimits())
        let log = try await history.record([], definition: SessionScript.definition(branches: 65_535))
        #expect(try history.definition(of: log.session).stages[0].branches.count == 65_535)
        await #expect(throws: HistoryError.self) {
            try await history.record([], definition: SessionScript.definition(branches: 65_536))
        }
    }
}
