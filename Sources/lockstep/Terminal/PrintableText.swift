extension UnsafeBufferPointer<UInt8> {
    /// Whether it is printable ASCII, as nearly everything is: a column a byte, and nothing that a terminal acts on.
    var isPlainASCII: Bool {
        // To the end in any case: many bytes at a time.
        var others: UInt8 = 0
        for byte in self { others |= byte &- 0x20 < 0x5f ? 0 : 1 }
        return others == 0
    }
}

extension StringProtocol {
    /// As that of its bytes.
    var isPlainASCII: Bool {
        utf8.withContiguousStorageIfAvailable { $0.isPlainASCII } ?? utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    }

    /// The text with everything a terminal would act on written out (`\n`, `\x1b`, `\u{202e}`), so that what a frame or a
    /// file says can neither move the cursor, nor colour, nor reorder what is printed around it.
    var printable: String {
        if isPlainASCII { return String(self) }
        guard unicodeScalars.contains(where: \.isHarmful) else { return String(self) }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isHarmful { text += scalar.escape } else { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Controls, line and paragraph separators, and the marks that turn the direction of writing.
    fileprivate var isHarmful: Bool {
        switch value {
        case 0x20..<0x7f: false
        case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x200e, 0x200f, 0x061c, 0x202a...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    fileprivate var escape: String {
        switch self {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case "\0": return "\\0"
        default:
            let digits = String(value, radix: 16)
            return value < 0x80 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
        }
    }
}
