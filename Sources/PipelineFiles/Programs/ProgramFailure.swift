import PipelineEngine

/// Why a program gave no frames: names the program, how it ended, and the end of what it complained about.
struct ProgramFailure: Error, Sendable, Hashable, CustomStringConvertible {
    var program: String
    var problem: String
    /// The end of its stderr, printable.
    var complaint: String?

    var description: String {
        "\(program): \(problem)\(complaint.map { "; it said: \($0)" } ?? "")"
    }
}

/// The end of what a program wrote to its stderr.
struct ComplaintTail: Sendable {
    /// In bytes; the last lines of a message say what is wrong.
    static let limit = 1024
    private var bytes: [UInt8] = []
    private var isCut = false

    mutating func append(_ piece: [UInt8]) {
        bytes.append(contentsOf: piece)
        if bytes.count > 2 * ComplaintTail.limit {
            bytes.removeFirst(bytes.count - ComplaintTail.limit)
            isCut = true
        }
    }

    /// On one line, without control characters; nil if there is nothing to read.
    var text: String? {
        let tail = bytes.suffix(ComplaintTail.limit)
        // A cut may have gone through a character: its rest is no UTF-8.
        let start = tail.firstIndex { $0 & 0xC0 != 0x80 } ?? tail.endIndex
        let isCut = isCut || tail.count < bytes.count
        let line = printable(String(decoding: tail[start...], as: UTF8.self))
        return line.isEmpty ? nil : (isCut ? "…" : "") + line
    }
}

/// `text` on one line: white space becomes single spaces, other control characters are left out.
func printable(_ text: String) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if scalar.properties.isWhitespace {
            if !line.isEmpty, line.last != " " { line.append(" ") }
        } else if scalar.properties.generalCategory != .control, scalar.properties.generalCategory != .format {
            line.append(scalar)
        }
    }
    if line.last == " " { line.removeLast() }
    return String(line)
}
