/// Which keys belong to whom, by domain, and what was asked of it. Times are measured from any fixed moment.
struct Enrollment {
    /// Rejections that may be told at once, and how many more each second.
    private static let burst = 10.0
    private static let perSecond = 1.0

    private(set) var counts = AuthenticationCounts()
    private var domains: [String: [CurvePublicKey: EnrolledPeer]] = [:]
    private var mayTell = burst
    private var lastRejection = Duration.zero
    private var untold = 0

    mutating func enroll(_ key: CurvePublicKey, as peer: EnrolledPeer, in domain: String) {
        domains[domain, default: [:]][key] = peer
    }

    mutating func revoke(_ key: CurvePublicKey, in domain: String) { domains[domain]?[key] = nil }

    mutating func replace(_ table: [CurvePublicKey: EnrolledPeer], in domain: String) { domains[domain] = table }

    mutating func remove(_ domain: String) { domains[domain] = nil }

    func peer(of key: CurvePublicKey, in domain: String) -> EnrolledPeer? { domains[domain]?[key] }

    /// Decides about a handshake, and whether a rejection may be told: of a flood, few are.
    mutating func decide(_ request: ZAPRequest, now: Duration) -> (peer: EnrolledPeer?, rejection: RejectedAttempt?) {
        let reason: RejectedAttempt.Reason
        if let key = request.key, let table = domains[request.domain] {
            if let peer = table[key] {
                counts.accepted += 1
                return (peer, nil)
            }
            reason = .unknownKey
        } else {
            reason = request.key == nil ? .notCurve : .unknownDomain
        }
        counts.rejected[reason, default: 0] += 1
        mayTell = min(Self.burst, mayTell + (now - lastRejection).seconds * Self.perSecond)
        lastRejection = now
        guard mayTell >= 1 else {
            untold += 1
            return (nil, nil)
        }
        mayTell -= 1
        defer { untold = 0 }
        return (
            nil,
            RejectedAttempt(
                reason: reason, domain: request.domain, address: request.address,
                fingerprint: request.key?.fingerprint, untold: untold)
        )
    }

    mutating func malformed() { counts.malformed += 1 }
}

/// What an authenticator was asked so far.
public struct AuthenticationCounts: Sendable, Equatable {
    /// Handshakes of enrolled keys.
    public var accepted = 0
    /// Handshakes that were refused.
    public var rejected: [RejectedAttempt.Reason: Int] = [:]
    /// Requests that were none.
    public var malformed = 0
}

/// A handshake that was refused. It holds nothing secret.
public struct RejectedAttempt: Sendable, Equatable {
    /// Why it was refused.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        case unknownKey = "unknown key"
        case notCurve = "no CURVE"
        case unknownDomain = "nobody listens there"
    }

    /// Why it was refused.
    public let reason: Reason
    /// The domain of the listening role.
    public let domain: String
    /// Where it came from.
    public let address: String
    /// Of the key it showed; nil when it showed none.
    public let fingerprint: String?
    /// Rejections since the last one that was told.
    public let untold: Int
}
