import PipelineEngine
import Synchronization

/// Answers each text with a frame of its own, without waiting.
final class ImmediateAnswer: ImmediateProcessor {
    let link = ProcessorLink()

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) {
        if let text = frame as? TextFrame {
            output.push(TextFrame(text.content))
        } else {
            output.push(frame, direction)
        }
    }
}

/// Answers each text with a frame of its own, as a processor that may wait.
final class AsyncAnswer: FrameProcessor {
    let link = ProcessorLink()

    func process(_ frame: any Frame, direction: FrameDirection) async {
        if let text = frame as? TextFrame {
            await push(TextFrame(text.content))
        } else {
            await push(frame, direction)
        }
    }
}

/// Answers each text with frames that carry bytes.
final class MediaAnswer: ImmediateProcessor {
    enum Kind { case audio, image }

    let link = ProcessorLink()
    private let kind: Kind
    private let frames: Int
    private let bytes: Int
    private let pieces: [[UInt8]]

    /// - Parameters:
    ///   - frames: how many for each text.
    ///   - bytes: of each.
    init(_ kind: Kind, frames: Int, bytes: Int) {
        self.kind = kind
        self.frames = frames
        self.bytes = bytes
        // Different each, so that nothing is stored once for two.
        var noise = Noise()
        pieces = (0..<16).map { _ in noise.next(bytes) }
    }

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) {
        guard frame is TextFrame else { return output.push(frame, direction) }
        for index in 0..<frames {
            let content = pieces[index & 15]
            switch kind {
            case .audio: output.push(OutputAudioRawFrame(audio: content, sampleRate: bytes * 25))
            case .image:
                output.push(OutputImageRawFrame(image: content, width: 1024, height: bytes / 3072, format: "RGB"))
            }
        }
    }
}

/// Swallows texts: the other branch of a session of audio.
final class Silence: ImmediateProcessor {
    let link = ProcessorLink()

    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) {
        if !(frame is TextFrame) { output.push(frame, direction) }
    }
}

/// What the processors of the measured stage are.
enum ProcessorKind: String {
    case immediate, async

    func make() -> any FrameProcessor { self == .immediate ? ImmediateAnswer() : AsyncAnswer() }
}

/// A pipeline of one stage of so many branches, each of which answers a frame with one.
func answeringPipeline(branches: Int, _ kind: ProcessorKind) throws -> Pipeline {
    try Pipeline([SyncParallelPipeline((0..<branches).map { _ in [kind.make()] })])
}

/// Counts what comes out of a session.
final class ReleaseCounter: Sendable {
    private let released = Atomic(0)
    var count: Int { released.load(ordering: .relaxed) }

    func add(_ frame: ReleasedFrame) {
        if frame.origin != nil, frame.origin?.batch != 0 { released.wrappingAdd(1, ordering: .relaxed) }
    }
}

/// So many texts, each a frame that is made when it is asked for; what they say is there before, as in Pipecat's measurement.
struct Texts: Sequence, Sendable {
    private static let words = (0..<1024).map { "frame \($0)" }

    let count: Int
    private let words = Self.words

    init(count: Int) { self.count = count }

    func makeIterator() -> Iterator { Iterator(count: count, words: words) }

    struct Iterator: IteratorProtocol {
        let count: Int
        let words: [String]
        private var number = 0

        init(count: Int, words: [String]) {
            self.count = count
            self.words = words
        }

        mutating func next() -> (any Frame)? {
            if number == count { return nil }
            number += 1
            return TextFrame(words[number & 1023])
        }
    }
}
