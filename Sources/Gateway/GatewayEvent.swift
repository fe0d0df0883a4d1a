/// What a gateway tells while it runs. Names and addresses are as clients gave them.
public enum GatewayEvent: Sendable, Equatable {
    /// Clients can come.
    case listening(address: String)
    /// A client has reached its destination.
    case opened(client: String, destination: String)
    /// One of both ends has closed the connection.
    case closed(client: String, destination: String, seconds: Double)
    /// A client was sent away; `problem` says more in the system's words.
    case refused(client: String, destination: String?, reason: GatewayRefusal, problem: String?)
}

/// Why a gateway sent a client away.
public enum GatewayRefusal: String, Sendable, CaseIterable {
    /// What it wants to reach is none of the allowed destinations.
    case notAllowed
    /// Its destination is not known, or does not answer.
    case unreachable
    /// It speaks something else than SOCKS 5 without a password, or wants something else than a connection.
    case malformed
    /// It has not said in time where it wants to go.
    case unfinished
    /// There are as many connections as there may be.
    case full
}

/// What a gateway has done so far.
public struct GatewayCounts: Sendable, Equatable {
    /// That are open now, also those that have not said where they want to go.
    public var connections = 0
    /// By reason.
    public var refused: [GatewayRefusal: Int] = [:]
    /// Bytes from clients to their destinations.
    public var bytesUp = 0
    /// Bytes from destinations to clients.
    public var bytesDown = 0

    /// Nothing yet.
    public init() {}
}
