/// The key that marks bytes in JSON: `{"$base64": "…"}`.
///
/// So that every object can be written, an object whose only key is `$base64` itself is written with one more `$`.
struct Base64Key {
    /// The key without its escape; nil when it is the mark itself.
    let unescaped: String?

    /// nil for a key that has nothing to do with bytes.
    init?(_ key: String) {
        guard key.hasPrefix("$"), key.hasSuffix("$base64"), key.dropLast(7).allSatisfy({ $0 == "$" }) else {
            return nil
        }
        unescaped = key == "$base64" ? nil : String(key.dropFirst())
    }
}

struct Base64Problem: Error {
    var reason: String
}

/// The bytes that `text` stands for: standard alphabet (RFC 4648), padded, without line breaks.
func decodeBase64(_ text: String) throws(Base64Problem) -> [UInt8] {
    var text = text
    let decoded: Result<[UInt8], Base64Problem> = text.withUTF8 { text in
        guard text.count % 4 == 0 else { return .failure(Base64Problem(reason: "its length is not a multiple of 4")) }
        guard let last = text.last else { return .success([]) }
        let padding = last != pad ? 0 : text[text.count - 2] != pad ? 1 : 2
        var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3)
        // All digits are or'ed together, so that one look at the end finds a character that is none.
        var seen: UInt8 = 0
        bytes.withUnsafeMutableBufferPointer { bytes in
            base64Digits.withUnsafeBufferPointer { digits in
                for group in 0..<text.count / 4 {
                    var value: UInt32 = 0
                    for index in group * 4..<group * 4 + 4 {
                        let digit = index >= text.count - padding ? 0 : digits[Int(text[index])]
                        seen |= digit
                        value = value << 6 | UInt32(digit)
                    }
                    bytes[group * 3] = UInt8(truncatingIfNeeded: value >> 16)
                    bytes[group * 3 + 1] = UInt8(truncatingIfNeeded: value >> 8)
                    bytes[group * 3 + 2] = UInt8(truncatingIfNeeded: value)
                }
            }
        }
        guard seen < 64 else { return .failure(Base64Problem(reason: "a character is none of its alphabet")) }
        bytes.removeLast(padding)
        return .success(bytes)
    }
    return try decoded.get()
}

/// Appends `bytes` as base64.
func appendBase64(_ bytes: [UInt8], to output: inout [UInt8]) {
    let start = output.count
    output.append(contentsOf: repeatElement(pad, count: (bytes.count + 2) / 3 * 4))
    output.withUnsafeMutableBufferPointer { output in
        bytes.withUnsafeBufferPointer { bytes in
            base64Alphabet.withUnsafeBufferPointer { alphabet in
                var position = start
                var index = 0
                while index + 2 < bytes.count {
                    let value = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
                    output[position] = alphabet[Int(value >> 18)]
                    output[position + 1] = alphabet[Int(value >> 12 & 63)]
                    output[position + 2] = alphabet[Int(value >> 6 & 63)]
                    output[position + 3] = alphabet[Int(value & 63)]
                    position += 4
                    index += 3
                }
                guard index < bytes.count else { return }
                // One or two bytes are left; the padding stands there already.
                let second = index + 1 < bytes.count ? bytes[index + 1] : nil
                let value = UInt32(bytes[index]) << 16 | UInt32(second ?? 0) << 8
                output[position] = alphabet[Int(value >> 18)]
                output[position + 1] = alphabet[Int(value >> 12 & 63)]
                if second != nil { output[position + 2] = alphabet[Int(value >> 6 & 63)] }
            }
        }
    }
}

private let pad = UInt8(ascii: "=")
private let base64Alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

private let base64Digits: [UInt8] = {
    var digits = [UInt8](repeating: 255, count: 256)
    for (value, character) in base64Alphabet.enumerated() { digits[Int(character)] = UInt8(value) }
    return digits
}()
