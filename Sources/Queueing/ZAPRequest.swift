/// What ZeroMQ asks an authenticator about a handshake (ZAP 1.0, ZeroMQ RFC 27), and the answers.
struct ZAPRequest: Equatable {
    static let version = Array("1.0".utf8)
    /// The name under which a message shows the key of its connection.
    static let keyProperty = "X-Key"

    let id: [UInt8]
    let domain: String
    let address: String
    let mechanism: String
    /// Set for CURVE alone.
    let key: CurvePublicKey?

    /// A request from its frames, the delimiter first; nil when it is none.
    init?(frames: [[UInt8]]) {
        guard frames.count >= 7, frames.count <= 10, frames[0].isEmpty, frames[1] == Self.version,
            frames[2].count <= 255,
            let domain = String(validating: frames[3], as: UTF8.self),
            let address = String(validating: frames[4], as: UTF8.self),
            let mechanism = String(validating: frames[6], as: UTF8.self)
        else { return nil }
        id = frames[2]
        self.domain = domain
        self.address = address
        self.mechanism = mechanism
        if mechanism == "CURVE" {
            guard frames.count == 8, let key = CurvePublicKey(bytes: frames[7]) else { return nil }
            self.key = key
        } else {
            key = nil
        }
    }

    /// The frames that let the peer in.
    func accepted(_ peer: EnrolledPeer) -> [[UInt8]] {
        answer("200", "OK", userID: peer.userID, metadata: key.map { Self.metadata(Self.keyProperty, $0.z85) } ?? [])
    }

    /// The frames that keep it out.
    func refused() -> [[UInt8]] { answer("400", "not enrolled", userID: "", metadata: []) }

    private func answer(_ status: String, _ text: String, userID: String, metadata: [UInt8]) -> [[UInt8]] {
        [[], Self.version, id, Array(status.utf8), Array(text.utf8), Array(userID.utf8), metadata]
    }

    /// One property as ZMTP writes it: the lengths in one byte and in four, the highest first.
    private static func metadata(_ name: String, _ value: String) -> [UInt8] {
        let count = UInt32(value.utf8.count)
        return [UInt8(name.utf8.count)] + name.utf8 + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
            + value.utf8
    }
}
