internal import ArgumentParser

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Whether output is coloured.
enum ColourChoice: String, CaseIterable, ExpressibleByArgument {
    case auto, always, never
}

/// The one place through which commands speak: data to standard output, everything said about it to standard error,
/// both printable, coloured and as wide as their reader allows.
///
/// Not thread-safe: a command speaks from one place at a time.
final class Terminal {
    let output: OutputStream
    let errors: OutputStream
    private let isOutputColoured: Bool
    private let areErrorsColoured: Bool
    /// The columns that printed lines should keep to.
    let width: Int

    /// - Parameter environment: the value of an environment variable, nil if it is not set.
    init(
        colour: ColourChoice = .auto, output: OutputStream = OutputStream(descriptor: 1, name: "standard output"),
        errors: OutputStream = OutputStream(descriptor: 2, name: "standard error"),
        environment: (String) -> String? = Terminal.environmentValue
    ) {
        self.output = output
        self.errors = errors
        // https://no-color.org: set and not empty.
        let isColourUnwanted = !(environment("NO_COLOR") ?? "").isEmpty || environment("TERM") == "dumb"
        func isColoured(_ stream: OutputStream) -> Bool {
            switch colour {
            case .always: true
            case .never: false
            case .auto: stream.isTerminal && !isColourUnwanted
            }
        }
        isOutputColoured = isColoured(output)
        areErrorsColoured = isColoured(errors)
        let declared = environment("COLUMNS").flatMap(Int.init).flatMap { $0 >= 40 ? $0 : nil }
        // A file or a pipe has no width: wide enough to read, narrow enough to paste.
        width = max(40, output.columns ?? declared ?? 120)
    }

    static func environmentValue(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Prints a line of data.
    func print(_ line: StyledText = StyledText()) throws(OutputStream.Failure) {
        try output.write(line.rendered(inColour: isOutputColoured) + "\n")
    }

    func print(_ lines: [StyledText]) throws(OutputStream.Failure) {
        for line in lines { try print(line) }
    }

    func print(_ table: Table) throws(OutputStream.Failure) {
        try table.forEachLine(width: width, inColour: isOutputColoured) { line throws(OutputStream.Failure) in
            try output.write(line)
        }
    }

    /// Prints text that is data already, JSON for example, as it is.
    func printRaw(_ text: String) throws(OutputStream.Failure) { try output.write(text) }

    /// Says something about the data, to standard error, at once. What cannot be said there is not said.
    func note(_ line: StyledText) {
        try? output.flush()
        try? errors.write(line.rendered(inColour: areErrorsColoured) + "\n")
        try? errors.flush()
    }

    /// Says what went wrong; further lines of the message are indented below the first.
    func report(_ problem: String, as kind: String = "error") {
        let lines = problem.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let style: Style = kind == "error" ? [.bold, .red] : [.bold, .yellow]
            let label = index == 0 ? StyledText("\(kind): ", style) : "  "
            note(label + StyledText(line))
        }
    }

    func flush() throws(OutputStream.Failure) { try output.flush() }
}
