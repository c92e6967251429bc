import Yams

/// Collects what is wrong with a file while it is read, so that a person sees everything at once.
final class ProblemList {
    let file: String
    private(set) var problems: [FileProblem] = []
    /// More than a person reads at once; what is behind them is seldom independent of them.
    private let limit = 50

    init(file: String) { self.file = file }

    func add(_ mark: Mark?, _ problem: String, remedy: String? = nil) {
        guard problems.count < limit else { return }
        problems.append(
            FileProblem(file: file, line: mark?.line, column: mark?.column, problem: problem, remedy: remedy))
    }
}
