import Foundation
import PipelineEngine
import Testing

@testable import WhiskerBridge

@Suite struct WhiskFileTests {
    private func read(_ path: String, order: FrameOrder? = nil) throws -> Interpreted {
        var steps: [WhiskerStep] = []
        try WhiskFile.read(path, order: order) { steps.append($0) }
        return try Interpreted(steps)
    }

    @Test(arguments: Recording.files)
    func aFileIsReadAsItsBytes(_ recording: Recording) throws {
        let read = try read(recording.path)
        let session = try Interpreted(recording.bytes)
        #expect(read.left(0) == session.left(0))
        #expect(read.definition == session.definition)
        #expect(read.findings.count == session.findings.count)
    }

    /// Both branches give the MonthFrame back, the second one first: in which order is known from the second batch on
    /// only, and the file is read twice for that.
    @Test func theOrderIsKnownFromTheFirstEventOn() throws {
        var orders: [FrameOrder?] = []
        try WhiskFile.read(Recording.named("calendar-pipeline").path) { step in
            if case .started(_, let definition) = step { orders = definition.stages.map(\.frameOrder) }
        }
        #expect(orders == [.pipeline])
    }

    @Test func aGivenOrderIsTaken() throws {
        let session = try read(Recording.named("endframe-lost").path, order: .pipeline)
        #expect(session.definition.stages.map(\.frameOrder) == [.pipeline])
    }

    @Test func aCutFileIsReadUpToTheCut() throws {
        let bytes = try Recording.named("row-1").bytes
        try withFile(Array(bytes[..<(bytes.count - 7)])) { path in
            let session = try read(path)
            #expect(session.summary?.losses.count == 1)
            #expect(session.left(0) == (try read(Recording.named("row-1").path)).left(0))
        }
    }

    /// Cut inside the snapshot, or behind it: the stages are worked out, and what leaves them is what left them.
    @Test(arguments: ["two-branches", "workers", "two-stages", "row-9"])
    func aFileWithoutItsBeginningIsReadFromTheFirstWholeRecordOn(_ name: String) throws {
        let recording = Recording.named(name)
        let (bytes, records) = (try recording.bytes, try recording.records)
        let whole = try Interpreted(bytes)
        for cut in [1, records[0].count / 2, records[0].count + 50, records[0].count + records[1].count + 1] {
            try withFile(Array(bytes[cut...])) { path in
                let session = try read(path)
                var first = 0
                for record in records where first < cut { first += record.count }
                #expect(session.summary?.missingBytes == Int64(first - cut))
                #expect(session.summary?.losses.count == 1)
                #expect(session.findings.first?.kind == .recordingIncomplete)
                #expect(session.summary?.ending == .complete)
                #expect(Set(session.definition.stages.map(\.name)) == Set(whole.definition.stages.map(\.name)))
                for stage in session.definition.stages {
                    let original = try #require(whole.definition.stages.first { $0.name == stage.name })
                    #expect(stage.branches.count == original.branches.count)
                    let left = session.left(stage.number)
                    #expect(Array(whole.left(original.number).suffix(left.count)) == left)
                    #expect(left.count > 1)
                }
            }
        }
    }

    @Test func theSessionsAfterTheFirstAreWhole() throws {
        let bytes = try Recording.named("row-1").bytes
        try withFile(bytes.dropFirst(3_000) + bytes) { path in
            var steps: [WhiskerStep] = []
            try WhiskFile.read(path) { steps.append($0) }
            let sessions = Interpreted.sessions(steps)
            #expect(sessions.map { $0.summary?.missingBytes != nil } == [true, false])
            #expect(sessions.last?.lines == (try Interpreted(bytes).lines))
        }
    }

    @Test(arguments: [[], [0x89, 0x50, 0x4e, 0x47], [0x81, 0xa4]] as [[UInt8]])
    func whatIsNoRecordingIsAnErrorThatNamesTheFile(_ bytes: [UInt8]) throws {
        try withFile(bytes) { path in
            let error = #expect(throws: WhiskerError.self) { try WhiskFile.read(path) { _ in Issue.record("told") } }
            #expect(error?.message.hasPrefix("\(path) is no recording of Whisker's: ") == true)
        }
    }

    @Test(arguments: ["/nowhere/at/all.whisk", "/"])
    func aFileThatCannotBeReadIsAnErrorThatNamesIt(_ path: String) {
        let error = #expect(throws: WhiskerError.self) { try WhiskFile.read(path) { _ in } }
        #expect(error?.code == .unreadable)
        #expect(error?.message.hasPrefix("\(path) cannot be read: ") == true, "\(error?.message ?? "")")
    }

    @Test func anErrorOfTheCallersEndsTheReading() throws {
        struct Enough: Error {}
        var count = 0
        #expect(throws: Enough.self) {
            try WhiskFile.read(Recording.named("row-1").path) { _ in
                count += 1
                if count == 3 { throw Enough() }
            }
        }
        #expect(count == 3)
    }

    private func withFile(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID()).whisk")
        try Data(Array(bytes)).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }
}
