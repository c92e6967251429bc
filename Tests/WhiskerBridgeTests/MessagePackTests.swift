import Testing

@testable import WhiskerBridge

@Suite struct MessagePackTests {
    private static func decode(_ bytes: [UInt8], _ limits: WhiskerLimits = WhiskerLimits()) throws -> MessagePackValue?
    {
        var decoder = MessagePackDecoder(limits: limits)
        decoder.feed(bytes)
        return try decoder.next()
    }

    /// From the specification's table of formats.
    @Test(
        arguments: [
            ([0x00], .integer(0)), ([0x7f], .integer(127)), ([0xe0], .integer(-32)), ([0xff], .integer(-1)),
            ([0xc0], .null), ([0xc2], .bool(false)), ([0xc3], .bool(true)),
            ([0xcc, 0xff], .integer(255)), ([0xcd, 0x01, 0x00], .integer(256)), ([0xce, 0, 1, 0, 0], .integer(65_536)),
            ([0xcf, 0, 0, 0, 1, 0, 0, 0, 0], .integer(1 << 32)),
            ([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], .large(.max)),
            ([0xd0, 0x80], .integer(-128)), ([0xd1, 0xff, 0x7f], .integer(-129)),
            ([0xd2, 0x80, 0, 0, 0], .integer(-2_147_483_648)), ([0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], .integer(.min)),
            ([0xca, 0x3f, 0xc0, 0, 0], .number(1.5)), ([0xcb, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0], .number(-1.5)),
            ([0xa0], .string("")), ([0xa2, 0xc3, 0xa9], .string("é")), ([0xd9, 1, 0x61], .string("a")),
            ([0xda, 0, 1, 0x61], .string("a")), ([0xdb, 0, 0, 0, 1, 0x61], .string("a")),
            ([0xc4, 2, 1, 2], .bytes([1, 2])), ([0xc5, 0, 1, 9], .bytes([9])), ([0xc6, 0, 0, 0, 0], .bytes([])),
            ([0xd4, 5, 1], .extended(5, [1])), ([0xd6, 0xff, 0, 0, 0, 1], .extended(-1, [0, 0, 0, 1])),
            ([0xc7, 3, 2, 1, 2, 3], .extended(2, [1, 2, 3])), ([0xc8, 0, 1, 2, 7], .extended(2, [7])),
            ([0xc9, 0, 0, 0, 1, 2, 7], .extended(2, [7])),
            ([0x92, 1, 0xc0], .array([.integer(1), .null])), ([0xdc, 0, 1, 1], .array([.integer(1)])),
            ([0xdd, 0, 0, 0, 1, 1], .array([.integer(1)])), ([0x90], .array([])),
            ([0x81, 0xa1, 0x61, 1], .map(["a": .integer(1)])), ([0xde, 0, 1, 0xa1, 0x61, 1], .map(["a": .integer(1)])),
            ([0xdf, 0, 0, 0, 1, 0xa1, 0x61, 1], .map(["a": .integer(1)])), ([0x80], .map([])),
        ] as [([UInt8], MessagePackValue)])
    func everyFormatIsRead(_ bytes: [UInt8], _ value: MessagePackValue) throws {
        #expect(try Self.decode(bytes) == value)
        for end in bytes.indices { #expect(try Self.decode(Array(bytes[..<end])) == nil, "cut at \(end)") }
    }

    @Test func whatIsWrittenIsReadBack() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2_000 {
            let value = MessagePackValue.random(depth: 4, &random)
            let bytes = MessagePackEncoder.encode(value)
            #expect(try Self.decode(bytes) == value)
        }
        for count in [31, 32, 255, 256, 65_535, 65_536] {
            for value in [
                MessagePackValue.string(String(repeating: "x", count: count)),
                .bytes(Array(repeating: 1, count: count)),
                .array(Array(repeating: .null, count: count)), .extended(1, Array(repeating: 1, count: count)),
                .map((0..<count).map { MessagePackValue.Entry(.integer(Int64($0)), .null) }),
            ] {
                #expect(try Self.decode(MessagePackEncoder.encode(value)) == value)
            }
        }
    }

    @Test func realRecordsAreWrittenAsTheyWere() throws {
        for record in try Recording.named("interruption").records {
            let value = try #require(try Self.decode(record))
            #expect(MessagePackEncoder.encode(value) == record)
        }
    }

    @Test func recordsFollowOneAnotherInAnyPieces() throws {
        var random = SeededRandom(seed: 5)
        let values = (0..<200).map { _ in MessagePackValue.random(depth: 3, &random) }
        let bytes = values.flatMap(MessagePackEncoder.encode)
        for _ in 0..<20 {
            var decoder = MessagePackDecoder()
            var read: [MessagePackValue] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...40, using: &random))
                rest = rest.dropFirst(piece.count)
                decoder.feed(piece)
                while let value = try decoder.next() { read.append(value) }
            }
            #expect(read == values)
            #expect(decoder.unfinishedBytes == 0)
            #expect(decoder.offset == Int64(bytes.count))
        }
    }

    @Test func brokenTextIsRepaired() throws {
        #expect(try Self.decode([0xa3, 0x61, 0xff, 0x62]) == .string("a\u{FFFD}b"))
    }

    @Test func whatIsNoMessagePackIsAnErrorWithItsPlace() {
        var decoder = MessagePackDecoder()
        decoder.feed([0x01, 0x92, 0x01, 0xc1])
        #expect(throws: Never.self) { try decoder.next() }
        for _ in 0..<2 {
            let error = #expect(throws: MessagePackError.self) { try decoder.next() }
            #expect(error?.offset == 3)
        }
    }

    @Test(
        arguments: [
            ([0xc6, 0x40, 0, 0, 0], "larger"), ([0xdb, 0xff, 0xff, 0xff, 0xff], "larger"),
            ([0xdd, 0xff, 0xff, 0xff, 0xff], "values"), ([0xdf, 0xff, 0xff, 0xff, 0xff], "values"),
            (Array(repeating: 0x91, count: 65), "deeper"), (Array(repeating: 0x81, count: 200), "deeper"),
        ] as [([UInt8], String)])
    func moreThanTheLimitsAllowIsAnErrorAtOnce(_ bytes: [UInt8], _ word: String) {
        let error = #expect(throws: MessagePackError.self) { try Self.decode(bytes) }
        #expect(error?.reason.contains(word) == true)
    }

    @Test func theLimitsThemselvesAreAllowed() throws {
        var limits = WhiskerLimits()
        (limits.recordBytes, limits.recordValues, limits.recordDepth) = (100, 10, 3)
        #expect(try Self.decode([0xd9, 98] + Array(repeating: 0x61, count: 98), limits) != nil)
        #expect(throws: MessagePackError.self) {
            try Self.decode([0xd9, 99] + Array(repeating: 0x61, count: 99), limits)
        }
        #expect(try Self.decode([0x99] + Array(repeating: 1, count: 9), limits) != nil)
        #expect(throws: MessagePackError.self) { try Self.decode([0x9a] + Array(repeating: 1, count: 10), limits) }
        #expect(try Self.decode([0x91, 0x91, 0x91, 0xc0], limits) != nil)
        #expect(throws: MessagePackError.self) { try Self.decode([0x91, 0x91, 0x91, 0x91, 0xc0], limits) }
    }

    /// What the fuzzer found and kept is tried again here, with the others' mutations.
    @Test func randomBytesNeverTrap() throws {
        var random = SeededRandom(seed: 11)
        var seeds = try Recording.named("stuck-barrier").records
        for _ in 0..<3_000 {
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
            for _ in 0..<Int.random(in: 1...6, using: &random) { bytes.mutate(&random) }
            var decoder = MessagePackDecoder()
            decoder.feed(bytes)
            do {
                while let value = try decoder.next() {
                    #expect(try Self.decode(MessagePackEncoder.encode(value)) == value || value.hasNaN)
                }
            } catch is MessagePackError {}
            if seeds.count < 500 { seeds.append(bytes) }
        }
    }
}
