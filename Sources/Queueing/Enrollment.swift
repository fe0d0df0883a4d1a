/// Which keys belong to whom, by domain, and what was asked of it.
struct Enrollment {
    private struct Domain {
        var peers: [CurvePublicKey: EnrolledPeer] = [:]
        /// Keys that were let in once: as many as somebody has enrolled.
        var former: [CurvePublicKey: EnrolledPeer] = [:]
        var refusals = Refusals()

        mutating func replace(_ table: [CurvePublicKey: EnrolledPeer], revoked: [CurvePublicKey: EnrolledPeer]) {
            former.merge(peers) { $1 }
            former.merge(revoked) { $1 }
            for key in table.keys { former[key] = nil }
            peers = table
        }
    }

    private(set) var counts = AuthenticationCounts()
    private var domains: [String: Domain] = [:]

    mutating func enroll(_ key: CurvePublicKey, as peer: EnrolledPeer, in domain: String) {
        domains[domain, default: Domain()].peers[key] = peer
    }

    mutating func revoke(_ key: CurvePublicKey, in domain: String) {
        guard let peer = domains[domain]?.peers.removeValue(forKey: key) else { return }
        domains[domain]?.former[key] = peer
    }

    mutating func replace(
        _ table: [CurvePublicKey: EnrolledPeer], revoked: [CurvePublicKey: EnrolledPeer], in domain: String
    ) {
        domains[domain, default: Domain()].replace(table, revoked: revoked)
    }

    mutating func remove(_ domain: String) { domains[domain] = nil }

    func peer(of key: CurvePublicKey, in domain: String) -> EnrolledPeer? { domains[domain]?.peers[key] }

    func refusals(in domain: String) -> Refusals { domains[domain]?.refusals ?? Refusals() }

    /// Decides about a handshake: who it is, nil when it is refused.
    mutating func decide(_ request: ZAPRequest) -> EnrolledPeer? {
        guard let key = request.key else {
            count(.malformedHandshake, request, last: request.address)
            return nil
        }
        if let peer = peer(of: key, in: request.domain) {
            counts.accepted += 1
            return peer
        }
        if let peer = domains[request.domain]?.former[key] {
            count(.revokedKey, request, last: peer.id)
        } else {
            count(.unknownKey, request, last: "\(request.address) with the fingerprint \(key.fingerprint)")
        }
        return nil
    }

    mutating func malformed() { counts.malformed += 1 }

    /// A domain is named by the socket that asks, never by who knocks.
    private mutating func count(_ reason: Refusals.Reason, _ request: ZAPRequest, last: String) {
        counts.refused += 1
        domains[request.domain, default: Domain()].refusals.count(reason, last: last)
    }
}

/// What an authenticator was asked so far.
public struct AuthenticationCounts: Sendable, Equatable {
    /// Handshakes of enrolled keys.
    public var accepted = 0
    /// Handshakes that were refused.
    public var refused = 0
    /// Requests that were none.
    public var malformed = 0
}
