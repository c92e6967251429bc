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
    let count = text.utf8.count
    guard count % 4 == 0 else { throw Base64Problem(reason: "its length is not a multiple of 4") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count / 4 * 3)
    var group: UInt32 = 0
    var digits = 0
    var padding = 0
    for character in text.utf8 {
        if character == UInt8(ascii: "=") {
            padding += 1
            group <<= 6
        } else {
            let digit = base64Digits[Int(character)]
            guard digit < 64, padding == 0 else { throw Base64Problem(reason: "a character is none of its alphabet") }
            group = group << 6 | UInt32(digit)
        }
        digits += 1
        if digits % 4 == 0 {
            guard padding <= 2, padding == 0 || digits == count else {
                throw Base64Problem(reason: "the padding is wrong")
            }
            bytes.append(UInt8(truncatingIfNeeded: group >> 16))
            if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
            if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
            group = 0
        }
    }
    return bytes
}

/// Appends `bytes` as base64.
func appendBase64(_ bytes: [UInt8], to output: inout [UInt8]) {
    output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
    var index = 0
    while index + 2 < bytes.count {
        let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
        output.append(base64Alphabet[Int(group >> 18)])
        output.append(base64Alphabet[Int(group >> 12 & 63)])
        output.append(base64Alphabet[Int(group >> 6 & 63)])
        output.append(base64Alphabet[Int(group & 63)])
        index += 3
    }
    guard index < bytes.count else { return }
    let group = UInt32(bytes[index]) << 16 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) << 8 : 0)
    output.append(base64Alphabet[Int(group >> 18)])
    output.append(base64Alphabet[Int(group >> 12 & 63)])
    output.append(index + 1 < bytes.count ? base64Alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
    output.append(UInt8(ascii: "="))
}

private let base64Alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

private let base64Digits: [UInt8] = {
    var digits = [UInt8](repeating: 255, count: 256)
    for (value, character) in base64Alphabet.enumerated() { digits[Int(character)] = UInt8(value) }
    return digits
}()
