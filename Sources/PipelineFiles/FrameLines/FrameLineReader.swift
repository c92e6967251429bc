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
    private var lines: LineBuffer
    private var line = 0
    private var lastTime: Int64 = 0
    private var failure: FileProblem?

    /// - Parameter file: the name used in problems.
    public init(file: String, types: FrameTypes = FrameTypes(), limits: FrameLineLimits = FrameLineLimits()) {
        self.file = file
        self.limits = limits
        parser = FrameLineParser(types: types, maxDepth: limits.depth)
        lines = LineBuffer(limit: limits.lineBytes)
    }

    /// Adds the next bytes of the file, any number of them.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        if failure == nil { lines.append(bytes) }
    }

    /// Says that there are no more bytes: what is left is the last line.
    public mutating func finish() { lines.finish() }

    /// The next frame; nil when it takes more bytes, or when all is read.
    ///
    /// - Throws: the problem with a line that is no frame. The reader stays at it: every later call throws the same.
    public mutating func next() throws(FileProblem) -> InputFrame? {
        if let failure { throw failure }
        do { return try nextFrame() } catch {
            failure = error
            lines.clear()
            throw error
        }
    }

    private mutating func nextFrame() throws(FileProblem) -> InputFrame? {
        while let next = lines.next() {
            line += 1
            guard case .range(let whole) = next else {
                throw problem(
                    "this line is longer than \(limits.lineBytes) bytes",
                    remedy: "split the frame's content over several frames")
            }
            let range = trimmed(whole)
            if range.isEmpty { continue }
            let parsed: Result<InputFrame, JSONProblem> = lines.bytes.withUnsafeBufferPointer { bytes in
                let bytes = UnsafeBufferPointer(rebasing: bytes[range])
                do throws(JSONProblem) { return .success(try parser.parse(bytes, line: line)) } catch {
                    return .failure(error)
                }
            }
            switch parsed {
            case .success(let frame):
                try check(frame)
                return frame
            case .failure(let found):
                throw problem(found.problem, column: column(of: found.offset, in: range), remedy: found.remedy)
            }
        }
        return nil
    }

    private mutating func check(_ frame: InputFrame) throws(FileProblem) {
        guard let time = frame.entryTime else { return }
        guard time >= lastTime else {
            throw problem(
                "'at_ms' goes back: a frame before this one comes in later", remedy: "order the lines by 'at_ms'")
        }
        lastTime = time
    }

    /// The line without the white space at its end and without a byte order mark; empty for a blank line.
    private func trimmed(_ whole: Range<Int>) -> Range<Int> {
        var range = whole
        if line == 1, lines.bytes[range].starts(with: [0xEF, 0xBB, 0xBF]) {
            range = range.lowerBound + 3..<range.upperBound
        }
        while let last = range.last, [0x20, 0x09, 0x0D].contains(lines.bytes[last]) { range = range.lowerBound..<last }
        return range
    }

    /// Bytes to characters: the column as an editor shows it.
    private func column(of offset: Int, in range: Range<Int>) -> Int {
        lines.bytes[range].prefix(offset).count { $0 & 0xC0 != 0x80 } + 1
    }

    private func problem(_ problem: String, column: Int? = nil, remedy: String? = nil) -> FileProblem {
        FileProblem(file: file, line: line, column: column, problem: problem, remedy: remedy)
    }
}
