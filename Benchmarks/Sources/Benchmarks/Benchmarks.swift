import SessionHistory

/// Measures one case in a process of its own, so that its memory is its own, and prints its figures; without arguments,
/// prints how to ask. `run.py` asks for the cases one after the other and makes the table.
@main
struct Benchmarks {
    static func main() async throws {
        var options: [String: String] = [:]
        for argument in CommandLine.arguments.dropFirst(2) {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Failure("'\(argument)' is not name=value") }
            options[parts[0]] = parts[1]
        }
        func number(_ name: String, _ fallback: Int) -> Int { options[name].flatMap(Int.init) ?? fallback }
        func path(_ name: String) throws -> String {
            guard let path = options[name] else { throw Failure("\(name)=PATH is missing") }
            return path
        }
        guard let payload = PayloadMode(rawValue: options["payload"] ?? "full") else {
            throw Failure("there is no payload mode '\(options["payload"] ?? "")'")
        }
        switch CommandLine.arguments.dropFirst().first {
        case "rate":
            try await RateCase(
                frames: number("frames", 100_000), branches: number("branches", 2),
                kind: options["processors"].flatMap(ProcessorKind.init) ?? .immediate, history: options["history"],
                payload: payload, isWrittenAhead: number("write_ahead", 0) == 1
            ).run()
        case "floor":
            try FloorCase(source: path("source"), target: path("target"), frames: number("frames", 1)).run()
        case "replay": try await ReplayCase(history: path("history"), isKept: number("kept", 1) == 1).run()
        case "diff": try DiffCase(history: path("history")).run()
        case "latency":
            try await LatencyCase(
                framesPerSecond: number("rate", 1_000), duration: number("seconds", 5), history: options["history"]
            ).run()
        case "many":
            try await ManySessionsCase(
                sessions: number("sessions", 1_000), framesPerSecond: number("rate", 50),
                duration: number("seconds", 10), history: path("history")
            ).run()
        case "audio":
            // 20 ms at 24 kHz, 16 bits: what Pipecat puts out unless told otherwise.
            try await MediaCase(
                kind: .audio, texts: number("texts", 2_000), framesPerText: 100, bytes: number("bytes", 960),
                payload: payload, history: path("history")
            ).run()
        case "stream":
            try await AudioStreamCase(
                frames: number("frames", 10_000), bytes: number("bytes", 960), isLive: number("live", 0) == 1,
                history: path("history")
            ).run()
        case "images":
            try await MediaCase(
                kind: .image, texts: number("texts", 200), framesPerText: 1, bytes: number("bytes", 1 << 20),
                payload: payload, history: path("history")
            ).run()
        case "closed":
            try await ManyClosedSessionsCase(
                sessions: number("sessions", 10_000), bytes: number("bytes", 512 << 10), history: path("history")
            ).run()
        default:
            print("usage: Benchmarks rate|floor|replay|diff|latency|many|audio|stream|images|closed [name=value …]")
        }
    }
}
