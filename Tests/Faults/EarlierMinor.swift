import Queueing
import Wire

extension Envelope {
    /// The message as a program of an earlier minor version writes it, and what such a program reads of it: without the
    /// fields that came later. `Proto/permafrost.proto` lists what came when.
    public func spoken(inMinor minor: UInt32) -> Envelope {
        var earlier = self
        if case .register(var register) = body {
            register.minor = min(register.minor, minor)
            earlier.body = .register(register)
        }
        if minor < 2 { earlier.body = earlier.body.withoutAdditionsOf2 }
        if minor < 1 { earlier.body = earlier.body.withoutAdditionsOf1 }
        return earlier
    }
}

extension Body {
    /// 1.2 brought what is monitored.
    fileprivate var withoutAdditionsOf2: Body {
        guard case .queueReport(var report) = self else { return self }
        (report.queuedMessages, report.oldestAgeSeconds, report.bytesReceived, report.bytesSent) = (0, 0, 0, 0)
        (report.codecBytes, report.newestStep) = ([], nil)
        return .queueReport(report)
    }

    /// 1.1 brought codecs, compression and the minor version itself.
    fileprivate var withoutAdditionsOf1: Body {
        switch self {
        case .register(var register):
            (register.codecs, register.columns, register.minor) = ([], 0, 0)
            return .register(register)
        case .assignment(var assignment):
            assignment.codec = 0
            return .assignment(assignment)
        case .welcome(var welcome):
            welcome.compressions = []
            return .welcome(welcome)
        case .activations(var activations):
            activations.compression = 0
            return .activations(activations)
        default: return self
        }
    }
}

extension MessageFaultProxy {
    /// A relay behind which a role is one of an earlier minor version: neither side says or hears anything that came later.
    ///
    /// - Throws: `TransportError`.
    public convenience init(context: ZeroMQContext, endpoint: String, upstream: String, minor: UInt32) throws {
        try self.init(context: context, endpoint: endpoint, upstream: upstream) { frames in
            guard let header = frames.first, let message = try? Envelope.decode(header, limits: WireLimits()) else {
                return frames
            }
            return [message.spoken(inMinor: minor).encode()] + frames.dropFirst()
        }
    }
}
