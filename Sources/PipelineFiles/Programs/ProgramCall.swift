import Foundation
import PipelineEngine

/// A program and what it is called with. There is no shell in between: each argument reaches it as it is.
struct ProgramCall: Sendable, Hashable {
    /// As the file names it.
    var name: String
    /// Where it was found.
    var path: String
    var arguments: [TextTemplate]
}

struct ExecOptions: Sendable, Hashable {
    var on: TypeFilter
    var call: ProgramCall
    var emits: FrameType
    /// In ns; nil: all audio in one frame.
    var chunk: Int64?
    /// In ns of real time.
    var timeout: Int64 = 30_000_000_000
    var pass = false
}

/// Finds programs as a shell would.
struct ProgramSearch: Sendable {
    /// The folders of `PATH`.
    var folders: [String]

    /// The folders of this process's `PATH`.
    static var environment: ProgramSearch {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return ProgramSearch(folders: path.split(separator: ":").map(String.init))
    }

    enum Outcome: Equatable {
        case found(String)
        case missing
        case notExecutable(String)
    }

    /// A name with a slash in it is a path from the current folder; any other is looked for in `folders`.
    func find(_ name: String) -> Outcome {
        let candidates = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        var notExecutable: String?
        for candidate in candidates {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder) else { continue }
            if !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate) { return .found(candidate) }
            notExecutable = notExecutable ?? candidate
        }
        return notExecutable.map(Outcome.notExecutable) ?? .missing
    }
}
