import Diagnostics
import Testing

@Suite("Whether a loop turns")
struct LoopPulseTests {
    @Test("a loop that has not begun, or has ended, is not silent; one that stands still is, once the limit has passed")
    func silence() {
        let pulse = LoopPulse(), begin = ContinuousClock.now
        #expect(pulse.silence(now: begin + .seconds(1000)) == nil)
        pulse.beat(now: begin)
        #expect(pulse.silence(now: begin + LoopPulse.limit) == nil)
        #expect(pulse.silence(now: begin + LoopPulse.limit + .seconds(1)) == LoopPulse.limit + .seconds(1))
        pulse.beat(now: begin + .seconds(90))
        #expect(pulse.silence(now: begin + .seconds(100)) == nil)
        pulse.rest()
        #expect(pulse.silence(now: begin + .seconds(1000)) == nil)
    }
}
