import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct JSONTests {
    private func read(_ text: String) throws(JSONProblem) -> FieldValue { try read(Array(text.utf8)) }

    private func read(_ bytes: [UInt8], maxDepth: Int = JSONReader.defaultDepth) throws(JSONProblem) -> FieldValue {
        try bytes.withUnsafeBufferPointer { bytes throws(JSONProblem) in
            var reader = JSONReader(bytes, maxDepth: maxDepth)
            return try reader.wholeValue()
        }
    }

    @Test(arguments: [
        ("null", FieldValue.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
        ("-0", .integer(0)), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("1.0", .number(1)), ("1e2", .number(100)), ("-2.5E-1", .number(-0.25)), (#""""#, .string("")),
        (#""a\"\\\/\b\f\n\r\t\u00e9""#, .string("a\"\\/\u{8}\u{C}\n\r\té")),
        (#""\ud83d\ude00\u0000""#, .string("\u{1F600}\u{0}")), ("[]", .array([])),
        ("[1, [2]]", .array([1, .array([2])])),
        ("{}", .object([:])), (#"{"b": 1, "a": {"c": null}}"#, .object(["b": 1, "a": .object(["c": .null])])),
        (#"{"$base64": "AAEC"}"#, .bytes([0, 1, 2])), (#"{"$base64": ""}"#, .bytes([])),
        (#"{"$base64": "AA==", "x": 1}"#, .object(["$base64": "AA==", "x": 1])),
        (#"{"$$base64": 1}"#, .object(["$base64": 1])),
    ])
    func readsValues(text: String, value: FieldValue) throws {
        #expect(try read(text) == value)
    }

    @Test func keepsTheOrderOfKeys() throws {
        guard case .object(let fields) = try read(#"{"z": 1, "a": 2, "m": 3}"#) else {
            throw JSONProblem(0, "no object")
        }
        #expect(fields.all.map(\.name) == ["z", "a", "m"])
    }

    @Test(arguments: [
        ("", 0), ("  ", 2), ("tru", 0), ("nul", 0), ("truex", 4), ("01", 0), ("-", 1), ("1.", 2), ("1e", 2), ("1e+", 3),
        (".5", 0), ("+1", 0), ("NaN", 0), ("9223372036854775808", 0), ("1e999", 0), ("[1 2]", 3), ("[1,]", 3), ("[", 1),
        ("{", 1), (#"{"a"}"#, 4), (#"{"a":}"#, 5), (#"{"a":1,}"#, 7), ("{a:1}", 1), ("{'a':1}", 1),
        (#"{"a":1 "b":2}"#, 7),
        (#"{"a":1,"a":2}"#, 7), (#""abc"#, 0), ("\"a\nb\"", 2), (#""\x""#, 1), (#""\u12"#, 3), (#""\u12G4""#, 5),
        (#""\ud800""#, 1), (#""\ud800\u0041""#, 1), (#""\udc00""#, 1), ("1 2", 2), (#"{"$base64": 1}"#, 12),
        (#"{"$base64": "A"}"#, 12), (#"{"$base64": "A==="}"#, 12), (#"{"$base64": "AA=A"}"#, 12),
        (#"{"$base64": "A*=="}"#, 12), (#"{"$base64": "AA==AAAA"}"#, 12), ("/* c */ 1", 0),
    ])
    func saysWhereBrokenJSONBreaks(text: String, offset: Int) {
        #expect { try read(text) } throws: { ($0 as? JSONProblem)?.offset == offset }
    }

    @Test(
        arguments: [
            ([0x22, 0x61, 0xFF, 0x22], 2), ([0x22, 0xC3, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
            ([0x22, 0xC0, 0x80, 0x22], 1), ([0x22, 0x5C, 0x6E, 0x80, 0x22], 2),
        ] as [([UInt8], Int)])
    func refusesInvalidUTF8(bytes: [UInt8], offset: Int) {
        #expect { try read(bytes) } throws: {
            ($0 as? JSONProblem)?.offset == offset && ($0 as? JSONProblem)?.problem.contains("UTF-8") == true
        }
    }

    @Test func findsRepeatedKeysInLargeObjects() {
        let keys = (0..<40).map { #""k\#($0)": 1"# } + [#""k30": 2"#]
        #expect(throws: JSONProblem.self) { try read("{\(keys.joined(separator: ","))}") }
    }

    @Test func nestingIsBounded() throws {
        let deep = { (depth: Int) in
            Array(String(repeating: "[", count: depth).utf8) + Array(String(repeating: "]", count: depth).utf8)
        }
        #expect(throws: Never.self) { try read(deep(128)) }
        #expect(throws: JSONProblem.self) { try read(deep(129)) }
        #expect(throws: JSONProblem.self) { try read([UInt8](repeating: UInt8(ascii: "["), count: 5_000_000)) }
        let objects = String(repeating: #"{"a":"#, count: 1_000_000)
        #expect(throws: JSONProblem.self) { try read(objects) }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func readsBackWhatItWrites(seed: UInt64) throws {
        var random = RandomValues(seed: seed)
        for _ in 0..<20 {
            let value = random.value()
            var json = JSONWriter()
            json.write(value)
            #expect(try read(json.bytes) == value)
        }
    }

    /// Foundation reads what is written as the same JSON: nothing is peculiar to the reader here.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func writesWhatOthersRead(seed: UInt64) throws {
        var random = RandomValues(seed: seed)
        for _ in 0..<20 {
            var json = JSONWriter()
            json.write(.array([random.value()]))
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json.bytes)) }
        }
    }

    @Test func neverTrapsOnDamagedText() {
        let whole = Array(#"{"a": [1, -2.5e3, "x\u00e9\ud83d\ude00", {"$base64": "AAEC"}, true, null], "b": {}}"#.utf8)
        var generator = SplitMix64(state: 4)
        for _ in 0..<20_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                damaged.removeLast(Int.random(in: 0..<damaged.count, using: &generator))
            }
            _ = try? read(damaged)
        }
    }

    @Test(arguments: 0..<40)
    func base64IsThatOfFoundation(count: Int) throws {
        var generator = SplitMix64(state: UInt64(count))
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var text: [UInt8] = []
        appendBase64(bytes, to: &text)
        #expect(String(decoding: text, as: UTF8.self) == Data(bytes).base64EncodedString())
        #expect(try decodeBase64(String(decoding: text, as: UTF8.self)) == bytes)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "0.000001"), (1_000_000, "1"), (1_250_000, "1.25"), (120_000_000, "120"), (-1, "-0.000001"),
            (-1_500_000, "-1.5"), (Int64.max, "9223372036854.775807"),
        ] as [(Int64, String)])
    func writesTimesInMilliseconds(nanoseconds: Int64, text: String) {
        var json = JSONWriter()
        json.writeMilliseconds(nanoseconds: nanoseconds)
        #expect(String(decoding: json.bytes, as: UTF8.self) == text)
    }

    @Test func numbersWithoutAWordInJSONAreTexts() {
        var json = JSONWriter()
        json.write(.array([.number(.infinity), .number(.nan)]))
        #expect(String(decoding: json.bytes, as: UTF8.self) == #"["inf", "nan"]"#)
    }
}
