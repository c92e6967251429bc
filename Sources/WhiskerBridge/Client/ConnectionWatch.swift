import NIOCore
import NIOWebSocket

/// Closes a connection on which the server leaves us waiting: for its snapshot, or for the answer to a ping.
///
/// Lives on the channel's event loop. While we ourselves do not read, because what came is still being recorded, the
/// server is not held to answer.
final class ConnectionWatch: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny
    typealias OutboundIn = NIOAny
    typealias OutboundOut = NIOAny

    private let address: WhiskerAddress
    private let greetingTimeout: TimeAmount
    private let silenceTimeout: TimeAmount
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var isGreeted = false
    private var isReading = false
    /// What came since the timer was set.
    private var hasHeard = false
    private var hasPinged = false

    init(_ address: WhiskerAddress, greetingTimeout: Duration, silenceTimeout: Duration) {
        self.address = address
        self.greetingTimeout = TimeAmount(greetingTimeout)
        self.silenceTimeout = TimeAmount(silenceTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        schedule(greetingTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        isReading = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasHeard = true
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.fireChannelReadComplete()
    }

    /// The snapshot is there: from now on the server is asked for a sign of life when it is silent.
    func greeted() {
        guard !isGreeted else { return }
        isGreeted = true
        schedule(silenceTimeout / 2)
    }

    private func schedule(_ delay: TimeAmount) {
        timer?.cancel()
        guard let loop = context?.eventLoop else { return }
        hasHeard = false
        timer = loop.assumeIsolated().scheduleTask(in: delay) { self.timeIsUp() }
    }

    private func timeIsUp() {
        guard let context, context.channel.isActive || !isGreeted else { return }
        if !isGreeted {
            return close(
                WhiskerError(
                    .gone,
                    "\(address) was reached but sent no snapshot within \(seconds(greetingTimeout)); check that a "
                        + "WhiskerServer listens there"))
        }
        if hasHeard || !isReading {
            hasPinged = false
        } else if hasPinged {
            return close(
                WhiskerError(
                    .gone,
                    "\(address) fell silent: no answer to a ping within \(seconds(silenceTimeout / 2)); the bot hangs, or "
                        + "the network is gone"))
        } else {
            hasPinged = true
            let ping = WebSocketFrame(fin: true, opcode: .ping, maskKey: .random(), data: ByteBuffer())
            // From the tail, so that it passes the encoder, which stands behind this handler.
            context.pipeline.syncOperations.writeAndFlush(NIOAny(ping), promise: nil)
        }
        schedule(silenceTimeout / 2)
    }

    private func close(_ error: WhiskerError) {
        context?.fireErrorCaught(error)
        context?.close(promise: nil)
    }

    private func seconds(_ amount: TimeAmount) -> String {
        let milliseconds = amount.nanoseconds / 1_000_000
        return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
    }
}

extension TimeAmount {
    fileprivate static func / (amount: TimeAmount, divisor: Int64) -> TimeAmount {
        .nanoseconds(amount.nanoseconds / divisor)
    }
}
