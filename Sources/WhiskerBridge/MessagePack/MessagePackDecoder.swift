/// Takes MessagePack records out of a stream of bytes that arrives in pieces of any size.
///
/// Holds one unfinished record and the bytes just fed, no more. Never traps, whatever the bytes are.
struct MessagePackDecoder: Sendable {
    private let limits: WhiskerLimits
    private var buffer: [UInt8] = []
    /// Where the next record begins in `buffer`.
    private var head = 0
    /// How many bytes of the stream lie before `buffer`.
    private var passed: Int64
    private var scanner: MessagePackScanner
    private var failure: MessagePackError?

    /// - Parameter offset: how many bytes of the stream come before those that will be fed.
    init(limits: WhiskerLimits = WhiskerLimits(), offset: Int64 = 0) {
        self.limits = limits
        passed = offset
        scanner = MessagePackScanner(from: 0, limits: limits)
    }

    /// Where the next record begins, in bytes from the stream's start.
    var offset: Int64 { passed + Int64(head) }

    /// How many bytes of an unfinished record are there.
    var unfinishedBytes: Int { buffer.count - head }

    mutating func feed(_ bytes: some Collection<UInt8>) {
        guard failure == nil else { return }
        if head > 0 {
            // What is left is the beginning of one record at the most.
            buffer.removeFirst(head)
            passed += Int64(head)
            scanner.move(by: -head)
            head = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next record; nil when more bytes are needed.
    ///
    /// - Throws: the same error again and again once the stream is damaged.
    mutating func next() throws(MessagePackError) -> MessagePackValue? {
        if let failure { throw failure }
        do throws(MessagePackError) {
            guard head < buffer.count, try scanner.advance(buffer) else { return nil }
            var index = head
            let value = try MessagePackDecoder.value(buffer, at: &index)
            head = scanner.position
            scanner = MessagePackScanner(from: head, limits: limits)
            return value
        } catch {
            var located = error
            located.offset += passed
            failure = located
            throw located
        }
    }

    /// Decodes the value at `index`, which the scanner has found to be whole, and moves `index` behind it.
    private static func value(
        _ bytes: [UInt8], at index: inout Int
    ) throws(MessagePackError) -> MessagePackValue {
        guard let header = try MessagePackHeader(bytes, at: index) else {
            throw MessagePackError("a value that is cut", at: index)
        }
        let payload = index + header.length
        index = payload + header.payload
        guard index <= bytes.count else { throw MessagePackError("a value that is cut", at: payload) }
        switch header.kind {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .fixed(let value): return .integer(value)
        case .unsigned:
            let value = MessagePackHeader.bigEndian(bytes, at: payload, width: header.payload)
            return Int64(exactly: value).map(MessagePackValue.integer) ?? .large(value)
        case .signed:
            let value = MessagePackHeader.bigEndian(bytes, at: payload, width: header.payload)
            let shift = 64 - 8 * header.payload
            return .integer(Int64(bitPattern: value << shift) >> shift)
        case .float:
            let bits = MessagePackHeader.bigEndian(bytes, at: payload, width: 4)
            return .number(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
        case .double:
            return .number(Double(bitPattern: MessagePackHeader.bigEndian(bytes, at: payload, width: 8)))
        case .string: return .string(String(decoding: bytes[payload..<index], as: UTF8.self))
        case .bytes: return .bytes(Array(bytes[payload..<index]))
        case .extended: return .extended(Int8(bitPattern: bytes[payload - 1]), Array(bytes[payload..<index]))
        case .array:
            var elements: [MessagePackValue] = []
            elements.reserveCapacity(min(header.children, 1_024))
            for _ in 0..<header.children { elements.append(try value(bytes, at: &index)) }
            return .array(elements)
        case .map:
            var entries: [MessagePackValue.Entry] = []
            entries.reserveCapacity(min(header.children / 2, 1_024))
            for _ in 0..<(header.children / 2) {
                let key = try value(bytes, at: &index)
                entries.append(MessagePackValue.Entry(key, try value(bytes, at: &index)))
            }
            return .map(entries)
        }
    }
}
