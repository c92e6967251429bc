extension JSONReader {
    /// The string that begins at `position`, which is at its opening quote.
    mutating func string() throws(JSONProblem) -> String {
        let start = position + 1
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20
        {
            end += 1
        }
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            position = end + 1
            return try text(UnsafeBufferPointer(rebasing: bytes[start..<end]), at: start)
        }
        return try escapedString(from: start, plainUntil: end)
    }

    /// A string with escapes in it, put together piece by piece.
    private mutating func escapedString(from start: Int, plainUntil end: Int) throws(JSONProblem) -> String {
        var content = Array(bytes[start..<end])
        position = end
        while true {
            guard position < bytes.count else {
                throw JSONProblem(start - 1, "this string has no end", remedy: "close it with a double quote")
            }
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                // The offset is that of the string: with escapes before it, the invalid byte's own is not at hand.
                return try content.withUnsafeBufferPointer { content throws(JSONProblem) in try text(content, at: start)
                }
            case UInt8(ascii: "\\"):
                position += 1
                try appendEscape(to: &content)
            case 0..<0x20:
                throw JSONProblem(position, "a control character stands in this string", remedy: "write it as \\u00XX")
            default:
                content.append(byte)
                position += 1
            }
        }
    }

    private mutating func appendEscape(to content: inout [UInt8]) throws(JSONProblem) {
        guard position < bytes.count else { throw JSONProblem(position, "the JSON ends in an escape") }
        let escape = bytes[position]
        position += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(escape)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: Array(String(try escapedScalar()).utf8))
        default:
            throw JSONProblem(position - 2, "this is no escape that JSON has", remedy: #"write \\ for a backslash"#)
        }
    }

    /// What stands behind `\u`, with the second half of a surrogate pair.
    private mutating func escapedScalar() throws(JSONProblem) -> Unicode.Scalar {
        let start = position - 2
        let first = try hexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(UInt16(first)), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw JSONProblem(start, "half of a surrogate pair stands alone", remedy: "write both halves") }
        position += 2
        let second = try hexDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSONProblem(start, "half of a surrogate pair stands alone", remedy: "write both halves") }
        return scalar
    }

    private mutating func hexDigits() throws(JSONProblem) -> UInt32 {
        guard position + 4 <= bytes.count else { throw JSONProblem(position, "four hexadecimal digits are due here") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue, bytes[position] < 0x80 else {
                throw JSONProblem(position, "four hexadecimal digits are due here")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func text(_ content: UnsafeBufferPointer<UInt8>, at offset: Int) throws(JSONProblem) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw JSONProblem(
                offset + validUTF8Prefix(of: content), "this is not valid UTF-8",
                remedy: "save the file as UTF-8, or send bytes as {\"$base64\": …}")
        }
        return text
    }
}

/// How many bytes there are before the first that is not valid UTF-8.
private func validUTF8Prefix(of bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var length = 0
    while case .valid(let scalar) = parser.parseScalar(from: &iterator) { length += scalar.count }
    return length
}
