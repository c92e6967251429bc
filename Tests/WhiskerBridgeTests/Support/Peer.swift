import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import Synchronization

/// A server on loopback that does to each connection what a test wants, in turn.
final class Peer: Sendable {
    typealias Act = @Sendable (Connection) async throws -> Void

    let port: Int
    private let channel: any Channel

    /// - Parameter acts: what to do to the first connection, the second, and so on; later ones get the last.
    /// - Parameter upgrades: whether the act begins behind the WebSocket handshake, or on the bare connection.
    /// - Parameter joinsHandshake: whether the first bytes go in one packet with the handshake.
    static func start(
        port: Int = 0, upgrades: Bool = true, joinsHandshake: Bool = false, certificate: String? = nil,
        _ acts: Act...
    ) async throws -> Peer {
        let security = try certificate.map(Peer.security)
        let turns = TurnCounter()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: security))
                    }
                    let act = acts[min(turns.next(), acts.count - 1)]
                    if upgrades {
                        if joinsHandshake { try channel.pipeline.syncOperations.addHandler(Cork()) }
                        try upgrade(channel, act)
                    } else {
                        begin(channel, act)
                    }
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        return Peer(channel)
    }

    private init(_ channel: any Channel) {
        self.channel = channel
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }

    private static func security(_ name: String) throws -> NIOSSLContext {
        let folder = Bundle.module.bundleURL.appending(path: "Resources/tls")
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(folder.appending(path: "\(name).pem").path)
                    .map { .certificate($0) },
                privateKey: .privateKey(
                    NIOSSLPrivateKey(file: folder.appending(path: "\(name).key").path, format: .pem))))
    }

    private static func upgrade(_ channel: any Channel, _ act: @escaping Act) throws {
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                begin(channel, act)
                return channel.eventLoop.makeSucceededVoidFuture()
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
    }

    /// Holds the handshake back until something follows it, so that both go in one packet.
    private final class Cork: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var held: ByteBuffer? = ByteBuffer()

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            var bytes = unwrapOutboundIn(data)
            guard var held else { return context.write(data, promise: promise) }
            let isHandshake = bytes.readableBytesView.starts(with: Array("HTTP/".utf8))
            held.writeBuffer(&bytes)
            if isHandshake {
                self.held = held
                promise?.succeed()
            } else {
                self.held = nil
                context.write(wrapOutboundOut(held), promise: promise)
            }
        }
    }

    private static func begin(_ channel: any Channel, _ act: @escaping Act) {
        Task {
            do { try await act(Connection(channel: channel)) } catch {}
            try? await channel.close()
        }
    }

    /// One connection, from the server's side.
    struct Connection: Sendable {
        let channel: any Channel

        /// Bytes as they are, below any encoder.
        func raw(_ bytes: [UInt8]) async throws {
            let encoder = try? await channel.pipeline.context(handlerType: WebSocketFrameEncoder.self)
                .map { NIOLoopBound($0, eventLoop: $0.eventLoop) }.get()
            try await channel.eventLoop.flatSubmit {
                let promise = channel.eventLoop.makePromise(of: Void.self)
                if let encoder {
                    encoder.value.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: promise)
                } else {
                    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: promise)
                }
                return promise.futureResult
            }.get()
        }

        func send(_ bytes: [UInt8], opcode: WebSocketOpcode = .binary, fin: Bool = true) async throws {
            try await channel.writeAndFlush(WebSocketFrame(fin: fin, opcode: opcode, data: ByteBuffer(bytes: bytes)))
        }

        func bye(_ code: WebSocketErrorCode = .normalClosure) async throws {
            var data = ByteBuffer()
            data.write(webSocketErrorCode: code)
            try await channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
        }

        /// Returns when the client has closed the connection.
        func untilClosed() async throws { try await channel.closeFuture.get() }
    }
}

/// Counts connections; shared by the closures that serve them.
private final class TurnCounter: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).oldValue }
}
