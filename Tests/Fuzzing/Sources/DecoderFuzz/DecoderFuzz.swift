/// Feeds the decoder anything, whole and in pieces, and holds the two against each other and against the encoder.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDecoder(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = decode([bytes[...]])
    let pieces = stride(from: 0, to: bytes.count, by: 3).map { bytes[$0..<min($0 + 3, bytes.count)] }
    precondition(decode(pieces) == whole, "what pieces decode to differs")
    for value in whole.values where !value.hasNaN {
        let again = decode([MessagePackEncoder.encode(value)[...]])
        precondition(again == Decoded(values: [value]), "what is written is not read back")
    }
    return 0
}

private struct Decoded: Equatable {
    var values: [MessagePackValue] = []
    var error: MessagePackError?

    static func == (left: Decoded, right: Decoded) -> Bool {
        left.error == right.error && left.values.count == right.values.count
            && zip(left.values, right.values).allSatisfy { $0 == $1 || $0.hasNaN && $1.hasNaN }
    }
}

private func decode(_ pieces: [ArraySlice<UInt8>]) -> Decoded {
    var limits = WhiskerLimits()
    (limits.recordBytes, limits.recordValues, limits.recordDepth) = (1 << 16, 1 << 12, 32)
    var decoder = MessagePackDecoder(limits: limits)
    var decoded = Decoded()
    for piece in pieces {
        decoder.feed(piece)
        do throws(MessagePackError) {
            while let value = try decoder.next() { decoded.values.append(value) }
        } catch {
            decoded.error = error
            return decoded
        }
    }
    return decoded
}

extension MessagePackValue {
    fileprivate var hasNaN: Bool {
        switch self {
        case .number(let value): value.isNaN
        case .array(let values): values.contains(where: \.hasNaN)
        case .map(let entries): entries.contains { $0.key.hasNaN || $0.value.hasNaN }
        default: false
        }
    }
}
