import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// The small formats inside the file.
struct FormatTests {
    private func json(_ fields: FrameFields) -> (text: String, isCut: Bool) {
        let buffer = ByteBuffer(capacity: 8)
        var writer = JSONWriter(buffer)
        let range = writer.write(fields)
        return (String(decoding: buffer.bytes(range), as: UTF8.self), writer.isCut)
    }

    @Test func jsonIsWhatOthersReadToo() throws {
        let text = json([
            "text": "a\"\\\n\u{1}é", "n": 1, "d": 0.1, "e": .number(1e300), "b": .bytes([1, 2, 3, 4]), "x": .null,
        ]).text
        #expect(text == #"{"text":"a\"\\\n\u0001é","n":1,"d":0.1,"e":1e+300,"b":{"$base64":"AQIDBA=="},"x":null}"#)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["text"] as? String == "a\"\\\n\u{1}é")
    }

    @Test(arguments: [
        "", "[]", "{", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":tru}", "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\u12\"}", "{\"a\":1-2}", "{\"a\":{\"$base64\":\"A\"}}", "{\"a\":{\"$number\":\"x\"}}",
        "{\"a\":{\"$object\":[1]}}", "\"", "{\"a\":\"",
    ])
    func brokenJSONIsRefused(_ text: String) {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.fields(text) }
    }

    @Test func otherPeoplesJSONReads() throws {
        let fields = try JSONReader.fields(
            " { \"a\" : [ 1 , -2.5e1, \"\\u00e9\\ud83c\\udf88\\/\" ] ,\n\"a2\":18446744073709551615 } ")
        #expect(fields["a"] == .array([1, .number(-25), "é🎈/"]))
        #expect(fields["a2"] == .number(18_446_744_073_709_551_616))
        // The last of two fields of one name holds.
        #expect(try JSONReader.fields("{\"a\":1,\"a\":2}") == ["a": 2])
    }

    @Test func nestingIsBoundedBothWays() throws {
        var value = FieldValue.integer(1)
        for _ in 0..<600 { value = .array([value]) }
        let written = json(["deep": value])
        #expect(written.isCut)
        _ = try JSONReader.fields(written.text)
        #expect(throws: JSONReader.Failure.self) {
            try JSONReader.fields("{\"a\":" + String(repeating: "[", count: 100_000))
        }
        var edge = FieldValue.integer(1)
        for _ in 0..<JSONReader.maxDepth - 1 { edge = .array([edge]) }
        let whole = json(["deep": edge])
        #expect(!whole.isCut)
        #expect(try JSONReader.fields(whole.text)["deep"] == edge)
    }

    @Test func randomValuesReadBack() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            let fields = FrameFields(random: &random, depth: 4)
            #expect(try JSONReader.fields(json(fields).text) == fields)
        }
    }

    /// The test vectors that xxHash publishes, and every length's way through the code.
    @Test func contentHashIsXXH64() {
        func hash(_ text: String, seed: UInt64 = 0) -> UInt64 {
            var text = text
            return text.withUTF8 { ContentHash.hash(UnsafeRawBufferPointer($0), seed: seed) }
        }
        #expect(hash("") == 0xEF46_DB37_51D8_E999)
        #expect(hash("a") == 0xD24E_C4F1_A98C_6E5B)
        #expect(hash("abc") == 0x44BC_2CF5_AD77_0999)
        #expect(hash("Nobody inspects the spammish repetition") == 0xFBCE_A83C_8A37_8BF1)
        let all = (0..<100).map { hash(String(repeating: "x", count: $0)) }
        #expect(Set(all).count == 100)
        #expect(hash("abc", seed: 1) != hash("abc"))
    }

    @Test func eventCodeKeepsEverything() {
        for kind in SessionEvent.Kind.allCases {
            for direction in FrameDirection.allCases + [nil] {
                for outcome in BatchOutcome.allCases + [nil] {
                    for (stage, branch, isLast) in [
                        (-1, -1, false), (0, 0, true), (EventCode.maxStage, EventCode.maxBranch, false),
                    ] {
                        let code = EventCode(
                            kind: kind, direction: direction, outcome: outcome, isLast: isLast, stage: stage,
                            branch: branch)
                        #expect(code.kind == kind && code.direction == direction && code.outcome == outcome)
                        #expect(code.stage == stage && code.branch == branch && code.isLast == isLast)
                    }
                }
            }
        }
    }

    @Test func theSchemaReadOffTheMigrationsIsWhatTheyMake() throws {
        for version in 1...SchemaCheck.currentVersion {
            #expect(try SchemaText.objects(version: version) == SchemaCheck.builtObjects(version))
        }
    }

    @Test func textIsCutBetweenCharacters() {
        #expect("ééé".capped(maxBytes: 6) == "ééé")
        #expect("éééé".capped(maxBytes: 6) == "é…")
        #expect("a\u{0}b".storable() == "a␀b")
    }

    @Test func timesReadBack() throws {
        let text = Timestamp.text(Date(timeIntervalSince1970: 1_700_000_000.25))
        #expect(text == "2023-11-14T22:13:20.250Z")
        #expect(Timestamp.date(text) == Date(timeIntervalSince1970: 1_700_000_000.25))
        #expect(Timestamp.date("2023-11-14T22:13:20Z") != nil)
        #expect(Timestamp.date("yesterday") == nil)
    }
}

/// Numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension FrameFields {
    init(random: inout SeededGenerator, depth: Int) {
        self.init()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let name = ["a", "b", "$base64", "$number", "$object", "é", "\u{0}"].randomElement(using: &random) ?? ""
            self[name] = FieldValue(random: &random, depth: depth)
        }
    }
}

extension FieldValue {
    init(random: inout SeededGenerator, depth: Int) {
        switch Int.random(in: 0...(depth > 0 ? 7 : 5), using: &random) {
        case 0: self = .null
        case 1: self = .bool(.random(using: &random))
        case 2: self = .integer(Int64.random(in: .min ... .max, using: &random))
        case 3:
            self = .number(
                Double(bitPattern: random.next() & ~(0x7FF << 52) | UInt64.random(in: 0..<2047, using: &random) << 52))
        case 4:
            self = .string(
                String((0..<3).map { _ in Character(UnicodeScalar(UInt8.random(in: 0...127, using: &random))) }))
        case 5:
            self = .bytes(
                (0..<Int.random(in: 0...5, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        case 6:
            self = .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in FieldValue(random: &random, depth: depth - 1) })
        default: self = .object(FrameFields(random: &random, depth: depth - 1))
        }
    }
}
