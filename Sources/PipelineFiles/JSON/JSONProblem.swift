/// Why a piece of JSON cannot be read, and at which byte.
struct JSONProblem: Error, Hashable {
    var offset: Int
    var problem: String
    var remedy: String?

    init(_ offset: Int, _ problem: String, remedy: String? = nil) {
        self.offset = offset
        self.problem = problem
        self.remedy = remedy
    }
}
