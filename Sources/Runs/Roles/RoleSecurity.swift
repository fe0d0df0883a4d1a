import Queueing

/// How a role's process proves who it is, and knows whom it speaks to.
public enum RoleSecurity: Sendable {
    /// Plain TCP.
    case insecure
    /// CURVE with the key pair of a file, and the coordinator's public key of another; a coordinator has no other.
    case curve(keyFile: String, coordinatorKeyFile: String?)

    /// The role's own key pair; nil without CURVE.
    ///
    /// - Throws: `KeyError`.
    func keyPair() throws(KeyError) -> CurveKeyPair? {
        guard case .curve(let file, _) = self else { return nil }
        return try KeyFiles.pair(at: file)
    }

    /// For the socket that reaches out to the coordinator.
    ///
    /// - Throws: `KeyError`.
    func client() throws(KeyError) -> SocketSecurity {
        guard case .curve(let file, let server?) = self else { return .insecure }
        return .client(try KeyFiles.pair(at: file), server: try KeyFiles.publicKey(at: server))
    }

    /// For the socket on which a role listens under its id.
    ///
    /// - Throws: `KeyError`, `TransportError`.
    func server(id: String, context: ZeroMQContext) throws -> SocketSecurity {
        guard let pair = try keyPair() else { return .insecure }
        return .server(pair, try Authenticator(context: context), domain: id)
    }
}
