/// Who is to hear that a run has ended before its coordinator leaves, and until when each of them is waited for.
struct Farewell: Equatable {
    /// Whoever is there leaves sooner, and nobody has to be told of it.
    private static let newsDelay = Duration.seconds(2)

    private var deadlines: [String: Duration]
    /// Nil once it was told who is waited for.
    private var newsDue: Duration?

    /// - Parameters:
    ///   - present: who was there when the run ended, and until when each may leave.
    ///   - away: who was not, and until when each may come.
    init(
        present: (ids: [String], until: Duration), away: (ids: [String], until: Duration), now: Duration
    ) {
        deadlines = Dictionary(
            present.ids.map { ($0, present.until) } + away.ids.map { ($0, away.until) }, uniquingKeysWith: max)
        newsDue = now + Self.newsDelay
        // Whoever is not to be waited for at all.
        deadlines = deadlines.filter { $0.value > now }
    }

    /// Whether nobody is waited for.
    var isOver: Bool { deadlines.isEmpty }

    /// Somebody has come late, and was told. It may take as long to leave as anybody.
    mutating func came(_ id: String) {
        if deadlines[id] == nil { deadlines[id] = deadlines.values.max() }
    }

    /// Somebody has left.
    mutating func left(_ id: String) { deadlines[id] = nil }

    /// Gives up those whose time is over.
    mutating func expire(now: Duration) { deadlines = deadlines.filter { $0.value >= now } }

    /// Who is waited for, and how much longer at most; told once, when that takes a while.
    mutating func news(now: Duration) -> (ids: [String], limit: Duration)? {
        guard let due = newsDue, now >= due, let end = deadlines.values.max() else { return nil }
        newsDue = nil
        return (deadlines.keys.filter { !$0.isEmpty }.sorted(), end - now)
    }
}
