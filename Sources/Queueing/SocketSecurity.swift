/// How a socket keeps strangers out. TCP needs keys, or the word that it shall go without.
public enum SocketSecurity: Sendable {
    /// For `inproc://` and `ipc://`; TCP is refused.
    case none
    /// Plain TCP, which everybody on the network can read and join. Only for `--insecure`.
    case insecure
    /// CURVE for a socket that connects.
    case client(CurveKeyPair, server: CurvePublicKey)
    /// CURVE for a socket that binds. The authenticator lets in the keys that are enrolled in the domain, of which every
    /// listening role has one of its own.
    case server(CurveKeyPair, Authenticator, domain: String)

    var isEncrypted: Bool {
        switch self {
        case .none, .insecure: false
        case .client, .server: true
        }
    }

    /// - Throws: `TransportError.insecure` for TCP without keys.
    func check(_ endpoint: String) throws(TransportError) {
        if case .none = self, endpoint.hasPrefix("tcp://") { throw .insecure(endpoint: endpoint) }
    }
}

extension String {
    /// Whether an endpoint lies within the process, where there is neither a handshake nor a connection to lose.
    var isInProcessEndpoint: Bool { hasPrefix("inproc://") }
}
