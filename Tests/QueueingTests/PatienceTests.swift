import Queueing
import Testing

@Suite("Patience")
struct PatienceTests {
    /// Looks every second up to a moment, from a second after another.
    private func looks(
        _ patience: inout Patience, from: Int, to: Int, isBusy: (Int) -> Bool = { _ in false }
    ) -> Int? {
        for second in (from + 1)...to where patience.end(isBusy: isBusy(second), now: .seconds(second)) != nil {
            return second
        }
        return nil
    }

    @Test("it ends when nothing was heard for its limit, also before the first word")
    func limit() {
        var patience = Patience(limit: .seconds(60))
        #expect(looks(&patience, from: 0, to: 100) == 60)
        #expect(patience.end(isBusy: false, now: .seconds(61)) == .seconds(60))
    }

    @Test("every word of the coordinator begins it anew")
    func heard() {
        var patience = Patience(limit: .seconds(60))
        for minute in 0..<10 {
            #expect(looks(&patience, from: minute * 50, to: minute * 50 + 50) == nil)
            patience.heard(now: .seconds(minute * 50 + 50))
        }
        #expect(looks(&patience, from: 500, to: 600) == 560)
    }

    @Test("who gets on without the coordinator does not wait; only what comes after that counts")
    func busy() {
        var patience = Patience(limit: .seconds(60))
        #expect(looks(&patience, from: 0, to: 10_000) { $0 < 9_000 } == 9_059)
        // A moment of work in every minute is getting on.
        patience = Patience(limit: .seconds(60))
        #expect(looks(&patience, from: 0, to: 10_000) { $0 % 60 == 0 } == nil)
    }

    @Test("the hours that a machine slept, or a process was stopped, are not waited")
    func slept() {
        var patience = Patience(limit: .seconds(60))
        #expect(looks(&patience, from: 0, to: 30) == nil)
        #expect(patience.end(isBusy: false, now: .seconds(7200)) == nil)
        #expect(looks(&patience, from: 7200, to: 7300) == 7220)
    }

    @Test("without a limit it never ends")
    func forEver() {
        var patience = Patience(limit: nil)
        #expect(looks(&patience, from: 0, to: 100_000) == nil)
    }

    @Test("its error names the endpoint, the time and what to do")
    func error() {
        let error = PatienceError.coordinatorSilent(endpoint: "tcp://server:7070", seconds: 3600)
        #expect(error.problem == "No coordinator was heard of at tcp://server:7070 for 3600 s")
        #expect(error.exitCode == .coordinatorLost && error.remedy.contains("--patience"))
    }
}
