/// Audio from a WAV file (RIFF): 16-bit PCM, channels interleaved.
struct WAVAudio: Equatable {
    var sampleRate: Int
    var channels: Int
    var samples: ArraySlice<UInt8>

    /// Reads the file that a program wrote to a pipe. There the sizes in the headers are often made up, because the
    /// program could not go back to fill them in: a size beyond the end, or none, means up to the end.
    init(_ bytes: [UInt8]) throws(MediaProblem) {
        guard bytes.count >= 12, bytes.has("RIFF", at: 0), bytes.has("WAVE", at: 8) else {
            throw MediaProblem("its output is no WAV file")
        }
        var format: (sampleRate: Int, channels: Int)?
        var position = 12
        while position + 8 <= bytes.count {
            let size = bytes.integer(at: position + 4, bytes: 4)
            let start = position + 8
            if bytes.has("data", at: position) {
                guard let format else { throw MediaProblem("its WAV file has data before the format") }
                let available = bytes.count - start
                let length = size == 0 || size > available ? available : size
                sampleRate = format.sampleRate
                channels = format.channels
                samples = bytes[start..<start + length]
                return
            }
            guard start + size <= bytes.count else { break }
            if bytes.has("fmt ", at: position) { format = try WAVAudio.format(bytes, at: start, size: size) }
            // Chunks begin at even places.
            position = start + size + size % 2
        }
        throw MediaProblem("its WAV file ends before the data")
    }

    private static func format(
        _ bytes: [UInt8], at start: Int, size: Int
    ) throws(MediaProblem) -> (sampleRate: Int, channels: Int) {
        guard size >= 16 else { throw MediaProblem("the format of its WAV file is cut short") }
        var code = bytes.integer(at: start, bytes: 2)
        // The extensible form says what it really is in the first bytes of an identifier.
        if code == 0xFFFE, size >= 26 { code = bytes.integer(at: start + 24, bytes: 2) }
        let channels = bytes.integer(at: start + 2, bytes: 2)
        let rate = bytes.integer(at: start + 4, bytes: 4)
        let bits = bytes.integer(at: start + 14, bytes: 2)
        guard code == 1, bits == 16, channels > 0, rate > 0 else {
            throw MediaProblem(
                "its WAV file has format \(code) with \(bits) bits, \(channels) channels and \(rate) Hz; "
                    + "16-bit PCM is understood")
        }
        return (rate, channels)
    }

    /// The audio in pieces of `nanoseconds`, the last one shorter; in one piece for nil. A piece has one sample at least.
    func pieces(of nanoseconds: Int64?) -> [ArraySlice<UInt8>] {
        guard let nanoseconds, !samples.isEmpty else { return [samples] }
        let exact = Double(sampleRate) * Double(nanoseconds) / 1_000_000_000
        // A piece longer than all the audio is all the audio.
        let samplesApiece = exact >= Double(samples.count) ? samples.count : max(1, Int(exact.rounded()))
        let length = samplesApiece * channels * 2
        return stride(from: samples.startIndex, to: samples.endIndex, by: length).map {
            samples[$0..<min($0 + length, samples.endIndex)]
        }
    }
}

/// What is wrong with what a program wrote.
struct MediaProblem: Error, Hashable {
    var problem: String

    init(_ problem: String) { self.problem = problem }
}

extension [UInt8] {
    /// Whether the ASCII `text` stands at `offset`.
    func has(_ text: String, at offset: Int) -> Bool {
        offset + text.utf8.count <= count && self[offset..<offset + text.utf8.count].elementsEqual(text.utf8)
    }

    /// A little-endian number of up to 4 bytes at `offset`, which is known to be inside.
    func integer(at offset: Int, bytes: Int) -> Int {
        (0..<bytes).reversed().reduce(0) { $0 << 8 | Int(self[offset + $1]) }
    }
}
