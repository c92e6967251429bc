import Foundation
import SystemPackage
import Testing

/// Compares what a command printed with what it is known to print (Goldens/).
func expectGolden(
    _ name: String, _ text: String, in bench: Workbench, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let actual = normalised(text, bench)
    let file = URL(fileURLWithPath: Workbench.repository.appending("Tests/CommandTests/Goldens/\(name).txt").string)
    if ProcessInfo.processInfo.environment["LOCKSTEP_RECORD_GOLDENS"] == "1" {
        try Data(actual.utf8).write(to: file)
        Issue.record(
            "recorded \(name).txt anew; look at the difference, then run without the switch",
            sourceLocation: sourceLocation)
        return
    }
    let expected = String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    #expect(actual == expected, "\(name).txt", sourceLocation: sourceLocation)
}

/// Without what differs from run to run.
private func normalised(_ text: String, _ bench: Workbench) -> String {
    text
        .replacing(bench.folder.string, with: "<dir>")
        .replacing(Workbench.repository.string, with: "<repository>")
        .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "<uuid>")
        .replacing(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?( to \d\d:\d\d:\d\d)?/, with: "<time>")
        // The table of sessions has the beginning of the uuid, 8 digits between blanks.
        .replacing(#/  [0-9a-f]{8}  /#, with: "  <uuid>  ")
}
