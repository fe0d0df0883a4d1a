import Diagnostics

/// Decides when refusals are worth a line: at once when a reason is new, and then about every ten seconds, with a count.
/// However many strangers there are and whatever they send, there are no more lines than that.
public struct RefusalNews: Sendable {
    /// Between two lines about the same reason.
    public static let interval = Duration.seconds(10)

    private struct Told {
        var count: Int
        var time: Duration
    }

    private var told: [Refusals.Reason: Told] = [:]

    /// Nothing was told yet.
    public init() {}

    /// What is to be told now.
    ///
    /// - Parameters:
    ///   - refusals: all so far. Fewer than before are those of a role that was started again.
    ///   - now: since any fixed moment.
    public mutating func notices(of refusals: Refusals, now: Duration) -> [RefusalNotice] {
        Refusals.Reason.allCases.compactMap { reason in
            guard let entry = refusals.entries[reason] else { return nil }
            let before = told[reason]
            let known = before.map { $0.count > entry.count ? 0 : $0.count } ?? 0
            guard entry.count > known, before.map({ now - $0.time >= Self.interval }) ?? true else { return nil }
            told[reason] = Told(count: entry.count, time: now)
            return RefusalNotice(
                reason: reason, count: entry.count - known, period: before.map { now - $0.time }, last: entry.last)
        }
    }
}

/// A line about what was refused. It holds nothing that a stranger wrote, and no key.
public struct RefusalNotice: Sendable, Equatable, CustomStringConvertible {
    /// Why it was refused.
    public let reason: Refusals.Reason
    /// How often since the last line about this reason.
    public let count: Int
    /// The time since then; nil for the first line.
    public let period: Duration?
    /// Whoever was last, as far as that is sure.
    public let last: String?

    /// `refused 1234 messages in 10 s: The header frame is no readable Header (3); the last of gateway-7`.
    public var description: String {
        let what = (reason.isOfMessage ? "message" : "handshake") + (count == 1 ? "" : "s")
        let time = period.map { " in \(Int($0.seconds)) s" } ?? ""
        let who = last.map { reason.isOfMessage ? "; the last of \($0)" : "; the last by \($0)" } ?? ""
        return "refused \(count) \(what)\(time): \(reason.meaning)\(who.printable)"
    }
}
