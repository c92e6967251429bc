import Foundation
import Testing

@testable import SessionHistory

/// docs/HISTORY.md says of each view what its columns are, in their order.
struct DocumentationTests {
    /// `| `a`, `b` | … |` → ["a", "b"], for the first table under each heading.
    private func documentedColumns() throws -> [String: [String]] {
        let page = try String(contentsOfFile: repository + "/docs/HISTORY.md", encoding: .utf8)
        var columns: [String: [String]] = [:]
        var view: String?
        var isInTable = false
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") { view = nil }
            if line.hasPrefix("### ") {
                view = String(line.dropFirst(4))
                isInTable = false
            }
            if line.hasPrefix("| column |") { isInTable = true }
            if line.isEmpty { isInTable = false }
            guard let view, isInTable, line.hasPrefix("| `") else { continue }
            let cell = line.dropFirst(2).prefix { $0 != "|" }
            let names = cell.split(separator: "`").map(String.init).filter {
                $0.allSatisfy { $0.isLetter || $0 == "_" }
            }
            columns[view, default: []] += names
        }
        return columns
    }

    @Test func everyColumnOfEveryViewIsDocumented() throws {
        let folder = try TemporaryFolder()
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let documented = try documentedColumns()
        // Parts of other views, not to be used by themselves.
        let inner: Set = ["moment", "candidate", "arrival_order", "pipeline_order", "recorded_order"]
        let views = try SQLiteShell.lines("SELECT name FROM sqlite_schema WHERE type = 'view'", on: history.path)
        #expect(Set(documented.keys) == Set(views).subtracting(inner))
        for (view, columns) in documented {
            let found = try SQLiteShell.lines("SELECT name FROM pragma_table_info('\(view)')", on: history.path)
            #expect(found == columns, "\(view)")
        }
    }
}
