/// The workers that help with a leader's steps, and who of them computes how much: pure.
struct ReplicaRoster {
    /// Why somebody is given nothing more before it introduces itself again.
    enum Lateness: Sendable, Equatable {
        /// It owes its part of a step for too long.
        case owes(step: Int)
        /// So many bytes of messages wait to be read.
        case unread(bytes: Int)
    }

    /// Where a replica stands.
    private enum State: Equatable {
        /// It has introduced itself and has nothing yet.
        case joining
        /// It has what trains, as of the step under way.
        case ready
        /// It computes a part of this step.
        case busy(step: Int)
    }

    private struct Member {
        let session: UInt64
        var state = State.joining
        /// For one micro-batch; nil before the first part.
        var seconds: Double?
        var backlog = Backlog()
    }

    /// Sums of gradients that a replica gets of a step.
    typealias Part = (id: String, session: UInt64, sums: [Int])

    private var members: [String: Member] = [:]
    /// Those who are later stages here, in their order; all others get sums of their own.
    var stages: [String] = []
    private var step = 0

    /// Steps that a replica may be late. Then it has to introduce itself again.
    static let mostLate = 4
    /// With every step of which a replica gets nothing, what it has shown counts less: else one slow part, as of a process
    /// that was stopped for a while, would be its last.
    private static let doubt = 0.97

    /// Those who take part in the step under way, or try to.
    var active: [(id: String, session: UInt64)] {
        members.filter { $0.value.state != .joining }.map { ($0.key, $0.value.session) }.sorted { $0.0 < $1.0 }
    }

    /// Whether somebody's answer belongs to the conversation.
    func isMember(_ id: String, session: UInt64) -> Bool { members[id]?.session == session }

    /// A replica has introduced itself, perhaps again.
    mutating func joined(_ id: String, session: UInt64) {
        members[id] = Member(session: session, seconds: members[id]?.seconds)
    }

    /// A replica has gone.
    mutating func left(_ id: String) { members[id] = nil }

    /// What trains here is something else: everybody gets it anew. Of those who are busy, something may still be under way
    /// that would be taken for a part of the same step when it comes again: they are forgotten.
    mutating func replaced() -> [(id: String, session: UInt64, Lateness)] {
        var late: [(id: String, session: UInt64, Lateness)] = []
        for (id, member) in members.sorted(by: { $0.key < $1.key }) {
            if case .busy(let step) = member.state {
                late.append((id, member.session, .owes(step: step)))
                members[id] = nil
            } else {
                members[id]?.state = .joining
            }
        }
        return late
    }

    /// A message for somebody is on its way to its queue.
    mutating func handedOver(_ bytes: Int, to id: String, session: UInt64) {
        if isMember(id, session: session) { members[id]?.backlog.handedOver(bytes) }
    }

    /// A message for somebody has left its queue.
    mutating func sent(_ bytes: Int, to id: String, session: UInt64) {
        if isMember(id, session: session) { members[id]?.backlog.sent(bytes) }
    }

    /// A step begins: gives those who are to get the state first, and those who are too late and are forgotten.
    mutating func begin(
        _ step: Int
    ) -> (joining: [(id: String, session: UInt64)], late: [(id: String, session: UInt64, Lateness)]) {
        var joining: [(id: String, session: UInt64)] = [], late: [(id: String, session: UInt64, Lateness)] = []
        // Parts of a step begin one by one.
        if step != self.step { for id in members.keys { members[id]?.backlog.beginStep() } }
        self.step = step
        for (id, member) in members.sorted(by: { $0.key < $1.key }) {
            if let lateness = lateness(of: id) {
                late.append((id, member.session, lateness))
                members[id] = nil
            } else if member.state == .joining {
                joining.append((id, member.session))
                members[id]?.state = .ready
            }
        }
        return (joining, late)
    }

    private func lateness(of id: String) -> Lateness? {
        guard let member = members[id] else { return nil }
        if case .busy(let since) = member.state, step - since > Self.mostLate { return .owes(step: since) }
        return member.backlog.isTooLong ? .unread(bytes: member.backlog.waitingBytes) : nil
    }

    /// Divides the sums of gradients of a step by speed: at least one stays here.
    ///
    /// - Parameters:
    ///   - sums: how many there are.
    ///   - seconds: what a micro-batch takes here; nil before the first step.
    /// - Returns: the sums of each replica that gets some.
    mutating func divide(_ sums: Int, step: Int, ownSeconds seconds: Double?) -> [Part] {
        let free = members.filter { $0.value.state == .ready && !stages.contains($0.key) }.sorted { $0.key < $1.key }
        let known = free.compactMap(\.value.seconds) + [seconds].compactMap(\.self)
        let usual = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
        let speeds = [1 / (seconds ?? usual)] + free.map { 1 / ($0.value.seconds ?? usual) }
        let counts = Self.divide(sums, by: speeds)
        var next = counts[0]
        var parts: [Part] = []
        for (replica, count) in zip(free, counts.dropFirst()) {
            guard count > 0 else {
                members[replica.key]?.seconds? *= Self.doubt
                continue
            }
            parts.append((replica.key, replica.value.session, Array(next..<next + count)))
            members[replica.key]?.state = .busy(step: step)
            next += count
        }
        return parts
    }

    /// Gives every later stage of a step to somebody, if there are enough who have nothing else to do.
    mutating func crew(of count: Int, step: Int) -> [(id: String, session: UInt64)]? {
        let free = stages.prefix(count).compactMap { id in
            members[id].flatMap { $0.state == .ready ? (id: id, session: $0.session) : nil }
        }
        guard free.count == count else { return nil }
        for (id, _) in free { members[id]?.state = .busy(step: step) }
        return free
    }

    /// A replica has computed its part, or walked its stage.
    ///
    /// - Parameter seconds: for one micro-batch.
    /// - Returns: whether it was asked for it.
    mutating func delivered(_ id: String, step: Int, seconds: Double) -> Bool {
        guard members[id]?.state == .busy(step: step) else { return false }
        members[id]?.state = .ready
        // What a stage takes says nothing of a whole micro-batch.
        guard !stages.contains(id) else { return true }
        let before = members[id]?.seconds ?? seconds
        members[id]?.seconds = max(1e-9, 0.5 * before + 0.5 * seconds)
        return true
    }

    /// Whole shares in proportion to speeds, the first at least 1: one after another goes to whoever would have it done
    /// first.
    private static func divide(_ count: Int, by speeds: [Double]) -> [Int] {
        var shares = speeds.map { _ in 0 }
        shares[0] = min(1, count)
        for _ in 0..<max(0, count - 1) {
            let next = speeds.indices.min {
                Double(shares[$0] + 1) / speeds[$0] < Double(shares[$1] + 1) / speeds[$1]
            }
            if let next { shares[next] += 1 }
        }
        return shares
    }
}
