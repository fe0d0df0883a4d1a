import Randomness
import Testing

@testable import Queueing

@Suite("Back-off, silence and what a link knows")
struct LinkMachineTests {
    @Test("waits double from the first to the longest, each within its jitter, and differ between two")
    func backoff() {
        var spread: Set<Duration> = []
        for seed in 0..<50 as Range<UInt64> {
            var backoff = Backoff(seed: seed)
            var now = Duration.seconds(100)
            for expected in [1, 2, 4, 8, 16, 30, 30, 30] {
                backoff.plan(now: now)
                let due = backoff.due ?? .zero
                #expect(due - now >= .seconds(expected) * 0.5 && due - now <= .seconds(expected) * 1.5)
                backoff.plan(now: now + .seconds(1000))
                #expect(backoff.due == due, "a plan is kept")
                let early = backoff.isDue(now: due - .nanoseconds(1)), onTime = backoff.isDue(now: due)
                #expect(!early && onTime && backoff.due == nil)
                if expected == 8 { spread.insert(due - now) }
                now = due
            }
            backoff.reset()
            backoff.plan(now: now)
            #expect((backoff.due ?? .zero) - now <= .seconds(1.5))
        }
        #expect(spread.count == 50)
    }

    @Test("who hears nothing introduces itself after the limit and then after growing waits, until it hears something")
    func silence() {
        var watch = SilenceWatch(limit: .seconds(10), backoff: Backoff(jitter: 0))
        #expect(watch.due == nil)
        watch.heard(now: .seconds(5))
        #expect(watch.due == .seconds(15))
        watch.heard(now: .seconds(7))
        let early = watch.isDue(now: .seconds(16.9))
        #expect(!early)
        for expected in [17, 18, 20, 24, 32, 48, 78, 108] as [Int64] {
            #expect(watch.due == .seconds(expected))
            let isDue = watch.isDue(now: .seconds(expected))
            #expect(isDue)
        }
        watch.heard(now: .seconds(110))
        #expect(watch.due == .seconds(120))
        watch.disconnected()
        #expect(watch.due == nil)
    }

    @Test("a socket that ZeroMQ gave up is replaced, one that it tries again is not")
    func replacing() {
        var machine = LinkMachine(backoff: Backoff(jitter: 0))
        let connected = machine.observed(.handshakeSucceeded, now: .zero)
        #expect(connected == [.connected] && machine.isConnected && machine.due == nil)
        let lost = machine.observed(.disconnected, now: .seconds(1))
        #expect(lost == [.disconnected] && !machine.isConnected && machine.due == .seconds(2))
        let retried = machine.observed(.retried, now: .seconds(1))
        #expect(retried == [.retrying] && machine.due == nil)
        let refused = machine.observed(.authenticationFailed(status: 400), now: .seconds(3))
        #expect(refused.count == 1 && machine.due != nil)
        let again = machine.observed(.disconnected, now: .seconds(3))
        #expect(again == [], "what never was is not lost")
        let due = machine.due ?? .zero
        let early = machine.mustReplaceSocket(now: due - .milliseconds(1)), late = machine.mustReplaceSocket(now: due)
        #expect(!early && late && machine.due == nil)
    }

    @Test(
        "an attempt of which nothing is heard is given up, and one that is done or of which something is heard is not")
    func stuck() {
        var machine = LinkMachine(attemptTimeout: .seconds(60), backoff: Backoff(jitter: 0))
        #expect(machine.due == nil, "nothing is under way before the first attempt")
        machine.began(now: .zero)
        #expect(machine.due == .seconds(60))
        _ = machine.observed(.retried, now: .seconds(50))
        let early = machine.mustReplaceSocket(now: .seconds(109)), late = machine.mustReplaceSocket(now: .seconds(110))
        #expect(!early && late)
        machine.began(now: .seconds(110))
        #expect(machine.due == .seconds(170))
        _ = machine.observed(.handshakeSucceeded, now: .seconds(120))
        #expect(machine.due == nil, "heartbeats watch a connection")
        _ = machine.observed(.authenticationFailed(status: 400), now: .seconds(200))
        #expect(machine.due == .seconds(201), "a wait that is planned is kept")
    }
}
