/// Finds where the first whole record of Whisker's begins in bytes whose own beginning is missing.
enum FirstRecord {
    /// Every record of Whisker's is a small map whose first key is this one.
    private static let firstKey: [UInt8] = [0xa4] + Array("type".utf8)
    /// How many records have to follow one another: maps inside of a record may begin alike.
    private static let enough = 3
    /// How far to look for them.
    private static let longest = 256 << 10

    /// - Returns: nil when there is none.
    static func find(in bytes: [UInt8], limits: WhiskerLimits) -> Int? {
        guard bytes.count > firstKey.count else { return nil }
        for index in 0..<(bytes.count - firstKey.count)
        where bytes[index] & 0xf0 == 0x80 && bytes[(index + 1)...].starts(with: firstKey) {
            if begins(bytes[index...].prefix(longest), limits) { return index }
        }
        return nil
    }

    private static func begins(_ bytes: ArraySlice<UInt8>, _ limits: WhiskerLimits) -> Bool {
        var decoder = MessagePackDecoder(limits: limits)
        decoder.feed(bytes)
        do {
            for count in 0..<enough {
                guard let record = try decoder.next() else { return count > 0 }
                if case .other = try WhiskerReader.message(record, size: 0) { return false }
            }
            return true
        } catch {
            return false
        }
    }
}
