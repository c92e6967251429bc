import Foundation

/// Starts a program, reads what it says, and kills it at a moment of one's choice.
struct KilledProcess {
    /// The lines that it wrote in full.
    private(set) var lines: [String] = []
    /// Whether it was gone before it was killed: by its own hand, as is its right.
    private(set) var died = false

    /// - Parameters:
    ///   - trigger: how the line begins from which on time counts; nil: any output.
    ///   - delay: how long after that it is killed, in ms.
    init(_ program: String, _ arguments: [String], trigger: String?, delay: Double) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let descriptor = output.fileHandleForReading.fileDescriptor
        var bytes: [UInt8] = []
        var deadline: Double?
        var patience = Self.now + 60_000
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let limit = deadline ?? patience
            let wait = max(0, limit - Self.now)
            if wait == 0, process.isRunning { kill(process.processIdentifier, SIGKILL) }
            if wait == 0 {
                if deadline == nil { throw Broken("\(program) \(arguments): it said nothing for a minute") }
                patience = .infinity
            }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let isReady = poll(&waiting, 1, wait == 0 ? -1 : CInt(wait.rounded(.up)))
            if isReady == 0 { continue }
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            bytes.append(contentsOf: buffer[0..<count])
            if deadline == nil, trigger.map({ Self.contains(bytes, line: $0) }) ?? true {
                deadline = Self.now + delay
            }
        }
        // It has closed its output: only a dying process does.
        process.waitUntilExit()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
            throw Broken(
                "\(program) \(arguments.joined(separator: " ")) ended with \(process.terminationStatus): "
                    + String(decoding: complaint, as: UTF8.self))
        }
        died = deadline.map { Self.now < $0 } ?? true
        let text = String(decoding: bytes[..<(bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)], as: UTF8.self)
        lines = text.split(separator: "\n").map(String.init)
    }

    /// The numbers on the lines that begin with `word`.
    func numbers(_ word: String) -> [[Int64]] {
        lines.filter { $0.hasPrefix(word + " ") }.map { $0.split(separator: " ").dropFirst().compactMap { Int64($0) } }
    }

    private static func contains(_ bytes: [UInt8], line: String) -> Bool {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { $0.hasPrefix(line) }
    }

    /// In ms.
    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e6 }
}
