import PipelineEngine
import Synchronization

/// Gives every frame to a program that runs for the whole session, and pushes the frames that it answers with.
///
/// The protocol is that of frames as JSON lines, both ways:
/// 1. Each synchronized frame goes to the program as a line with its `id`, and behind it a SyncFrame line,
///    `{"type": "SyncFrame", "id": 7}`.
/// 2. The program writes its frames, as lines, and then the SyncFrame line again: now all before it is written. That ends
///    the frame; what the program does not write again does not go on.
/// 3. System frames, End and StopFrame go on by themselves. The program is told of them (system frames have no SyncFrame
///    behind them), and may write them again or not.
/// 4. At the end of the session its stdin ends.
///
/// A frame that an interruption cancels is over (C10): what the program still writes for it is dropped. A line that is no
/// frame costs an error, not the frame. When the program ends too soon, every frame from then on is an error.
final class Worker: FrameProcessor {
    let link: ProcessorLink
    private let program: LineProgram
    private let state: Mutex<WorkerState>

    init(_ call: ProgramCall, types: FrameTypes, name: String?) {
        link = ProcessorLink(name: name)
        program = LineProgram(
            name: call.name, path: call.path, arguments: call.arguments.compactMap(\.constant))
        state = Mutex(WorkerState(types: types))
    }

    func setup(_ setup: ProcessorSetup) async throws {
        try await program.start { [weak self] line in await self?.takeUnasked(line) }
    }

    func cleanup() async { await program.stop() }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        guard frame.type.frameClass.isSynchronized else {
            state.withLock { $0.remember(passed: frame.id) }
            await push(frame, direction)
            // A program that has ended is an error of the frames that it should have handled, not of these.
            return try tell(frame, direction)
        }
        let goesOn = frame.type.isKind(of: EndFrame.frameType) || frame.type.isKind(of: StopFrame.frameType)
        if goesOn { state.withLock { $0.remember(passed: frame.id) } }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await answer(to: frame, direction)) } catch { outcome = .failure(error) }
        if goesOn { await push(frame, direction) }
        try outcome.get()
    }

    /// Gives the frame to the program and pushes what it writes, up to the SyncFrame.
    private func answer(to frame: any Frame, _ direction: FrameDirection) async throws {
        if let ending = program.ending { throw ended(ending) }
        program.listen()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await listen(to: frame, direction)) } catch { outcome = .failure(error) }
        while let line = program.stopListening() { await takeUnasked(line) }
        try outcome.get()
    }

    private func listen(to frame: any Frame, _ direction: FrameDirection) async throws {
        let number = state.withLock { $0.nextSync() }
        var garbage: [String] = []
        do {
            try tell(frame, direction, syncFrame: number)
            while true {
                switch try await nextMessage() {
                case .frame(let frame): await push(frame.makeFrame(), frame.direction)
                case .stale(let frame): await drop(frame)
                case .sync(number):
                    guard let first = garbage.first else { return }
                    throw failure(garbage.count == 1 ? first : "\(first) (and \(garbage.count - 1) more such lines)")
                case .sync(let other): garbage.append("it wrote SyncFrame \(other) when \(number) was due")
                case .garbage(let problem): garbage.append(problem)
                case .nothing: break
                }
            }
        } catch is CancellationError {
            state.withLock { $0.isStale(through: number) }
            throw CancellationError()
        } catch let ending as ProgramFailure where ending == program.ending {
            throw ended(ending)
        }
    }

    /// The next line that says something.
    ///
    /// Each is one piece of external work, and what it says is pushed before the next begins: so two workers of a session
    /// with simulated time take turns the same way every time. Lines that say nothing are no work of their own, because it is a
    /// matter of luck whether they come now or came before.
    private func nextMessage() async throws -> WorkerState.Message {
        try await link.external {
            while true {
                let line = try await program.nextLine()
                let message = state.withLock { $0.take(line) }
                if case .nothing = message { continue }
                return message
            }
        }
    }

    private func tell(_ frame: any Frame, _ direction: FrameDirection, syncFrame number: Int64? = nil) throws {
        var writer = FrameLineWriter()
        writer.write(frame, direction: direction)
        var bytes = writer.bytes
        if let number { bytes += #"{"type": "SyncFrame", "id": \#(number)}"#.utf8 + [UInt8(ascii: "\n")] }
        // One that has closed its end is about to end; whoever waits for its answer is told then.
        if program.send(bytes) == .full {
            throw failure("it does not read its input; \(frame.name) was not given to it")
        }
    }

    /// A line that comes while no frame is with the program: frames go on at once.
    private func takeUnasked(_ line: LineProgram.Line) async {
        switch state.withLock({ $0.take(line) }) {
        case .frame(let frame): await push(frame.makeFrame(), frame.direction)
        case .stale(let frame): await drop(frame)
        case .sync(let number): await report("it wrote SyncFrame \(number) when none was due")
        case .garbage(let problem): await report(problem)
        case .nothing: break
        }
    }

    /// Pushes a frame as the interrupted task would have: it is dropped and recorded, unless it is uninterruptible.
    private func drop(_ frame: InputFrame) async {
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await push(frame.makeFrame(), frame.direction)
        }
        await late.value
    }

    private func report(_ problem: String) async {
        await push(ErrorFrame(error: failure(problem).description, processor: self.name), .upstream)
    }

    private func failure(_ problem: String) -> ProgramFailure {
        ProgramFailure(program: program.name, problem: problem)
    }

    private func ended(_ ending: ProgramFailure) -> ProgramFailure {
        var failure = ending
        failure.problem += ", and frames can no longer be given to it"
        return failure
    }
}

/// What a worker knows of its program's lines.
private struct WorkerState {
    /// What a line says to the worker.
    enum Message {
        case frame(InputFrame)
        case sync(Int64)
        case garbage(String)
        /// A frame made of one that was interrupted.
        case stale(InputFrame)
        /// A frame that goes on by itself, for example.
        case nothing
    }

    private var parser: FrameLineParser
    private var lastSync: Int64 = 0
    /// The last SyncFrame whose frame was interrupted, as long as the program has not written it again.
    private var stale: Int64?
    /// Ids of frames that went on by themselves, the latest ones: the program may write them again soon, or never.
    private var passed: [Int64] = []
    private var nextPassed = 0

    init(types: FrameTypes) { parser = FrameLineParser(types: types) }

    mutating func nextSync() -> Int64 {
        lastSync += 1
        return lastSync
    }

    mutating func isStale(through number: Int64) { stale = number }

    mutating func remember(passed id: Int64) {
        if passed.count < LineProgram.queueLimit { return passed.append(id) }
        passed[nextPassed] = id
        nextPassed = (nextPassed + 1) % passed.count
    }

    mutating func take(_ line: LineProgram.Line) -> Message {
        guard case .bytes(let bytes) = line else {
            return .garbage("it wrote a line longer than \(LineProgram.lineLimit) bytes")
        }
        // Programs print empty lines without meaning anything by it.
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return .nothing }
        let frame: InputFrame
        do {
            frame = try bytes.withUnsafeBufferPointer { bytes throws(JSONProblem) in try parser.parse(bytes) }
        } catch {
            let shown = printable(String(decoding: bytes.prefix(80), as: UTF8.self))
            return .garbage(
                "it wrote a line that is no frame, \(error.problem): \(shown)\(bytes.count > 80 ? "…" : "")")
        }
        if frame.type.isKind(of: SyncFrame.frameType) {
            let number = frame.id ?? lastSync
            if let last = stale, number <= last {
                if number == last { stale = nil }
                return .nothing
            }
            return .sync(number)
        }
        if let id = frame.id, passed.contains(id) { return .nothing }
        // System frames concern everybody at any time; the rest belongs to the frame that was interrupted.
        return stale != nil && frame.type.frameClass.isSynchronized ? .stale(frame) : .frame(frame)
    }
}
