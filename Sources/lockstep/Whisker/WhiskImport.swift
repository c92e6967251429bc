internal import Dispatch
internal import PipelineEngine
internal import SessionHistory
internal import Synchronization
internal import WhiskerBridge

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A `.whisk` file to be taken into a history: whole, or as much of it as can be read.
struct WhiskImport {
    let path: String
    private let order: FrameOrder?
    private let payload: PayloadMode
    /// Of the file's bytes: what tells whether the history has it already.
    private let digest: FileDigest

    /// Looks whether the file is one of Whisker's.
    ///
    /// - Throws: `WhiskerError` if it is not, or cannot be read.
    init(checking path: String, order: FrameOrder?, keeping payload: PayloadMode) throws {
        self.path = path
        self.order = order
        self.payload = payload
        struct Seen: Error {}
        do {
            // With an order given nothing has to be inferred, so that this ends at the beginning.
            try WhiskFile.read(path, order: .arrival) { step in if case .started = step { throw Seen() } }
        } catch is Seen {}
        digest = try FileDigest(of: path)
    }

    /// Takes the file's sessions in.
    ///
    /// - Parameter progress: is told the number of events so far.
    func run(into history: History, progress: (Int64) -> Void) async throws -> [WhiskerIntake.Session] {
        let digest = digest
        var intake = WhiskerIntake(
            into: history, name: path.split(separator: "/").last.map { String($0.prefix { $0 != "." }) }, source: path,
            payload: payload, uuid: { digest.uuid(session: $0) })
        let (path, order) = (path, order)
        var events: Int64 = 0
        do {
            let steps = { @Sendable (take: (WhiskerStep) throws -> Void) in
                try WhiskFile.read(path, order: order, take: take)
            }
            try await produced(steps) { step in
                try await intake.take(step)
                if case .event = step {
                    events += 1
                    progress(events)
                }
            }
        } catch {
            await intake.abandon()
            throw error
        }
        return intake.sessions
    }

    /// Whether a file is one of ours in JSON lines rather than one of Whisker's, by how it begins. A file of Whisker's that
    /// lacks its beginning may begin with anything: then its name decides, and without one whether it is text at all.
    static func isText(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var start = [UInt8](repeating: 0, count: 512)
        // As many bytes as there is room for.
        let count = start.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { return true }
        let bytes = start[..<count]
        if bytes.drop(while: isSpace).starts(with: Array("{\"".utf8)) { return true }
        if path.hasSuffix(".whisk") || path.hasSuffix(".jsonl") { return path.hasSuffix(".jsonl") }
        return bytes.allSatisfy { $0 >= 0x20 && $0 < 0x80 || isSpace($0) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// Runs `produce` on a thread of its own and gives what it takes to `consume`, in order; the thread waits while much of it is
/// waiting.
///
/// - Throws: what either of them throws; `produce` then ends at its next item.
func produced<Item: Sendable>(
    _ produce: @escaping @Sendable (_ take: (Item) throws -> Void) throws -> Void,
    _ consume: (Item) async throws -> Void
) async throws {
    let (items, input) = AsyncThrowingStream.makeStream(of: Item.self, bufferingPolicy: .unbounded)
    let room = DispatchSemaphore(value: 1_024)
    let flag = Unwanted()
    DispatchQueue(label: "lockstep.reading").async {
        do {
            try produce { item in
                room.wait()
                if flag.isSet { throw CancellationError() }
                input.yield(item)
            }
            input.finish()
        } catch { input.finish(throwing: error) }
    }
    do {
        for try await item in items {
            try await consume(item)
            room.signal()
        }
    } catch {
        flag.set()
        room.signal()
        throw error
    }
}

/// Says to another thread that nobody wants more.
private final class Unwanted: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}

/// A fingerprint of a file's bytes (FNV-1a, 128 bits): enough to know the same file again, not to keep anybody from making
/// another of the same.
struct FileDigest: Sendable {
    private var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    private static let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B

    init(of path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure("\(path): this file cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandFailure("\(path): this file cannot be read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return }
            add(buffer[..<count])
        }
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes { hash = (hash ^ UInt128(byte)) &* Self.prime }
    }

    /// A UUID of version 8 for the file's session of this index: the same for the same file, anywhere.
    func uuid(session index: Int) -> String {
        var copy = self
        copy.add(withUnsafeBytes(of: Int64(index).littleEndian) { Array($0)[...] })
        var value = copy.hash
        value = value & ~(UInt128(0xF) << 76) | UInt128(8) << 76
        value = value & ~(UInt128(0x3) << 62) | UInt128(2) << 62
        let digits = String(value, radix: 16)
        let text = String(repeating: "0", count: 32 - digits.count) + digits
        var uuid = ""
        for (place, digit) in text.enumerated() {
            if [8, 12, 16, 20].contains(place) { uuid.append("-") }
            uuid.append(digit)
        }
        return uuid
    }
}
