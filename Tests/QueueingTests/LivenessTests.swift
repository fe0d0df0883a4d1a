import Queueing
import Testing

@Suite("Liveness")
struct LivenessTests {
    @Test("a peer is lost once after a silence longer than the limit, and again when it was heard in between")
    func silence() {
        var liveness = Liveness(limit: .seconds(10))
        liveness.heard("b", now: .zero)
        liveness.heard("a", now: .zero)
        liveness.heard("c", now: .seconds(5))
        #expect(liveness.lost(now: .seconds(10)) == [])
        #expect(liveness.lost(now: .seconds(11)) == ["a", "b"])
        #expect(liveness.lost(now: .seconds(12)) == [])
        liveness.heard("a", now: .seconds(13))
        #expect(liveness.lost(now: .seconds(24)) == ["a", "c"])
    }

    @Test("a peer that left as it should is not lost")
    func departure() {
        var liveness = Liveness(limit: .seconds(10))
        liveness.heard("a", now: .zero)
        liveness.forget("a")
        #expect(liveness.lost(now: .seconds(100)) == [])
    }
}
