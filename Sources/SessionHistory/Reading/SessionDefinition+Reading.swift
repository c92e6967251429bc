import GRDB
import PipelineEngine

extension SessionDefinition {
    /// The definition of a session, as it was recorded.
    init(of session: Int64, _ db: Database) throws {
        let known = try db.firstRow("SELECT 1 FROM session WHERE session = ?", [session]) { try $0.integer(0) }
        guard known != nil else {
            throw HistoryError(.notFound, "there is no session \(session) in this history")
        }
        self.init()
        try db.forEachRow(
            "SELECT stage, name, frame_order, parent FROM stage WHERE session = ? ORDER BY stage", [session]
        ) { row in
            guard try row.int(0) == stages.count else {
                throw WrongValue(column: "stage", expected: "the next stage's number")
            }
            stages.append(
                Stage(
                    number: try row.int(0), name: try row.text(1),
                    frameOrder: try row.optionalText(2).flatMap(FrameOrder.init(rawValue:)), branches: [],
                    parent: try row.optionalInt(3)))
            return true
        }
        try db.forEachRow(
            "SELECT stage, branch, name, processors FROM branch WHERE session = ? ORDER BY stage, branch", [session]
        ) { row in
            let stage = try row.int(0)
            guard stages.indices.contains(stage), try row.int(1) == stages[stage].branches.count else {
                throw WrongValue(column: "branch", expected: "the next branch's number")
            }
            let names = try JSONReader.array(row.utf8(3))
            stages[stage].branches.append(
                Branch(
                    number: try row.int(1), name: try row.optionalText(2),
                    processors: names.map { if case .string(let name) = $0 { name } else { "?" } }))
            return true
        }
    }
}
