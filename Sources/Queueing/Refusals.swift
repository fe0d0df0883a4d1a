import Wire

/// What a listening socket has refused, by reason. There is a place for every reason, and none for every stranger.
public struct Refusals: Sendable, Equatable {
    /// Why a handshake or a message was refused.
    public enum Reason: Sendable, Hashable {
        /// A handshake of a key that nobody has enrolled.
        case unknownKey
        /// A handshake of a key that was enrolled once.
        case revokedKey
        /// A connection on which something else than the protocol was spoken, or not with this side's key.
        case malformedHandshake
        /// A handshake that was given up or took too long.
        case unfinishedHandshake
        /// A message whose header names another sender than the one that its connection belongs to.
        case foreignSender
        /// Another message, by its protocol error.
        case message(ProtocolError)
    }

    /// One reason.
    public struct Entry: Sendable, Equatable {
        /// How often it held.
        public var count = 0
        /// Whoever was refused last, as far as that is sure: the id of a key, or where a handshake came from.
        public var last: String?
    }

    /// The reasons that there have been.
    public private(set) var entries: [Reason: Entry] = [:]

    /// Nothing was refused.
    public init() {}

    /// Counts something.
    ///
    /// - Parameter last: who it was, when that is sure; never what a header says without a key.
    mutating func count(_ reason: Reason, _ count: Int = 1, last: String? = nil) {
        guard count > 0 else { return }
        entries[reason, default: Entry()].count += count
        if let last { entries[reason]?.last = last }
    }

    /// Counts what another part of the same listening role has refused.
    mutating func add(_ other: Refusals) {
        for (reason, entry) in other.entries { count(reason, entry.count, last: entry.last) }
    }

    /// How often anything was refused, messages or handshakes.
    public func total(ofMessages: Bool) -> Int {
        entries.reduce(0) { $0 + ($1.key.isOfMessage == ofMessages ? $1.value.count : 0) }
    }
}

extension Refusals.Reason: CaseIterable {
    /// Every reason: handshakes first, then messages by the number of their error.
    public static let allCases: [Refusals.Reason] =
        [.unknownKey, .revokedKey, .malformedHandshake, .unfinishedHandshake, .foreignSender]
        + ProtocolError.allCases.map { .message($0) }

    private static let named = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// A reason by its name; nil when there is none.
    public init?(name: String) {
        guard let reason = Self.named[name] else { return nil }
        self = reason
    }

    /// Why a message cannot be taken, which came on a connection that belongs to somebody or to nobody yet.
    init(_ error: WireError, of peer: Channel.Peer) {
        if case .unknownSender(let sender) = error, let owner = peer.sender, owner != sender {
            self = .foreignSender
        } else {
            self = .message(error.kind)
        }
    }

    /// Its name in a report: for a message that of its protocol error.
    public var name: String {
        if case .message(let error) = self { "\(error)" } else { "\(self)" }
    }

    /// Whether a message was refused, and not a handshake.
    public var isOfMessage: Bool {
        switch self {
        case .unknownKey, .revokedKey, .malformedHandshake, .unfinishedHandshake: false
        case .foreignSender, .message: true
        }
    }

    /// Whether it happens between friends as well, when one of them has come back.
    public var isOrdinary: Bool { self == .message(.unknownSession) }

    /// What was wrong, in a sentence without a full stop; of a message with the number that it was answered with.
    public var meaning: String {
        switch self {
        case .unknownKey: "The key is not enrolled"
        case .revokedKey: "The key was revoked"
        case .malformedHandshake: "It was not the protocol, or not meant for the key of this side"
        case .unfinishedHandshake: "It was given up, or took too long"
        case .foreignSender: "The header names another sender than the key (\(ProtocolError.unknownSender.rawValue))"
        case .message(let error): "\(error.meaning) (\(error.rawValue))"
        }
    }
}

// As a worker tells its coordinator.
extension Refusals {
    /// What a worker told. Reasons that this version does not know are left out.
    public init(_ told: [Body.Refused]) {
        for refused in told {
            guard let reason = Reason(name: refused.reason) else { continue }
            entries[reason] = Entry(
                count: Int(told: refused.count), last: refused.last.isEmpty ? nil : refused.last)
        }
    }

    /// To be told.
    public var told: [Body.Refused] {
        Reason.allCases.compactMap { reason in
            entries[reason].map {
                Body.Refused(reason: reason.name, count: UInt64($0.count), last: $0.last ?? "")
            }
        }
    }
}
