import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct FrameLineWriterTests {
    private func line(_ frame: any Frame, _ place: FramePlace = FramePlace(time: 0, direction: .downstream)) -> String {
        var writer = FrameLineWriter()
        writer.write(frame, place: place)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func readBack(_ text: String) throws -> InputFrame {
        var reader = FrameLineReader(file: "f")
        reader.append(Array(text.utf8))
        return try #require(try reader.next())
    }

    @Test func addsItsKeys() {
        var frame = TextFrame("hello")
        frame.header = FrameHeader(id: 12)
        let place = FramePlace(stage: 0, batch: 3, position: 1, branch: 2, time: 1_250_000, direction: .upstream)
        #expect(
            line(frame, place)
                == #"{"type": "TextFrame", "frame_id": 12, "stage": 0, "batch": 3, "position": 1, "branch": 2, "#
                + #""at_ms": 1.25, "direction": "upstream", "text": "hello"}"# + "\n")
    }

    @Test func whatHasNoPlaceIsNull() {
        var frame = StartFrame()
        frame.header = FrameHeader(id: 1)
        #expect(
            line(frame)
                == #"{"type": "StartFrame", "frame_id": 1, "stage": null, "batch": null, "position": null, "#
                + #""branch": null, "at_ms": 0, "direction": "downstream"}"# + "\n")
    }

    @Test func typesOfItsOwnCarryTheirClass() throws {
        struct Alarm: Frame {
            static let frameType = FrameType("Alarm", base: .controlFrame, isInterruptible: false)
            var header = FrameHeader()
            var loud = true
        }
        let text = line(Alarm())
        #expect(text.contains(#""class": "control", "interruptible": false"#))
        let type = try readBack(text).type
        #expect(type.frameClass == .control && !type.isInterruptible)
    }

    @Test func fieldsNamedLikeKeysOfTheLineStandApart() throws {
        let frame = GenericFrame(
            .dataFrame, header: FrameHeader(id: 5), text: "t", payload: FramePayload(name: "id", bytes: [1]),
            fields: ["stage": "left", "at_ms": 3, "$fields": .null, "x": 1])
        let text = line(frame)
        #expect(
            text.hasSuffix(
                #""text": "t", "x": 1, "$fields": {"id": {"$base64": "AQ=="}, "stage": "left", "at_ms": 3, "$fields": null}}"#
                    + "\n"))
        #expect(try readBack(text).makeFrame(FrameIdentity()).hasSameContent(as: frame))
    }

    @Test func aFrameTakenByReflectionIsWrittenOnce() throws {
        struct Clip: Frame {
            static let frameType = FrameType("Clip", base: .dataFrame)
            var header = FrameHeader()
            var text: String? = "caption"
            var video: [UInt8] = [1, 2]
            var payload: FramePayload? { FramePayload(name: "video", bytes: video) }
        }
        let text = line(Clip())
        #expect(text.hasSuffix(#""text": "caption", "video": {"$base64": "AQI="}}"# + "\n"))
        #expect(throws: Never.self) { try readBack(text) }
    }

    @Test func aGivenNameSurvives() throws {
        let frame = GenericFrame(.dataFrame, header: FrameHeader(id: 5, name: "TextFrame#9"))
        #expect(try readBack(line(frame)).makeFrame(FrameIdentity()).name == "TextFrame#9")
    }

    @Test func linesOfAnOutputAreAnInputWithNewIds() throws {
        let place = FramePlace(stage: 1, batch: 2, position: 0, branch: nil, time: 5_000_000, direction: .upstream)
        let frame = GenericFrame(.dataFrame, header: FrameHeader(id: 77), fields: ["stage": 9])
        let input = try readBack(line(frame, place))
        #expect(input.released == ReleasedPlace(frameID: 77, place: place))
        #expect(input.entryTime == nil && input.direction == .upstream)
        let identity = FrameIdentity()
        let again = input.makeFrame(identity)
        #expect(again.id == 1 && again.fields == ["stage": 9])
    }

    @Test func keysOfAnOutputAreFieldsInAnyOtherLine() throws {
        let input = try readBack(#"{"type": "DataFrame", "stage": 1, "branch": "left", "frame_id": 3}"# + "\n")
        #expect(input.released == nil)
        #expect(input.makeFrame(FrameIdentity()).fields == ["stage": 1, "branch": "left", "frame_id": 3])
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func readsBackWhatItWrites(seed: UInt64) throws {
        var random = RandomValues(seed: seed)
        let types = ["DataFrame", "TextFrame", "OutputImageRawFrame", "EndFrame", "InputAudioRawFrame"]
        for _ in 0..<10 {
            var content = FrameContent(try #require(FrameType.known(types[random.below(types.count)])))
            if random.below(2) == 0 { content.text = random.text() }
            if random.below(2) == 0 { content.payload = FramePayload(name: "p\(random.text())", bytes: random.bytes()) }
            for field in random.fields().all where field.name != "text" {
                // With no payload the first field of bytes becomes it: the same frame, said in another way.
                if case .bytes = field.value, content.payload == nil { continue }
                content.fields.append(field.name, field.value)
            }
            var frame = content.makeFrame(id: 3)
            frame.header.set(pts: random.below(2) == 0 ? random.integer() : nil, metadata: random.fields())
            var writer = FrameLineWriter()
            writer.write(frame, time: 7, direction: .upstream)
            writer.write(frame, place: FramePlace(stage: 0, batch: 1, time: 7, direction: .upstream))
            var reader = FrameLineReader(file: "f")
            reader.append(writer.bytes)
            for _ in 0..<2 {
                let input = try #require(try reader.next())
                #expect(input.time == 7 && input.direction == .upstream)
                #expect(input.makeFrame(FrameIdentity()).hasSameContent(as: frame))
            }
        }
    }

    @Test func beginsAnew() {
        var writer = FrameLineWriter()
        writer.write(TextFrame("a"), direction: .downstream)
        writer.removeAll()
        #expect(writer.bytes.isEmpty)
    }
}
