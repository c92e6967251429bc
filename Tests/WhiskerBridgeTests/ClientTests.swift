import Foundation
import NIOCore
import NIOWebSocket
import PipelineEngine
import Synchronization
import Testing

@testable import WhiskerBridge

/// The live client against servers that behave, and servers that do not.
@Suite struct ClientTests {
    private static func options(_ change: (inout WhiskerClient.Options) -> Void = { _ in }) -> WhiskerClient.Options {
        var options = WhiskerClient.Options()
        options.reconnectWindow = .zero
        // A machine that has much to do is no finding.
        (options.greetingTimeout, options.silenceTimeout) = (.seconds(60), .seconds(60))
        change(&options)
        return options
    }

    /// Records from `address` until the client returns or throws.
    ///
    /// - Parameter begun: is told when the first event is there.
    private static func record(
        _ address: String, _ options: WhiskerClient.Options = options(), clock: LiveClock = .real,
        begun: () -> Void = {}
    ) async throws -> (sessions: [Interpreted], error: WhiskerError?) {
        var steps: [WhiskerStep] = []
        var failure: WhiskerError?
        do {
            try await WhiskerClient(address, options, clock: clock).run {
                steps.append($0)
                if case .event = $0 { begun() }
            }
        } catch let error as WhiskerError {
            failure = error
        }
        return (Interpreted.sessions(steps), failure)
    }

    private static func record(
        _ peer: Peer, _ options: WhiskerClient.Options = options()
    ) async throws -> (sessions: [Interpreted], error: WhiskerError?) {
        let recorded = try await record("ws://127.0.0.1:\(peer.port)", options)
        try await peer.stop()
        return recorded
    }

    private static func head(_ count: Int) throws -> [UInt8] {
        try Recording.named("row-1").records[..<count].flatMap { $0 }
    }

    // MARK: - Servers that behave

    @Test func aSessionIsRecordedInFramesOfAnySize() async throws {
        let bytes = try Recording.named("row-10").bytes
        let peer = try await Peer.start { peer in
            var random = SeededRandom(seed: 31)
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 0...3_000, using: &random)))
                rest = rest.dropFirst(piece.count)
                try await peer.send(piece)
            }
            try await peer.send([1, 2], opcode: .ping)
            try await peer.bye()
            try await peer.untilClosed()
        }
        let (sessions, error) = try await Self.record(peer)
        #expect(error == nil)
        #expect(sessions.count == 1)
        #expect(sessions.first?.lines == (try Interpreted(bytes).lines))
        #expect(sessions.first?.summary?.ending == .complete)
    }

    @Test func fragmentsAreOneMessage() async throws {
        let bytes = try Recording.named("row-1").bytes
        let peer = try await Peer.start { peer in
            try await peer.send(Array(bytes[..<100]), fin: false)
            try await peer.send([], opcode: .pong)
            try await peer.send(Array(bytes[100..<200]), opcode: .continuation, fin: false)
            try await peer.send(Array(bytes[200...]), opcode: .continuation)
            try await peer.bye(.goingAway)
            try await peer.untilClosed()
        }
        let (sessions, error) = try await Self.record(peer)
        #expect(error == nil)
        #expect(sessions.first?.lines == (try Interpreted(bytes).lines))
    }

    @Test func theSnapshotMayComeInOnePacketWithTheHandshake() async throws {
        let peer = try await Peer.start(joinsHandshake: true) { peer in
            try await peer.send(Self.head(60))
            try await peer.bye()
            try await peer.untilClosed()
        }
        let (sessions, error) = try await Self.record(peer)
        #expect(error == nil)
        #expect(sessions.first?.lines == (try Interpreted(Self.head(60)).lines))
    }

    @Test func theDurationEndsARecordingCleanly() async throws {
        let peer = try await Peer.start { peer in
            try await peer.send(Self.head(60))
            try await peer.untilClosed()
        }
        let clock = TestClock()
        let client = try WhiskerClient(
            "ws://127.0.0.1:\(peer.port)", Self.options { $0.duration = .seconds(60) }, clock: clock.live)
        var steps: [WhiskerStep] = []
        try await client.run {
            steps.append($0)
            if steps.count == 5 { clock.advance(by: .seconds(60)) }
        }
        try await peer.stop()
        let session = try Interpreted(steps)
        #expect(session.summary?.ending == .stopped)
        #expect(session.summary?.losses == [])
    }

    @Test func aCancelledTaskEndsItsSessionFirst() async throws {
        let peer = try await Peer.start { peer in
            try await peer.send(Self.head(60))
            try await peer.untilClosed()
        }
        let recording = Task {
            var steps: [WhiskerStep] = []
            try await WhiskerClient("ws://127.0.0.1:\(peer.port)", Self.options()).run {
                steps.append($0)
                if steps.count == 5 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            return steps
        }
        let session = try await Interpreted(recording.value)
        #expect(session.summary?.ending == .stopped)
        try await peer.stop()
    }

    @Test(.timeLimit(.minutes(1))) func cancellingEndsTheWaitForAServer() async throws {
        let client = try WhiskerClient("ws://127.0.0.1:9", Self.options { $0.waits = true })
        let waiting = Task {
            try await client.run(notice: { _ in withUnsafeCurrentTask { $0?.cancel() } }, take: { _ in })
        }
        try await waiting.value
    }

    @Test(.timeLimit(.minutes(1))) func aServerThatIsNotThereYetIsWaitedFor() async throws {
        let place = try await Peer.start { _ in }
        let port = place.port
        try await place.stop()
        let bytes = try Self.head(60)
        let started = Mutex<Peer?>(nil)
        let peers = AsyncStream<Void>.makeStream()
        let starting = Task {
            for await _ in peers.stream {
                let peer = try await Peer.start(
                    port: port,
                    { peer in
                        try await peer.send(bytes)
                        try await peer.bye()
                        try await peer.untilClosed()
                    },
                    // The bot's next life.
                    { peer in
                        try await peer.send(bytes)
                        try await peer.untilClosed()
                    })
                started.withLock { $0 = peer }
                return
            }
        }
        let client = try WhiskerClient(
            "ws://127.0.0.1:\(port)", Self.options { $0.waits = true }, clock: TestClock.impatient)
        let recording = Task {
            var steps: [WhiskerStep] = []
            var notices: [String] = []
            try await client.run(
                notice: {
                    notices.append($0)
                    peers.continuation.yield()
                },
                take: { step in
                    steps.append(step)
                    // In the second life.
                    if steps.count(where: { if case .started = $0 { true } else { false } }) == 2 {
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                })
            return (steps, notices)
        }
        let (steps, notices) = try await recording.value
        try await starting.value
        let sessions = Interpreted.sessions(steps)
        #expect(sessions.map(\.summary?.ending) == [.complete, .stopped])
        #expect(notices.first?.hasSuffix("; waiting for it") == true, "\(notices)")
        #expect(notices.contains { $0.contains("has ended; waiting for the next") })
        try await started.withLock { $0 }?.stop()
    }

    @Test(.timeLimit(.minutes(1))) func aBotThatVanishesIsComeBackTo() async throws {
        let bytes = try Self.head(60)
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let peer = try await Peer.start(
            { peer in
                try await peer.send(bytes)
                for await _ in begun {}
            },
            { peer in
                try await peer.send(bytes)
                try await peer.bye()
                try await peer.untilClosed()
            })
        let (sessions, error) = try await Self.record(
            "ws://127.0.0.1:\(peer.port)", Self.options { $0.reconnectWindow = .seconds(30) }, begun: { begin.finish() }
        )
        try await peer.stop()
        #expect(error == nil)
        #expect(sessions.count == 2, "a session each")
        guard case .lost(let loss) = sessions.first?.summary?.ending else {
            Issue.record("the first was not lost")
            return
        }
        #expect(loss.code == .gone)
        #expect(sessions[0].defects.contains { $0.kind == .recordingIncomplete })
        #expect(sessions[0].summary?.losses == [loss.message])
        #expect(sessions[1].summary?.ending == .complete)
        #expect(sessions[0].lines == sessions[1].lines)
    }

    @Test func aBotThatVanishesForGoodHasEnded() async throws {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let peer = try await Peer.start { peer in
            try await peer.send(Self.head(60))
            for await _ in begun {}
            try await peer.channel.parent?.close()
        }
        let (sessions, error) = try await Self.record("ws://127.0.0.1:\(peer.port)", begun: { begin.finish() })
        #expect(error == nil)
        #expect(sessions.count == 1)
    }

    /// Waits of 0.1, 0.2, 0.4, 0.8, 1.6 and 3.2 s; the seventh connection is lost when the 5 s are over.
    @Test(.timeLimit(.minutes(1))) func aBotThatComesBackOnlyToVanishAgainIsGivenUp() async throws {
        let peer = try await Peer.start { peer in
            try await peer.send(Self.head(60))
            try await peer.bye(.unexpectedServerError)
            try await peer.untilClosed()
        }
        let (sessions, error) = try await Self.record(
            "ws://127.0.0.1:\(peer.port)", Self.options { $0.reconnectWindow = .seconds(5) }, clock: TestClock.hurried)
        try await peer.stop()
        #expect(error == nil)
        #expect(sessions.count == 7)
        #expect(sessions.allSatisfy { if case .lost = $0.summary?.ending { true } else { false } })
    }

    @Test func whatTheTakerThrowsComesOut() async throws {
        struct Enough: Error {}
        let peer = try await Peer.start { peer in
            try await peer.send(Self.head(60))
            try await peer.untilClosed()
        }
        await #expect(throws: Enough.self) {
            try await WhiskerClient("ws://127.0.0.1:\(peer.port)", Self.options()).run { _ in throw Enough() }
        }
        try await peer.stop()
    }

    @Test(arguments: [
        "http://localhost:9090", "localhost:9090", "ws://", "ws://host:99999", "ws://user@host:1", "", "ws://host:x",
    ])
    func anAddressThatIsNoneIsRefused(_ address: String) {
        let error = #expect(throws: WhiskerError.self) { try WhiskerClient(address) }
        #expect(error?.code == .badAddress)
        #expect(error?.message.contains("ws://HOST:PORT") == true)
    }

    @Test(arguments: [
        ("ws://localhost", "ws://localhost:9090", "/"), ("wss://bot.example:1/x?y=1", "wss://bot.example:1", "/x?y=1"),
        ("ws://[::1]:2", "ws://[::1]:2", "/"), ("WS://Host:3/", "ws://Host:3", "/"),
    ])
    func anAddressIsUnderstood(_ text: String, _ description: String, _ path: String) throws {
        let address = try WhiskerAddress(text)
        #expect(address.description == description)
        #expect(address.path == path)
    }

    // MARK: - Servers that do not

    @Test(arguments: Misbehaviour.all)
    func misbehaviourIsAClearError(_ misbehaviour: Misbehaviour) async throws {
        let peer = try await Peer.start(upgrades: misbehaviour.upgrades, misbehaviour.act)
        let (sessions, error) = try await Self.record(
            peer,
            Self.options {
                $0.greetingTimeout =
                    misbehaviour.isSilent && !misbehaviour.isAfterHead ? .milliseconds(300) : .seconds(60)
                $0.silenceTimeout = misbehaviour.isSilent ? .milliseconds(300) : .seconds(60)
            })
        if misbehaviour.isLoss {
            #expect(error == nil)
        } else {
            #expect(error?.code == misbehaviour.code, "\(error?.message ?? "none")")
            #expect(error?.message.contains("127.0.0.1:\(peer.port)") == true)
        }
        #expect(sessions.count == (misbehaviour.isAfterHead ? 1 : 0))
        guard let session = sessions.first else { return }
        #expect(session.lines == (try Interpreted(Self.head(60)).lines), "what came before is kept")
        #expect(session.defects.contains { $0.kind == .recordingIncomplete })
        switch session.summary?.ending {
        case .damaged: #expect(!misbehaviour.isLoss)
        case .lost(let loss):
            #expect(misbehaviour.isLoss)
            #expect(loss.code == misbehaviour.code)
        default: Issue.record("it ended \(String(describing: session.summary?.ending))")
        }
    }

    struct Misbehaviour: Sendable, CustomTestStringConvertible {
        var name: String
        var code: WhiskerError.Code
        var upgrades = true
        var isSilent = false
        var isAfterHead = false
        /// Whether the session just ends as lost.
        var isLoss = false
        var act: Peer.Act
        var testDescription: String { name }

        static let all = before + after

        private static let before = [
            Misbehaviour(name: "garbage in place of HTTP", code: .refused, upgrades: false) {
                try await $0.raw(Array("SSH-2.0-OpenSSH_9.2\r\n\r\n".utf8))
                try await $0.untilClosed()
            },
            Misbehaviour(name: "a web page", code: .refused, upgrades: false) {
                try await $0.raw(Array("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno".utf8))
                try await $0.untilClosed()
            },
            Misbehaviour(name: "endless headers", code: .refused, upgrades: false) { peer in
                try await peer.raw(Array("HTTP/1.1 101 Switching Protocols\r\n".utf8))
                while true { try await peer.raw(Array("X-Filler: \(String(repeating: "x", count: 4_000))\r\n".utf8)) }
            },
            Misbehaviour(name: "closing at once", code: .refused, upgrades: false) { _ in },
            Misbehaviour(name: "silence before the handshake", code: .gone, upgrades: false, isSilent: true) {
                try await $0.untilClosed()
            },
            Misbehaviour(name: "silence after the handshake", code: .gone, isSilent: true) {
                try await $0.untilClosed()
            },
            Misbehaviour(name: "closing before the snapshot", code: .gone) {
                try await $0.bye()
                try await $0.untilClosed()
            },
            Misbehaviour(name: "text", code: .notWhisker) {
                try await $0.send(Array("{\"type\": \"snapshot\"}".utf8), opcode: .text)
                try await $0.untilClosed()
            },
            Misbehaviour(name: "another protocol version", code: .unknownProtocol) {
                let snapshot = MessagePackValue.map(["type": .string("snapshot"), "protocol": .string("7")])
                try await $0.send(MessagePackEncoder.encode(snapshot))
                try await $0.untilClosed()
            },
            Misbehaviour(name: "garbage in place of the snapshot", code: .notWhisker) {
                try await $0.send(Array("nonsense".utf8))
                try await $0.untilClosed()
            },
        ]

        private static func afterHead(
            _ name: String, _ code: WhiskerError.Code, isSilent: Bool = false, isLoss: Bool = false,
            _ act: @escaping Peer.Act
        ) -> Misbehaviour {
            Misbehaviour(name: name, code: code, isSilent: isSilent, isAfterHead: true, isLoss: isLoss) { peer in
                try await peer.send(ClientTests.head(60))
                try await act(peer)
                try await peer.untilClosed()
            }
        }

        private static let after = [
            afterHead("garbage", .malformed) { try await $0.send([0xc1, 0xc1, 0xc1]) },
            afterHead("a record that is none of Whisker's", .notWhisker) { try await $0.send([0x01]) },
            afterHead("a frame header of 1 GB", .protocolViolation) {
                try await $0.raw([0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 0])
            },
            afterHead("a frame header beyond all", .protocolViolation) {
                try await $0.raw([0x82, 127] + Array(repeating: 0xff, count: 8))
            },
            afterHead("a record header of 1 GB", .malformed) { try await $0.send([0xc6, 0x40, 0, 0, 0]) },
            afterHead("endless empty fragments", .protocolViolation) { peer in
                try await peer.send([0x81], fin: false)
                while true { try await peer.raw(Array(repeating: [0x00, 0x00], count: 1_000).flatMap { $0 }) }
            },
            afterHead("an endless record in fragments", .malformed) { peer in
                try await peer.send([0xdd, 0, 0xff, 0xff, 0xff], fin: false)
                while true {
                    try await peer.send(Array(repeating: 0xc0, count: 60_000), opcode: .continuation, fin: false)
                }
            },
            afterHead("deep nesting", .malformed) { try await $0.send(Array(repeating: 0x91, count: 100_000)) },
            afterHead("a control frame of many bytes", .protocolViolation) {
                try await $0.raw([0x89, 126, 0x10, 0x00] + Array(repeating: 0, count: 0x1000))
            },
            afterHead("unanswered pings", .gone, isSilent: true, isLoss: true) { _ in },
            afterHead("closing with an error", .gone, isLoss: true) { try await $0.bye(.unexpectedServerError) },
        ]
    }

    @Test func nobodyThereIsSaid() async throws {
        let place = try await Peer.start { _ in }
        let port = place.port
        try await place.stop()
        let (sessions, error) = try await Self.record("ws://127.0.0.1:\(port)")
        #expect(sessions.isEmpty)
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("nobody listens at ws://127.0.0.1:\(port)") == true, "\(error?.message ?? "")")
    }

    // MARK: - TLS

    private static func certificate(_ name: String) throws -> String {
        try #require(Bundle.module.url(forResource: "Resources/tls/\(name)", withExtension: "pem")).path
    }

    private static func secure(_ certificate: String, trusting trusted: String?, host: String) async throws
        -> WhiskerError?
    {
        let bytes = try head(60)
        let peer = try await Peer.start(certificate: certificate) { peer in
            try await peer.send(bytes)
            try await peer.bye()
            try await peer.untilClosed()
        }
        let path = try trusted.map(Self.certificate)
        let (sessions, error) = try await record(
            "wss://\(host):\(peer.port)", options { $0.trustedCertificates = path })
        try await peer.stop()
        #expect(sessions.count == (error == nil ? 1 : 0))
        return error
    }

    @Test func aTrustedCertificateIsTaken() async throws {
        #expect(try await Self.secure("localhost", trusting: "localhost", host: "localhost") == nil)
    }

    @Test(
        arguments: [
            ("localhost", nil, "localhost", "--certificates"),
            ("elsewhere", "elsewhere", "localhost", "is for another host"),
            ("localhost", "localhost", "127.0.0.1", "is for another host"),
            ("localhost", "elsewhere", "localhost", "--certificates"),
        ] as [(String, String?, String, String)])
    func aCertificateThatDoesNotHoldIsRefused(
        _ certificate: String, _ trusted: String?, _ host: String, _ advice: String
    ) async throws {
        let error = try await Self.secure(certificate, trusting: trusted, host: host)
        #expect(error?.code == .refused)
        let message = error?.message ?? "none"
        #expect(message.contains("cannot be trusted") && message.contains(advice), "\(message)")
        #expect(!message.contains("SSL"), "no word of the library's own: \(message)")
    }

    @Test func aServerWithoutTLSIsRefused() async throws {
        let peer = try await Peer.start { try await $0.untilClosed() }
        let (_, error) = try await Self.record("wss://localhost:\(peer.port)")
        try await peer.stop()
        #expect(error?.code == .refused, "\(error?.message ?? "none")")
    }

    @Test func certificatesThatCannotBeReadAreSaid() async throws {
        let (_, error) = try await Self.record(
            "wss://localhost:1", Self.options { $0.trustedCertificates = "/nowhere.pem" })
        #expect(error?.code == .unreadable)
        #expect(error?.message.contains("/nowhere.pem") == true)
    }
}
