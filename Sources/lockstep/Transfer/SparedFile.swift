#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file that a command works with, and therefore must not write its output over.
struct SparedFile {
    /// What it is, as in "the input".
    let role: String
    /// `-` is standard input.
    let path: String

    /// - Throws: `CommandFailure` if the output that is open as `descriptor` is one of `files`: the same regular file, by whatever name.
    static func check(_ files: [SparedFile], againstOutput descriptor: Int32, named name: String) throws {
        var output = stat()
        guard fstat(descriptor, &output) == 0 else { return }
        try check(files, against: output, named: name)
    }

    /// As above, for an output that will be put in the place of `path`.
    static func check(_ files: [SparedFile], againstOutput path: String) throws {
        var output = stat()
        guard stat(path, &output) == 0 else { return }
        try check(files, against: output, named: path)
    }

    private static func check(_ files: [SparedFile], against output: stat, named name: String) throws {
        // A terminal, a pipe or a device may well be both.
        guard output.st_mode & S_IFMT == S_IFREG else { return }
        for file in files {
            var other = stat()
            let isThere = file.path == "-" ? fstat(0, &other) == 0 : stat(file.path, &other) == 0
            if isThere, (other.st_dev, other.st_ino) == (output.st_dev, output.st_ino) {
                throw CommandFailure("\(name) is \(file.role); write the output to another file")
            }
        }
    }
}
