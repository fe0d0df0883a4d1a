import Randomness
import Testing

@testable import Worker

@Suite("What passes and steps cost")
struct SharedTimeTests {
    @Test("a pass alone costs its time divided by the threads, a step alone all of it")
    func alone() {
        var time = SharedTime(threads: 2)
        let pass = time.beginPass(now: .seconds(1))
        #expect(time.end(pass, now: .seconds(5)) == .seconds(2))
        time.beginStep(now: .seconds(5))
        #expect(time.endStep(now: .seconds(8)) == .seconds(3))
    }

    @Test("a step that waits for a pass does not cost what the pass did")
    func together() {
        var time = SharedTime(threads: 1)
        let pass = time.beginPass(now: .seconds(0))
        time.beginStep(now: .seconds(1))
        #expect(time.end(pass, now: .seconds(4)) == .seconds(4))
        #expect(time.endStep(now: .seconds(6)) == .seconds(2))
    }

    @Test("a pass that outlasts the step beside it lessens the next one")
    func overlapping() {
        var time = SharedTime(threads: 1)
        time.beginStep(now: .seconds(0))
        let pass = time.beginPass(now: .seconds(1))
        #expect(time.endStep(now: .seconds(3)) == .seconds(3))
        #expect(time.end(pass, now: .seconds(4)) == .seconds(3))
        time.beginStep(now: .seconds(4))
        #expect(time.endStep(now: .seconds(9)) == .seconds(3))
    }

    @Test("threads that never rest cost together what passes on the clock", arguments: [1, 2, 5], 0..<5)
    func conserved(threads: Int, round: Int) {
        var generator = SeededGenerator(seed: 3, stream: "shared-time-\(threads)-\(round)")
        var time = SharedTime(threads: threads)
        var passes = (0..<threads).map { _ in time.beginPass(now: .zero) }
        var now = Duration.zero, cost = Duration.zero, isStepping = false
        for _ in 0..<1000 {
            now += .milliseconds(Int.random(in: 1...100, using: &generator))
            let place = Int.random(in: 0..<(2 * threads), using: &generator)
            if place < threads {
                cost += time.end(passes[place], now: now)
                passes[place] = time.beginPass(now: now)
            } else if isStepping {
                cost += time.endStep(now: now)
                isStepping = false
            } else {
                time.beginStep(now: now)
                isStepping = true
            }
        }
        for pass in passes { cost += time.end(pass, now: now) }
        // What passes did beside the last steps may still wait for a step to be lessened; so may the step under way.
        let left = isStepping ? time.endStep(now: now) : .zero
        let error = abs((cost + left - now) / .seconds(1)) / (now / .seconds(1))
        #expect(error < 0.05, "\(threads) threads: \(cost + left) of \(now)")
    }
}
