import Diagnostics
import Glibc
import NIOCore
import NIOPosix
import NIOSOCKS

/// Asks one client where it wants to go, and makes the way there. It leaves the pipeline when that is open. A client has to
/// wait for each answer, as libzmq does: of what comes together only the first message is understood.
final class SOCKSHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ClientMessage
    typealias OutboundOut = ServerMessage

    private let gateway: GatewayState
    private let socks: SOCKSServerHandshakeHandler
    private var deadline: Scheduled<Void>?
    private var destination: HostAndPort?
    /// Whether it is decided what becomes of the client.
    private var isOver = false

    /// - Parameter socks: the handler before it, which turns bytes into messages.
    init(_ gateway: GatewayState, behind socks: SOCKSServerHandshakeHandler) {
        self.gateway = gateway
        self.socks = socks
    }

    func channelActive(context: ChannelHandlerContext) {
        let limit = TimeAmount(gateway.configuration.handshakeTimeout)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
            self.refuse(context, .unfinished)
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Whoever only looks whether somebody listens here is no news.
        isOver = true
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .greeting(let greeting):
            let isOpen = greeting.methods.contains(.noneRequired)
            let method = isOpen ? AuthenticationMethod.noneRequired : .noneAcceptable
            answer(.selectedAuthenticationMethod(.init(method: method)), context)
            if !isOpen { refuse(context, .malformed) }
        case .request(let request):
            deadline?.cancel()
            guard request.command == .connect else { return refuse(context, .malformed, reply: .commandUnsupported) }
            destination = HostAndPort(request.addressType)
            guard let destination, gateway.allows(destination) else {
                return refuse(context, .notAllowed, reply: .notAllowed)
            }
            reach(destination, context)
        case .authenticationData: refuse(context, .malformed)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is IOError { context.close(promise: nil) } else { refuse(context, .malformed) }
    }

    private func reach(_ destination: HostAndPort, _ context: ChannelHandlerContext) {
        // What the client says before the way is open waits in the system's buffers, which have a limit.
        context.channel.reads(false)
        gateway.connection(to: destination, on: context.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let target): self.open(target, context)
            case .failure(let error):
                self.refuse(context, .unreachable, because: reason(error), reply: .hostUnreachable)
            }
        }
    }

    private func open(_ target: any Channel, _ context: ChannelHandlerContext) {
        guard !isOver, let destination else { return target.close(promise: nil) }
        isOver = true
        let client = context.channel
        answer(.response(SOCKSResponse(reply: .succeeded, boundAddress: .nowhere)), context)
        do {
            try Relay.join(client, target, to: destination, gateway)
        } catch {
            target.close(promise: nil)
            return client.close(promise: nil)
        }
        // With the handler before this one goes what it has read too much, on to the relay.
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        client.pipeline.syncOperations.removeHandler(socks, promise: nil)
        client.pipeline.syncOperations.fireChannelReadComplete()
        client.reads(true)
        target.reads(true)
    }

    private func answer(_ message: ServerMessage, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }

    /// Sends the client away; with a reply if it has asked for something.
    private func refuse(
        _ context: ChannelHandlerContext, _ reason: GatewayRefusal, because problem: String? = nil,
        reply: SOCKSServerReply? = nil
    ) {
        guard !isOver else { return }
        isOver = true
        deadline?.cancel()
        if let reply { answer(.response(SOCKSResponse(reply: reply, boundAddress: .nowhere)), context) }
        gateway.refused(reason, client: context.channel.peerName, destination: destination, problem: problem)
        context.close(promise: nil)
    }
}

extension SOCKSAddress {
    /// In a reply: no client needs to know from where the gateway connects. What a client sent never goes back: its name
    /// may be longer, once it is read, than a reply can have it.
    fileprivate static var nowhere: SOCKSAddress { .address(SocketAddress(sockaddr_in())) }
}

extension HostAndPort {
    /// Nil for an address that is none of TCP.
    fileprivate init?(_ address: SOCKSAddress) {
        switch address {
        case .domain(let host, let port): self.init("\(host):\(port)")
        case .address(let address):
            guard let host = address.ipAddress, let port = address.port else { return nil }
            self.init(host: host, port: port)
        }
    }
}
