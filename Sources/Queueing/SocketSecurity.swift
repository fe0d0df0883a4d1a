import Wire

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

    /// How a device that has this towards its coordinator reaches a worker, whose public key the coordinator gave; it is
    /// empty without CURVE.
    ///
    /// - Throws: `KeyError` for a key that is none.
    public func reaching(workerKey: String) throws(KeyError) -> SocketSecurity {
        guard case .client(let keys, _) = self else { return self }
        // Without a key a worker over TCP is refused: nobody may talk a device out of its encryption.
        return workerKey.isEmpty ? .none : .client(keys, server: try CurvePublicKey(z85: workerKey))
    }

    /// - Throws: `TransportError.insecure` for TCP without keys.
    func check(_ endpoint: String) throws(TransportError) {
        if case .none = self, endpoint.hasPrefix("tcp://") { throw .insecure(endpoint: endpoint) }
    }
}

extension SocketSecurity {
    /// Lets in those who introduce themselves to a worker with this plan, and nobody else. Keys that are no keys let nobody
    /// in.
    public func enroll(_ plan: Body.RunPlan) {
        guard case .server(_, let authenticator, let domain) = self else { return }
        var table: [CurvePublicKey: EnrolledPeer] = [:]
        for device in plan.devices {
            guard let key = try? CurvePublicKey(z85: device.key) else { continue }
            table[key] = EnrolledPeer(role: .device, id: device.device)
        }
        if !plan.predecessor.isEmpty, let key = try? CurvePublicKey(z85: plan.predecessorKey) {
            table[key] = EnrolledPeer(role: .worker, id: plan.predecessor)
        }
        for helper in plan.helpers {
            guard let key = try? CurvePublicKey(z85: helper.key) else { continue }
            table[key] = EnrolledPeer(role: .worker, id: helper.worker)
        }
        authenticator.replace(table, in: domain)
    }
}

extension Body.RunPlan {
    /// All who introduce themselves to this worker, to help with its steps or its parts of steps.
    public var helpers: [Body.WorkerPeer] { replicas + stages }
}

extension String {
    /// Whether an endpoint lies within the process, where there is neither a handshake nor a connection to lose.
    var isInProcessEndpoint: Bool { hasPrefix("inproc://") }
}
