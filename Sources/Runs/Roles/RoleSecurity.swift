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
    func keyPair() throws -> CurveKeyPair? {
        guard case .curve(let file, _) = self else { return nil }
        return try CurveKeyPair(contentsOf: file)
    }

    /// For sockets that reach out to the coordinator.
    ///
    /// - Throws: `KeyError`.
    func client() throws -> SocketSecurity {
        guard case .curve(let file, let server?) = self else { return .plain }
        return .client(try CurveKeyPair(contentsOf: file), server: try CurvePublicKey(contentsOf: server))
    }
}
