import PipelineEngine
import Testing

@testable import PipelineFiles

@Suite struct ProgramOutputTests {
    private func type(_ name: String) throws -> FrameType { try #require(FrameType.known(name)) }

    private func bytes(_ integer: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: integer >> (8 * $0)) }
    }

    private func format(code: Int = 1, channels: Int = 1, rate: Int = 1000, bits: Int = 16, extra: [UInt8] = [])
        -> [UInt8]
    {
        bytes(code, 2) + bytes(channels, 2) + bytes(rate, 4) + bytes(rate * channels * bits / 8, 4)
            + bytes(channels * bits / 8, 2) + bytes(bits, 2) + extra
    }

    private func chunk(_ name: String, _ content: [UInt8], size: Int? = nil) -> [UInt8] {
        Array(name.utf8) + bytes(size ?? content.count, 4) + content
    }

    private func wav(_ chunks: [UInt8]...) -> [UInt8] {
        Array("RIFF".utf8) + bytes(0x7FFF_F024, 4) + Array("WAVE".utf8) + chunks.joined()
    }

    @Test(arguments: [8, 0, 0x7FFF_F000, 0xFFFF_FFFF])
    func readsWAVWithSizesThatWereNeverFilledIn(size: Int) throws {
        let samples: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        let audio = try WAVAudio(wav(chunk("fmt ", format()), chunk("data", samples, size: size)))
        #expect(audio.sampleRate == 1000 && audio.channels == 1 && Array(audio.samples) == samples)
    }

    @Test func passesOverOtherChunks() throws {
        let audio = try WAVAudio(
            wav(
                chunk("LIST", [1, 2, 3]) + [0],
                chunk("fmt ", format(code: 0xFFFE, channels: 2, extra: [22, 0, 16, 0, 3, 0, 0, 0, 1, 0])),
                chunk("data", [1, 2, 3, 4]), chunk("LIST", [9])))
        #expect(audio.channels == 2 && Array(audio.samples) == [1, 2, 3, 4])
    }

    @Test func anEmptyRecordingIsOneEmptyFrame() throws {
        let contents = try ProgramOutput.contents(
            of: wav(chunk("fmt ", format()), chunk("data", [])), as: type("TTSAudioRawFrame"), chunk: 10_000_000)
        #expect(contents.map(\.payload) == [FramePayload(name: "audio", bytes: [])])
    }

    @Test func refusesWhatIsNoWAVThatItUnderstands() throws {
        let good = chunk("fmt ", format())
        let bad: [[UInt8]] = [
            [], Array("not audio at all".utf8), wav(), wav(good), wav(chunk("data", [1, 2])),
            wav(chunk("fmt ", [1, 2]), chunk("data", [])),
            wav(chunk("fmt ", format(bits: 8)), chunk("data", [])),
            wav(chunk("fmt ", format(code: 3, bits: 32)), chunk("data", [])),
            wav(chunk("fmt ", format(channels: 0)), chunk("data", [])),
            wav(chunk("fmt ", format(rate: 0)), chunk("data", [])),
            wav(chunk("fmt ", [], size: 0xFFFF_FFFF), chunk("data", [])),
        ]
        for bytes in bad { #expect(throws: MediaProblem.self) { try WAVAudio(bytes) } }
    }

    @Test func audioIsCutIntoPiecesOfTheirTime() throws {
        let samples = (0..<100).map { UInt8($0) }
        let bytes = wav(chunk("fmt ", format(channels: 2)), chunk("data", samples))
        let contents = try ProgramOutput.contents(of: bytes, as: type("TTSAudioRawFrame"), chunk: 10_000_000)
        #expect(contents.compactMap { $0.payload?.bytes.count } == [40, 40, 20])
        #expect(contents.flatMap { $0.payload?.bytes ?? [] } == samples)
        #expect(contents.allSatisfy { $0.fields == ["sample_rate": 1000, "num_channels": 2] })
        for chunk in [1, 1_000_000_000_000, Int64.max] as [Int64] {
            let contents = try ProgramOutput.contents(of: bytes, as: type("TTSAudioRawFrame"), chunk: chunk)
            #expect(contents.flatMap { $0.payload?.bytes ?? [] } == samples)
        }
    }

    @Test func aTypeWithAStructOfTheEnginesIsThatStruct() throws {
        let bytes = wav(chunk("fmt ", format()), chunk("data", [1, 2]))
        let frame = try ProgramOutput.contents(of: bytes, as: OutputAudioRawFrame.frameType, chunk: nil)[0].makeFrame()
        #expect((frame as? OutputAudioRawFrame)?.sampleRate == 1000)
    }

    @Test func imagesSayWhatTheyAre() throws {
        let png: [UInt8] =
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + [
                0, 0, 1, 4, 0, 0, 0, 9,
            ]
        func fields(_ bytes: [UInt8]) throws -> FrameFields {
            try ProgramOutput.contents(of: bytes, as: OutputImageRawFrame.frameType, chunk: nil)[0].fields
        }
        #expect(try fields(png) == ["size": .array([260, 9]), "format": "PNG"])
        #expect(try fields(Array(png.prefix(10))) == ["format": "PNG"])
        #expect(try fields(Array("GIF89a".utf8) + [5, 0, 6, 0]) == ["size": .array([5, 6]), "format": "GIF"])
        #expect(try fields([0xFF, 0xD8, 0xFF, 0xE0]) == ["format": "JPEG"])
        #expect(try fields(Array("RIFF....WEBP".utf8)) == ["format": "WEBP"])
        #expect(try fields([1, 2, 3]) == [:])
        #expect(throws: MediaProblem.self) { try fields([]) }
    }

    @Test func textLosesOneNewline() throws {
        func texts(_ text: String) throws -> [String?] {
            try ProgramOutput.contents(of: Array(text.utf8), as: TextFrame.frameType, chunk: nil).map(\.text)
        }
        #expect(try texts("a\n") == ["a"])
        #expect(try texts("a\r\n") == ["a"])
        #expect(try texts("a\nb\n\n") == ["a\nb\n"])
        #expect(try texts("a\u{0}b") == ["a\u{0}b"])
        #expect(try texts("") == [])
        #expect(throws: MediaProblem.self) {
            try ProgramOutput.contents(of: [0x61, 0xFF], as: TextFrame.frameType, chunk: nil)
        }
    }

    @Test func neverTrapsOnDamagedFiles() {
        let whole = wav(chunk("LIST", [1, 2]), chunk("fmt ", format()), chunk("data", [1, 2, 3, 4]))
        var generator = SplitMix64(state: 3)
        for _ in 0..<5_000 {
            var damaged = whole
            for _ in 0..<3 {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            damaged.removeLast(Int.random(in: 0...8, using: &generator))
            if let audio = try? WAVAudio(damaged) { _ = audio.pieces(of: 20_000_000) }
            _ = ImageHeader(damaged)
        }
    }
}
