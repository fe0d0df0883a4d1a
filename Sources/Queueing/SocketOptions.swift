import Wire

/// How a socket behaves.
public struct SocketOptions: Sendable {
    /// The routing id a DEALER shows to a ROUTER; nil lets ZeroMQ choose one.
    public var identity: PeerIdentity?

    /// Messages that may wait in each direction for each peer. Low, because credit bounds the bytes of activations
    /// but nothing else bounds those of other messages.
    public var highWaterMark: Int32 = 64

    /// Messages that may wait to be received from each peer, when that is not the same. What a worker was sent before it
    /// was stopped is read when it wakes, beside what devices send anew: this bounds how much.
    public var receiveHighWaterMark: Int32?

    /// How long closing waits for messages that are not sent yet.
    public var lingerMilliseconds: Int32 = 1000

    /// A larger frame from the network is not read: ZeroMQ drops its connection, which then is made anew.
    public var maximumFrameBytes: Int

    /// Frames of one message that are kept; more are received, counted and dropped.
    public var maximumFrames = 8

    /// What keeps strangers out of TCP.
    public var security = SocketSecurity.none

    /// When a connection counts as lost. A DEALER with it queues messages for completed connections alone; nil leaves
    /// everything to ZeroMQ.
    public var timing: ConnectionTiming?

    /// The defaults, with the routing id of a DEALER.
    public init(identity: PeerIdentity? = nil, limits: WireLimits = WireLimits()) {
        self.identity = identity
        maximumFrameBytes = max(limits.frameBytes, limits.headerBytes)
    }
}
