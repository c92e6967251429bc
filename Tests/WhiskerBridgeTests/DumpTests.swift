import Foundation
import PipelineEngine
import Testing

@testable import WhiskerBridge

@Suite struct DumpTests {
    @Test func dump() throws {
        for path in (ProcessInfo.processInfo.environment["DUMP"] ?? "").split(separator: " ").map(String.init) {
            let session = try Interpreted(Array(Data(contentsOf: URL(fileURLWithPath: path))))
            print("=====", path, session.definition.stages.map { "\($0.name) \($0.frameOrder?.rawValue ?? "?") \($0.branches.map(\.processors))" })
            if ProcessInfo.processInfo.environment["BRIEF"] == nil { for line in session.lines { print("  ", line) } }
            for (line, f) in zip(session.findingLines, session.findings) { print("  !! \(f.severity)", line, "::", f.detail) }
            print("   ", session.summary!)
        }
    }
}
