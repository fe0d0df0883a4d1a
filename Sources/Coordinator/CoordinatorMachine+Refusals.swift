import Ledger
import Queueing

/// What one listening socket of the run has refused, and what is known of that already.
struct RefusalBook {
    /// Who listens.
    struct Source: Hashable {
        let role: String
        let id: String
    }

    var news = RefusalNews()
    var recorded = Refusals()
    /// Counts may grow with every message; they are recorded about as often as cursors.
    var nextRecord = Duration.zero
}

// What strangers tried.
extension CoordinatorMachine {
    /// What the coordinator's own socket has refused since it was started.
    mutating func refused(_ refusals: Refusals, now: Duration) -> [Action] {
        follow(refusals, of: .init(role: "coordinator", id: "coordinator"), now: now)
        defer { actions = [] }
        return actions
    }

    /// Logs what is new, and records the counts.
    mutating func follow(_ counts: Refusals, of source: RefusalBook.Source, now: Duration) {
        var book = refusals[source] ?? RefusalBook()
        for notice in book.news.notices(of: counts, now: now) {
            event(notice.reason.isOrdinary ? .info : .warning, source.id, notice.description)
            if source.role == "coordinator" { notify(.refused(notice)) }
        }
        if counts != book.recorded, now >= book.nextRecord {
            book.recorded = counts
            book.nextRecord = now + Self.cursorInterval
            record(.refusals(RefusalRecord(counts, run: settings.run, source)))
        }
        refusals[source] = book
    }
}

extension RefusalRecord {
    fileprivate init(_ refusals: Refusals, run: String, _ source: RefusalBook.Source) {
        self.init(
            run: run, role: source.role, source: source.id, handshakes: refusals.total(ofMessages: false),
            messages: refusals.total(ofMessages: true),
            reasons: Dictionary(uniqueKeysWithValues: refusals.entries.map { ($0.key.name, $0.value.count) }))
    }
}
