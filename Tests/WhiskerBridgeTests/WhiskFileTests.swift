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

    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID()).whisk")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }
}
