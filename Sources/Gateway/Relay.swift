import Diagnostics
import NIOCore

/// One of both ends of an open way: what it reads goes out at the other end, and no faster than that takes it.
final class Relay: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let carried: (Int) -> Void
    private let closed: () -> Void
    private var context: ChannelHandlerContext?
    private weak var other: Relay?
    /// Whether this end wanted to read while the other one was full.
    private var waits = false

    private init(carried: @escaping (Int) -> Void, closed: @escaping () -> Void = {}) {
        self.carried = carried
        self.closed = closed
    }

    /// Puts a relay behind everything else of a client's and of its destination's channel, which are of one event loop.
    static func join(
        _ client: any Channel, _ target: any Channel, to destination: HostAndPort, _ gateway: GatewayState
    ) throws {
        let start = ContinuousClock.now
        let name = client.peerName, place = "\(destination)"
        let inner = Relay(carried: { gateway.carried($0, \.bytesDown) })
        let outer = Relay(
            carried: { gateway.carried($0, \.bytesUp) },
            closed: {
                gateway.tell(
                    .closed(client: name, destination: place, seconds: (ContinuousClock.now - start) / .seconds(1)))
            })
        (inner.other, outer.other) = (outer, inner)
        let limit = TimeAmount(gateway.configuration.idleTimeout)
        try client.pipeline.syncOperations.addHandlers([IdleStateHandler(allTimeout: limit), outer])
        try target.pipeline.syncOperations.addHandlers([IdleStateHandler(allTimeout: limit), inner])
        gateway.tell(.opened(client: name, destination: place))
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        carried(bytes.readableBytes)
        other?.context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { other?.context?.flush() }

    func read(context: ChannelHandlerContext) {
        waits = other?.context?.channel.isWritable == false
        if !waits { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, let other, other.waits {
            other.waits = false
            other.context?.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        other?.finish()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Closes this end when everything is out that came from the other one.
    private func finish() {
        guard let context else { return }
        // What it still says is for nobody. If it takes nothing either, it counts as idle.
        context.channel.reads(false)
        let end = context.channel.allocator.buffer(capacity: 0)
        context.writeAndFlush(wrapOutboundOut(end)).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }
}
