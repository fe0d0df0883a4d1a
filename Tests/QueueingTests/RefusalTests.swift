import Randomness
import Testing
import Wire

@testable import Queueing

@Suite("Refusals")
struct RefusalTests {
    @Test("every reason has a name of its own, by which it is found again, and a sentence")
    func names() {
        let reasons = Refusals.Reason.allCases
        #expect(Set(reasons.map(\.name)).count == reasons.count && reasons.count == 5 + ProtocolError.allCases.count)
        for reason in reasons {
            #expect(Refusals.Reason(name: reason.name) == reason && !reason.meaning.isEmpty)
        }
        #expect(Refusals.Reason(name: "message(storeFull)") == nil && Refusals.Reason(name: "") == nil)
    }

    @Test("what a worker tells is what it counted; names that nobody knows are left out")
    func told() {
        var refusals = Refusals()
        refusals.count(.revokedKey, 3, last: "gateway-7")
        refusals.count(.message(.malformedHeader), 1234)
        refusals.count(.unfinishedHandshake, 0)
        var told = refusals.told
        #expect(told.map(\.reason) == ["revokedKey", "malformedHeader"])
        #expect(Refusals(told) == refusals)
        told += [.init(reason: "weather", count: 5)]
        #expect(Refusals(told) == refusals)
        #expect(refusals.total(ofMessages: true) == 1234 && refusals.total(ofMessages: false) == 3)
        refusals.add(refusals)
        #expect(refusals.total(ofMessages: true) == 2468 && refusals.entries[.revokedKey]?.last == "gateway-7")
    }

    @Test("the first refusal is told at once, a flood once in ten seconds for each reason, and nothing is left out")
    func flood() {
        var generator = SeededGenerator(seed: 9, stream: "refusals")
        var news = RefusalNews(), refusals = Refusals(), notices: [RefusalNotice] = []
        for second in 0..<100 {
            for _ in 0..<1000 {
                refusals.count(Bool.random(using: &generator) ? .message(.missingBody) : .message(.malformedHeader))
            }
            if second == 42 { refusals.count(.foreignSender, last: "gateway-7") }
            notices += news.notices(of: refusals, now: .seconds(second))
        }
        #expect(notices.count == 2 * 10 + 1)
        notices += news.notices(of: refusals, now: .seconds(101))
        #expect(news.notices(of: refusals, now: .seconds(1000)).isEmpty)
        #expect(notices.reduce(0) { $0 + $1.count } == refusals.total(ofMessages: true))
        #expect(notices.filter { $0.reason == .foreignSender }.map(\.last) == ["gateway-7"])
    }

    @Test("connections of which nothing is told are counted when no handshake of theirs can be under way any more")
    func silence() {
        var generator = SeededGenerator(seed: 10, stream: "silence")
        var silent = SilentHandshakes(handshakeTimeout: .seconds(3))
        var counts = ConnectionCounts(), underWay: [(from: Int, isSilent: Bool)] = [], scanned = 0
        for tick in 0..<1000 {
            for _ in 0..<(tick < 900 ? Int.random(in: 0...3, using: &generator) : 0) {
                counts.accepted += 1
                underWay.append((tick, .random(using: &generator)))
            }
            // A handshake is over after three seconds at the latest, with word or without.
            underWay.removeAll { connection in
                let isOver = tick - connection.from >= 15 || Int.random(in: 0..<5, using: &generator) == 0
                guard isOver else { return false }
                if connection.isSilent {
                    scanned += 1
                } else if Bool.random(using: &generator) {
                    counts.completed += 1
                } else {
                    counts.broken += 1
                }
                return true
            }
            silent.look(counts, now: .milliseconds(200 * tick))
            #expect(silent.count <= scanned)
        }
        #expect(silent.count == scanned && scanned > 100)
    }

    @Test("a role that was started again begins to count at nothing")
    func restart() {
        var news = RefusalNews(), refusals = Refusals()
        refusals.count(.unknownKey, 100)
        #expect(news.notices(of: refusals, now: .zero).map(\.count) == [100])
        refusals = Refusals()
        refusals.count(.unknownKey, 7)
        #expect(news.notices(of: refusals, now: .seconds(20)).map(\.count) == [7])
    }

    @Test("a line says what, how often, since when and by whom, and nothing in it moves a terminal's cursor")
    func lines() {
        var notice = RefusalNotice(reason: .message(.malformedHeader), count: 1234, period: .seconds(10), last: nil)
        #expect(
            notice.description == "refused 1234 messages in 10 s: The header frame is no readable Header (3)")
        notice = RefusalNotice(reason: .revokedKey, count: 1, period: nil, last: "gate\u{1B}[2J\n\u{202E}way")
        #expect(
            notice.description
                == "refused 1 handshake: The key was revoked; the last by gate\u{FFFD}[2J\u{FFFD}\u{FFFD}way")
    }
}
