import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import Synchronization

/// One WebSocket connection to a WhiskerServer.
struct WhiskerConnection: Sendable {
    typealias Channel = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    /// How it ended.
    enum End: Sendable, Hashable {
        /// The server closed it as it should.
        case closed
        case lost(WhiskerError)
        case violated(WhiskerError)
    }

    private struct Upgraded: Sendable {
        var channel: Channel
        var watch: NIOLoopBound<ConnectionWatch>
    }

    private let address: WhiskerAddress
    private let limits: WhiskerLimits
    private let channel: Channel
    private let watch: NIOLoopBound<ConnectionWatch>

    /// Connects, secures the connection where the address says so, and upgrades it.
    ///
    /// - Throws: `WhiskerError`; `CancellationError` when the task is cancelled.
    static func open(
        _ address: WhiskerAddress, _ options: WhiskerClient.Options
    ) async throws -> WhiskerConnection {
        let security = try options.security(for: address)
        let opening = Mutex<(any NIOCore.Channel)?>(nil)
        return try await withTaskCancellationHandler {
            do {
                return try await open(address, options, security) { channel in opening.withLock { $0 = channel } }
            } catch {
                try Task.checkCancellation()
                throw ConnectionFailure.explain(error, address)
            }
        } onCancel: {
            opening.withLock { $0 }?.close(promise: nil)
        }
    }

    private static func open(
        _ address: WhiskerAddress, _ options: WhiskerClient.Options, _ security: ConnectionSecurity?,
        _ opening: @escaping @Sendable (any NIOCore.Channel) -> Void
    ) async throws -> WhiskerConnection {
        let upgrading = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(TimeAmount(options.greetingTimeout))
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    opening(channel)
                    if let security { try security.secure(channel) }
                    return try upgrade(channel, address, options)
                }
            }
        guard let upgraded = try await upgrading.get() else {
            throw WhiskerError(
                .refused,
                "\(address) answers, but not as a WebSocket server; give the port of the bot's WhiskerServer, 9090 unless "
                    + "the bot says otherwise")
        }
        return WhiskerConnection(
            address: address, limits: options.limits, channel: upgraded.channel, watch: upgraded.watch)
    }

    private static func upgrade(
        _ channel: any NIOCore.Channel, _ address: WhiskerAddress, _ options: WhiskerClient.Options
    ) throws -> EventLoopFuture<Upgraded?> {
        let watch = ConnectionWatch(
            address, greetingTimeout: options.greetingTimeout, silenceTimeout: options.silenceTimeout)
        let bound = NIOLoopBound(watch, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHandler(watch)
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgraded?>(
            maxFrameSize: options.limits.frameBytes,
            // What is wrong comes out of the channel, and is said there.
            enableAutomaticErrorHandling: false,
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    // One frame at a time: what the recorder has not taken yet waits in the socket.
                    let wrapped = try Channel(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2)))
                    return Upgraded(channel: wrapped, watch: bound)
                }
            })
        let headers = HTTPHeaders([
            (
                "Host",
                address.host.contains(":") ? "[\(address.host)]:\(address.port)" : "\(address.host):\(address.port)"
            )
        ])
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path, headers: headers)
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
            upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                upgradeRequestHead: head, upgraders: [upgrader],
                notUpgradingCompletionHandler: { $0.eventLoop.makeSucceededFuture(nil) }))
        // Whisker's snapshot comes right behind the handshake, often in one packet with it.
        configuration.leftOverBytesStrategy = .forwardBytes
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: configuration)
    }

    /// The snapshot has come.
    func greeted() {
        let watch = watch
        channel.channel.eventLoop.execute { watch.value.greeted() }
    }

    /// Closes the connection without a word; `receive` ends.
    func close() { channel.channel.close(promise: nil) }

    /// Gives the payload of every data frame to `take`, in pieces, until the connection ends or `take` says false.
    ///
    /// - Throws: whatever `take` throws; `CancellationError` when the task is cancelled.
    func receive(_ take: ([UInt8]) async throws -> Bool) async throws -> End {
        do {
            return try await channel.executeThenClose { inbound, outbound in
                var fragments = 0
                for try await frame in inbound {
                    switch frame.opcode {
                    case .binary, .continuation:
                        fragments = frame.fin ? 0 : fragments + 1
                        guard fragments <= limits.messageFragments else { return .violated(tooManyFragments) }
                        var data = frame.unmaskedData
                        while let piece = data.readBytes(length: min(data.readableBytes, 64 << 10)), !piece.isEmpty {
                            guard try await Failure.passing({ try await take(piece) }) else { return .closed }
                        }
                    case .ping:
                        try await outbound.write(
                            WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData))
                    case .connectionClose:
                        return await closes(frame, outbound)
                    case .pong: break
                    case .text: return .violated(noWhisker)
                    default: return .violated(unknownFrames)
                    }
                }
                try Task.checkCancellation()
                return .lost(vanished)
            }
        } catch let failure as Failure {
            throw failure.cause
        } catch {
            try Task.checkCancellation()
            return end(error)
        }
    }

    /// What the caller's closure threw, kept apart from what the channel throws.
    private struct Failure: Error {
        var cause: any Error

        static func passing<Result>(_ body: () async throws -> Result) async throws -> Result {
            do { return try await body() } catch { throw Failure(cause: error) }
        }
    }

    private func closes(
        _ frame: WebSocketFrame, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    ) async -> End {
        var data = frame.unmaskedData
        let code = data.readWebSocketErrorCode()
        let answer = WebSocketFrame(
            fin: true, opcode: .connectionClose, maskKey: .random(), data: frame.unmaskedData)
        // The server may be gone already: the answer is a courtesy.
        try? await outbound.write(answer)
        switch code {
        case nil, .normalClosure, .goingAway: return .closed
        case .some(let code):
            return .lost(
                WhiskerError(
                    .gone,
                    "\(address) closed the connection with code \(UInt16(webSocketErrorCode: code)); see the bot's log")
            )
        }
    }

    private func end(_ error: any Error) -> End {
        switch error {
        case let error as WhiskerError: return error.code == .gone ? .lost(error) : .violated(error)
        case NIOWebSocketError.invalidFrameLength:
            return .violated(
                WhiskerError(
                    .protocolViolation,
                    "\(address) sent a WebSocket frame of more than \(limits.frameBytes >> 20) MiB; connect before the bot "
                        + "has so much to tell, or connect again: Whisker sends its past to the first client only"))
        case is NIOWebSocketError:
            return .violated(
                WhiskerError(
                    .protocolViolation,
                    "\(address) broke the WebSocket protocol (\(error)); check that a "
                        + "WhiskerServer listens there"))
        default: return .lost(vanished)
        }
    }

    private var vanished: WhiskerError {
        WhiskerError(
            .gone,
            "\(address) went away without closing the connection: the bot was killed or the network failed; what came "
                + "before is kept")
    }

    private var noWhisker: WhiskerError {
        WhiskerError(
            .notWhisker,
            "\(address) is a WebSocket server, but not Whisker's: it sends text; give the port of the bot's WhiskerServer"
        )
    }

    private var unknownFrames: WhiskerError {
        WhiskerError(
            .protocolViolation,
            "\(address) sent a WebSocket frame of a kind that does not exist; check that a WhiskerServer listens there")
    }

    private var tooManyFragments: WhiskerError {
        WhiskerError(
            .protocolViolation,
            "\(address) cut a message into more than \(limits.messageFragments) fragments, which no WhiskerServer does; check "
                + "what listens there")
    }
}
