import Foundation
import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct FrameLineReaderTests {
    private func read(_ text: String, limits: FrameLineLimits = FrameLineLimits()) throws(FileProblem) -> [InputFrame] {
        try read(Array(text.utf8), limits: limits)
    }

    private func read(_ bytes: [UInt8], limits: FrameLineLimits = FrameLineLimits()) throws(FileProblem) -> [InputFrame]
    {
        var reader = FrameLineReader(file: "f", limits: limits)
        reader.append(bytes)
        reader.finish()
        var frames: [InputFrame] = []
        while let frame = try reader.next() { frames.append(frame) }
        return frames
    }

    private func problem(_ text: String) -> String? {
        do {
            _ = try read(text)
            return nil
        } catch { return error.description }
    }

    @Test func readsEveryKey() throws {
        let line =
            #"{"type": "TextFrame", "text": "hello", "at_ms": 120.5, "direction": "upstream", "id": 7, "pts": 40, "#
            + #""metadata": {"a": [1]}, "user": "x"}"#
        let input = try #require(try read(line).first)
        #expect(input.time == 120_500_000 && input.direction == .upstream && input.line == 1)
        let identity = FrameIdentity()
        let frame = input.makeFrame(identity)
        #expect(frame.type == TextFrame.frameType && frame.text == "hello" && frame.id == 7)
        #expect(frame.header.pts == 40 && frame.header.metadata == ["a": .array([1])] && frame.fields == ["user": "x"])
        #expect(identity.next() == 8)
    }

    @Test func makesTheEnginesOwnStructs() throws {
        let lines = """
            {"type": "TextFrame", "text": "a"}
            {"type": "EndFrame"}
            {"type": "InterruptionFrame"}
            {"type": "OutputAudioRawFrame", "audio": {"$base64": "AAE="}, "sample_rate": 16000, "num_channels": 1}
            {"type": "OutputImageRawFrame", "image": {"$base64": "AAE="}, "size": [3, 4], "format": "RGB"}
            {"type": "ErrorFrame", "error": "e", "processor": "p", "fatal": true}
            {"type": "SyncFrame"}
            """
        let frames = try read(lines).map { $0.makeFrame(FrameIdentity()) }
        #expect((frames[0] as? TextFrame)?.content == "a")
        #expect(frames[1] is EndFrame && frames[2] is InterruptionFrame && frames[6] is SyncFrame)
        #expect((frames[3] as? OutputAudioRawFrame)?.audio == [0, 1])
        #expect((frames[4] as? OutputImageRawFrame)?.width == 3)
        #expect((frames[5] as? ErrorFrame)?.fatal == true)
        #expect(frames.map(\.id) == Array(repeating: 1, count: 7), "each identity begins at 1")
    }

    @Test func theFirstFieldOfBytesIsThePayload() throws {
        let input = try read(#"{"type": "SpriteFrame", "a": 1, "x": {"$base64": "AA=="}, "y": {"$base64": "AQ=="}}"#)[0]
        let frame = input.makeFrame(FrameIdentity())
        #expect(frame.payload == FramePayload(name: "x", bytes: [0]))
        #expect(frame.fields == ["a": 1, "y": .bytes([1])])
    }

    @Test func typesOfItsOwnTakeAClass() throws {
        let frames = try read(
            """
            {"type": "Weather", "class": "data", "celsius": 3}
            {"type": "Weather", "text": 5}
            {"type": "Alarm", "class": "system", "interruptible": false}
            """)
        #expect(frames.map(\.type.frameClass) == [.data, .data, .system])
        #expect(frames[0].type.isKind(of: .dataFrame) && !frames[2].type.isInterruptible)
        #expect(frames[1].makeFrame(FrameIdentity()).fields == ["text": 5])
    }

    @Test func nulSurvivesInText() throws {
        #expect(try read(#"{"type": "TextFrame", "text": "a\u0000b"}"#)[0].makeFrame(FrameIdentity()).text == "a\u{0}b")
    }

    @Test func passesOverBlankLinesBOMAndCarriageReturns() throws {
        let text = "\u{FEFF}{\"type\": \"EndFrame\"}\r\n\r\n   \n\t{\"type\": \"StopFrame\"}  \r\n\n"
        #expect(try read(text).map(\.line) == [1, 4])
        #expect(try read("").isEmpty)
        #expect(try read("\n\n").isEmpty)
    }

    @Test(arguments: [
        ("{", "f:1:2: a key in double quotes is due here"),
        ("nonsense", "f:1:1: a value is due here"),
        (#"{"type": "TextFrame""#, "f:1:21: ',' or '}' is due here"),
        ("[1]", #"f:1:1: this is JSON but no object; write {"type": …}"#),
        ("5", #"f:1:1: this is JSON but no object; write {"type": …}"#),
        ("{}", #"f:1:1: this frame has no 'type'; add one, "type": "TextFrame" for example"#),
        (#"{"text": "ä", "é": 1, "text": 2}"#, "f:1:23: the key 'text' comes twice; remove one"),
        (#"{"type": 5}"#, "f:1:10: 'type' has to be a string, TextFrame for example"),
        (
            #"{"type": "TextFrane"}"#,
            "f:1:10: there is no frame type 'TextFrane'; did you mean TextFrame? Otherwise for a type of your own, add its 'class'"
        ),
        (#"{"type": "Zebra"}"#, "f:1:10: there is no frame type 'Zebra'; for a type of your own, add its 'class'"),
        (#"{"type": ""}"#, "f:1:10: the type has no name; name one, TextFrame for example"),
        (
            #"{"type": "TextFrame", "class": "system"}"#,
            "f:1:32: TextFrame is of class data, not system; leave 'class' out or use a type name of your own"
        ),
        (
            #"{"type": "EndFrame", "interruptible": true}"#,
            "f:1:39: EndFrame is not interruptible; leave 'interruptible' out or use a type name of your own"
        ),
        (#"{"type": "X", "class": "date"}"#, "f:1:24: 'class' has to be system or data or control or frame"),
        (#"{"type": "X", "class": "data", "interruptible": 1}"#, "f:1:49: 'interruptible' has to be true or false"),
        (#"{"type": "EndFrame", "direction": "sideways"}"#, "f:1:35: 'direction' has to be downstream or upstream"),
        (#"{"type": "EndFrame", "id": 0}"#, "f:1:28: 'id' has to be a positive integer"),
        (#"{"type": "EndFrame", "id": "x"}"#, "f:1:28: 'id' has to be a positive integer"),
        (#"{"type": "EndFrame", "id": 1.5}"#, "f:1:28: 'id' has to be a positive integer"),
        (#"{"type": "EndFrame", "pts": "x"}"#, "f:1:29: 'pts' has to be an integer, in ns"),
        (#"{"type": "EndFrame", "metadata": []}"#, "f:1:34: 'metadata' has to be an object"),
        (
            #"{"type": "EndFrame", "at_ms": -1}"#,
            "f:1:31: 'at_ms' has to be a number of ms from the session's start, not below 0"
        ),
        (
            #"{"type": "EndFrame", "at_ms": "5"}"#,
            "f:1:31: 'at_ms' has to be a number of ms from the session's start, not below 0"
        ),
        (
            #"{"type": "EndFrame", "at_ms": 1e300}"#,
            "f:1:31: 'at_ms' has to be a number of ms from the session's start, not below 0"
        ),
        (#"{"type": "EndFrame", "at_ms": 1e999}"#, "f:1:31: this number is too large; write it as a string"),
        (
            "{\"type\": \"EndFrame\", \"at_ms\": 5}\n{\"type\": \"EndFrame\", \"at_ms\": 4}",
            "f:2: 'at_ms' goes back: a frame before this one comes in later; order the lines by 'at_ms'"
        ),
        (
            #"{"type": "TextFrame", "text": 5}"#,
            "f:1:31: 'text' has to be a string in a TextFrame; change the value or use a type name of your own"
        ),
        (
            #"{"type": "TTSAudioRawFrame", "audio": "AAEC"}"#,
            #"f:1:39: 'audio' has to be bytes, written as {"$base64": "…"} in a TTSAudioRawFrame; change the value or use a type name of your own"#
        ),
        (
            #"{"type": "InputAudioRawFrame", "sample_rate": 0}"#,
            "f:1:47: 'sample_rate' has to be a positive integer in a InputAudioRawFrame; change the value or use a type name of your own"
        ),
        (
            #"{"type": "X", "class": "data", "b": {"$base64": "!"}}"#,
            "f:1:49: this is not base64: its length is not a multiple of 4"
        ),
        (#"{"type": "X", "class": "data", "$fields": 1}"#, "f:1:43: '$fields' has to be an object"),
        (
            #"{"type": "X", "class": "data", "$fields": {"a": 1}, "a": 2}"#,
            "f:1:32: the field 'a' comes twice; remove one"
        ),
    ])
    func saysWhatIsWrongAndWhere(text: String, expected: String) {
        #expect(problem(text) == expected)
    }

    @Test func invalidUTF8HasItsColumn() {
        let bytes = Array(#"{"type": "TextFrame", "text": "é"#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect { try read(bytes) } throws: { "\($0)".hasPrefix("f:1:33: this is not valid UTF-8") }
    }

    @Test func typeOfItsOwnCannotChangeItsClass() {
        let text = "{\"type\": \"X\", \"class\": \"data\"}\n{\"type\": \"X\", \"class\": \"control\"}"
        #expect(problem(text)?.hasPrefix("f:2:24: X is of class data, not control") == true)
    }

    @Test func givesOutTheGoodLinesBeforeTheBadOneAndStaysThere() throws {
        var reader = FrameLineReader(file: "f")
        reader.append(
            Array("{\"type\": \"EndFrame\"}\n{\"type\": \"StopFrame\"}\noops\n{\"type\": \"EndFrame\"}\n".utf8))
        #expect(try reader.next()?.type.name == "EndFrame")
        #expect(try reader.next()?.type.name == "StopFrame")
        for _ in 0..<3 { #expect(throws: FileProblem.self) { try reader.next() } }
        reader.append(Array("{\"type\": \"EndFrame\"}\n".utf8))
        #expect { try reader.next() } throws: { ($0 as? FileProblem)?.line == 3 }
    }

    @Test func readsWhatComesInAnyPieces() throws {
        let text = "\u{FEFF}{\"type\": \"TextFrame\", \"text\": \"é\u{1F600}\"}\r\n\n{\"type\": \"EndFrame\"}"
        let bytes = Array(text.utf8)
        for size in 1...bytes.count {
            var reader = FrameLineReader(file: "f")
            var lines: [Int] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                reader.append(bytes[start..<min(start + size, bytes.count)])
                while let frame = try reader.next() { lines.append(frame.line) }
            }
            reader.finish()
            while let frame = try reader.next() { lines.append(frame.line) }
            #expect(lines == [1, 3])
        }
    }

    @Test func aLineIsReadAsSoonAsItIsWhole() throws {
        var reader = FrameLineReader(file: "f")
        reader.append(Array(#"{"type": "EndFrame"}"#.utf8))
        #expect(try reader.next() == nil)
        reader.append([UInt8(ascii: "\n")])
        #expect(try reader.next() != nil)
    }

    @Test func aLineOfHundredMegabytesIsAnErrorInBoundedMemory() {
        var reader = FrameLineReader(file: "f")
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        var appended = 0
        #expect {
            for _ in 0..<100 {
                reader.append(piece)
                appended += 1
                _ = try reader.next()
            }
        } throws: { error in
            "\(error)" == "f:1: this line is longer than 100663296 bytes; split the frame's content over several frames"
        }
        #expect(appended == 97)
    }

    @Test func lengthAndDepthHaveTheirLimits() throws {
        let line = #"{"type": "EndFrame"}"#
        #expect(try read(line, limits: FrameLineLimits(lineBytes: line.utf8.count)).count == 1)
        #expect(throws: FileProblem.self) { try read(line, limits: FrameLineLimits(lineBytes: line.utf8.count - 1)) }
        let deep = #"{"type": "X", "class": "data", "a": [[]]}"#
        #expect(try read(deep, limits: FrameLineLimits(depth: 3)).count == 1)
        #expect(throws: FileProblem.self) { try read(deep, limits: FrameLineLimits(depth: 2)) }
    }

    @Test func typesOfItsOwnAreBounded() {
        let text = (0...FrameTypes.limit).map { "{\"type\": \"T\($0)\", \"class\": \"data\"}\n" }.joined()
        #expect { try read(text) } throws: { ($0 as? FileProblem)?.line == FrameTypes.limit + 1 }
    }

    @Test func largestIdLeavesIdsForOthers() throws {
        let identity = FrameIdentity()
        let frame = try read(#"{"type": "EndFrame", "id": 9223372036854775807}"#)[0].makeFrame(identity)
        #expect(frame.id == .max)
        #expect(identity.next() == 1)
    }

    @Test func neverTrapsOnDamagedLines() {
        let whole = Array(
            #"{"type": "TextFrame", "id": 3, "pts": 4, "at_ms": 12.5, "class": "data", "metadata": {"a": 1}, "text": "é"}"#
                .utf8)
        var generator = SplitMix64(state: 9)
        for _ in 0..<20_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? read(damaged)
        }
    }
}
