/// What findings call a stage and its branches.
struct StageLabel: Sendable, Hashable {
    var number: Int
    var name: String
    /// The branches' names, nil for those that have none.
    var branches: [String?]

    func branch(_ number: Int) -> String {
        guard branches.indices.contains(number), let name = branches[number] else { return "branch \(number)" }
        return "branch \(number) (\(name))"
    }
}
