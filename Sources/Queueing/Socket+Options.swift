import CZeroMQ

extension Socket {
    /// What CURVE adds to a frame, and a little more.
    static let encryptionBytes = 64

    /// - Throws: `TransportError.optionRefused`.
    func apply(_ timing: ConnectionTiming) throws(TransportError) {
        try set(ZMQ_HEARTBEAT_IVL, "heartbeat interval", to: timing.heartbeatInterval)
        try set(ZMQ_HEARTBEAT_TIMEOUT, "heartbeat time-out", to: timing.heartbeatTimeout)
        try set(ZMQ_HANDSHAKE_IVL, "handshake time-out", to: timing.handshakeTimeout)
        if let bytes = timing.sendBufferBytes { try set(ZMQ_SNDBUF, "send buffer", to: Int32(clamping: bytes)) }
        guard kind == .dealer else { return }
        try set(ZMQ_IMMEDIATE, "immediate", to: Int32(1))
        try set(ZMQ_CONNECT_TIMEOUT, "connect time-out", to: timing.connectTimeout)
        // ZeroMQ's own jitter is at most the first wait, and none to speak of at the longest. Waits that begin and end
        // differently keep a thousand devices apart.
        try set(ZMQ_RECONNECT_IVL, "first reconnect", to: timing.firstReconnect * .random(in: 1...2))
        try set(ZMQ_RECONNECT_IVL_MAX, "longest reconnect", to: timing.longestReconnect * .random(in: 0.5...1))
    }

    /// - Throws: `TransportError.optionRefused`.
    func apply(_ security: SocketSecurity) throws(TransportError) {
        switch security {
        case .none, .insecure: break
        case .client(let pair, let server):
            try set(ZMQ_CURVE_SERVERKEY, "server key", to: server.bytes)
            try set(ZMQ_CURVE_PUBLICKEY, "public key", to: pair.publicKey.bytes)
            try setSecretKey(of: pair)
        case .server(let pair, _, let domain):
            try set(ZMQ_CURVE_SERVER, "CURVE server", to: Int32(1))
            try set(ZMQ_ZAP_DOMAIN, "authentication domain", to: Array(domain.utf8))
            try setSecretKey(of: pair)
        }
    }

    func set(_ option: Int32, _ name: String, to value: some BitwiseCopyable) throws(TransportError) {
        try check(withUnsafeBytes(of: value) { zmq_setsockopt(pollHandle, option, $0.baseAddress, $0.count) }, name)
    }

    private func set(_ option: Int32, _ name: String, to duration: Duration) throws(TransportError) {
        try set(option, name, to: Int32(clamping: duration.pollMilliseconds))
    }

    func set(_ option: Int32, _ name: String, to bytes: [UInt8]) throws(TransportError) {
        try check(bytes.withUnsafeBytes { zmq_setsockopt(pollHandle, option, $0.baseAddress, $0.count) }, name)
    }

    private func setSecretKey(of pair: CurveKeyPair) throws(TransportError) {
        let status = pair.withSecret { zmq_setsockopt(pollHandle, ZMQ_CURVE_SECRETKEY, $0.baseAddress, $0.count) }
        try check(status, "secret key")
    }

    private func check(_ status: Int32, _ name: String) throws(TransportError) {
        guard status == 0 else { throw .optionRefused(option: name, reason: lastZeroMQReason()) }
    }
}
