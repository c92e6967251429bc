import PipelineEngine

/// Reads frames from JSON lines, piece by piece, as the bytes come in.
///
///     reader.append(bytes)
///     while let line = try reader.next() { … }
///
/// Holds one line at most besides the bytes of the last `append`. Blank lines, a byte order mark at the beginning and
/// carriage returns at line ends are passed over.
public struct FrameLineReader: Sendable {
    /// The name used in problems.
    public let file: String
    public let limits: FrameLineLimits
    private var parser: FrameLineParser
    private var buffer: [UInt8] = []
    /// Where the line under way begins, and how much of the buffer is known to hold no newline.
    private var start = 0
    private var searched = 0
    private var line = 0
    private var lastTime: Int64 = 0
    private var isFinished = false
    private var failure: FileProblem?

    /// - Parameter file: the name used in problems.
    public init(file: String, types: FrameTypes = FrameTypes(), limits: FrameLineLimits = FrameLineLimits()) {
        self.file = file
        self.limits = limits
        parser = FrameLineParser(types: types, maxDepth: limits.depth)
    }

    /// Adds the next bytes of the file, any number of them.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// Says that there are no more bytes: what is left is the last line.
    public mutating func finish() { isFinished = true }

    /// The next frame; nil when it takes more bytes, or when all is read.
    ///
    /// - Throws: the problem with a line that is no frame. The reader stays at it: every later call throws the same.
    public mutating func next() throws(FileProblem) -> InputFrame? {
        if let failure { throw failure }
        do { return try nextFrame() } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
    }

    private mutating func nextFrame() throws(FileProblem) -> InputFrame? {
        while let end = nextLineEnd() {
            line += 1
            let range = trimmed(start..<end)
            start = min(end + 1, buffer.count)
            searched = start
            if range.isEmpty { continue }
            if range.count > limits.lineBytes { throw tooLong() }
            let parsed: Result<InputFrame, JSONProblem> = buffer.withUnsafeBufferPointer { bytes in
                let bytes = UnsafeBufferPointer(rebasing: bytes[range])
                do throws(JSONProblem) { return .success(try parser.parse(bytes, line: line)) } catch {
                    return .failure(error)
                }
            }
            switch parsed {
            case .success(let frame):
                try check(frame, in: range)
                return frame
            case .failure(let problem):
                throw FileProblem(
                    file: file, line: line, column: column(of: problem.offset, in: range), problem: problem.problem,
                    remedy: problem.remedy)
            }
        }
        // More than a line's worth without a newline: no need to see the rest, nor to hold it.
        if buffer.count - start > limits.lineBytes {
            line += 1
            throw tooLong()
        }
        return nil
    }

    private mutating func check(_ frame: InputFrame, in range: Range<Int>) throws(FileProblem) {
        // Lines of --output are ordered by their release, and their times say nothing about an input.
        guard let time = frame.time, frame.released == nil else { return }
        guard time >= lastTime else {
            throw FileProblem(
                file: file, line: line, problem: "'at_ms' goes back: a frame before this one comes in later",
                remedy: "order the lines by 'at_ms'")
        }
        lastTime = time
    }

    /// The index of the newline that ends the line under way, or the buffer's end when nothing follows.
    private mutating func nextLineEnd() -> Int? {
        if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) { return end }
        searched = buffer.count
        return isFinished && start < buffer.count ? buffer.count : nil
    }

    /// The line without the white space at its end and without a byte order mark; empty for a blank line.
    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var range = range
        if line == 1, buffer[range].starts(with: [0xEF, 0xBB, 0xBF]) { range = range.lowerBound + 3..<range.upperBound }
        while let last = range.last, [0x20, 0x09, 0x0D].contains(buffer[last]) { range = range.lowerBound..<last }
        return range
    }

    /// Bytes to characters: the column as an editor shows it.
    private func column(of offset: Int, in range: Range<Int>) -> Int {
        buffer[range].prefix(offset).count { $0 & 0xC0 != 0x80 } + 1
    }

    private func tooLong() -> FileProblem {
        FileProblem(
            file: file, line: line, problem: "this line is longer than \(limits.lineBytes) bytes",
            remedy: "split the frame's content over several frames")
    }
}
