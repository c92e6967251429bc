internal import ArgumentParser
internal import SessionHistory

/// What is kept of the content of frames.
struct ContentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What to keep of frames: full; text: no audio, no images; hash: only sizes and hashes; none.",
            valueName: "full|text|hash|none"))
    var payload = PayloadChoice.full

    @Option(
        help: ArgumentHelp(
            "Keep texts and payloads up to this size (default 64MiB, at most 256MiB); larger ones pass, and their size and hash are kept.",
            valueName: "size"))
    var maxFrame: Size?

    func validate() throws {
        if let maxFrame, !(1...Int64(ContentLimits.maxBytes)).contains(maxFrame.bytes) {
            throw ValidationError("--max-frame has to be from 1B to 256MiB")
        }
    }

    var limits: ContentLimits {
        maxFrame.map { ContentLimits(bytes: Int(clamping: $0.bytes)) } ?? ContentLimits()
    }
}

/// A payload mode, as users name it.
enum PayloadChoice: String, CaseIterable, ExpressibleByArgument {
    case full, text, hash, none

    var mode: PayloadMode {
        switch self {
        case .full: .full
        case .text: .text
        case .hash: .hash
        case .none: .none
        }
    }
}
