import Foundation
import Logging
import Logs
import Synchronization
import Testing

@Suite("A role's log")
struct RoleLogTests {
    private enum News {
        case device(Event)
        case invited(run: String)
    }

    private enum Event {
        case joined(worker: String, settled: Int, of: UInt64)
        case deviceArrived(String)
        case refused(by: Role, reason: String)
        case measured(Figures, names: [String], missing: String?)
        case quiet
    }

    private enum Role { case coordinator }

    private struct Figures {
        let lossSum: Double
        let accuracy: Double
        let isFull: Bool
        let pause: Duration
        let sampleIDs: [UInt64]
    }

    /// What was written.
    private final class Paper: LineSink {
        let lines = Mutex<[String]>([])
        let states = Mutex<[String]>([])
        func line(_ text: String) { lines.withLock { $0.append(text) } }
        func status(_ text: @autoclosure () -> String) {
            let text = text()
            states.withLock { $0.append(text) }
        }
        var objects: [NSDictionary] {
            lines.withLock { $0 }.compactMap {
                (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? NSDictionary
            }
        }
    }

    private func log(_ format: LogFormat, _ level: Logger.Level = .info) -> (RoleLog, text: Paper, json: Paper) {
        let text = Paper(), json = Paper()
        let log = RoleLog(role: "device", id: "device-1", format: format, level: level, output: text) { json.line($0) }
        return (log, text, json)
    }

    @Test("an event is one line of JSON with time, level, run, role, id, its name, its text and its fields")
    func json() throws {
        let (log, text, json) = log(.json)
        log.set(run: "movies-1")
        log.event(News.device(.joined(worker: "worker-1", settled: 4, of: 8)), level: { _ in .info }) {
            log.line("joined    worker-1,")
            log.line("which has 4")
        }
        #expect(text.lines.withLock { $0 }.isEmpty && json.objects.count == 1)
        var line = try #require(json.objects.first as? [String: Any])
        let time = try #require(line.removeValue(forKey: "time") as? String)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
        let expected: NSDictionary = [
            "level": "info", "run": "movies-1", "role": "device", "id": "device-1", "event": "joined",
            "text": "joined    worker-1,\nwhich has 4", "fields": ["worker": "worker-1", "settled": 4, "of": 8],
        ]
        #expect(line as NSDictionary == expected)
    }

    @Test("in text an event's lines are what was printed, and its status stays one")
    func text() {
        let (log, text, json) = log(.text)
        log.event(News.device(.quiet), level: { _ in .info }) {
            log.line("one")
            log.line("two")
        }
        log.status("half")
        log.line("three")
        #expect(text.lines.withLock { $0 } == ["one\ntwo", "three"] && text.states.withLock { $0 } == ["half"])
        #expect(json.lines.withLock { $0 }.isEmpty)
    }

    @Test("levels leave out what is below them; an event without a line is for debugging")
    func levels() {
        let (log, text, _) = log(.text, .warning)
        log.event(Event.quiet, level: { _ in .info }) { log.line("not this") }
        log.event(Event.quiet, level: { _ in .warning }) { log.line("this") }
        log.status("nor that")
        #expect(text.lines.withLock { $0 } == ["this"] && text.states.withLock { $0 }.isEmpty)
        for (level, count) in [(Logger.Level.info, 0), (.debug, 1)] {
            let (log, _, json) = self.log(.json, level)
            log.event(Event.quiet, level: { _ in .info }) { log.status("not written") }
            #expect(json.lines.withLock { $0 }.count == count)
        }
    }

    @Test("a text from elsewhere breaks no line and no JSON")
    func hostileText() throws {
        let (log, _, json) = log(.json)
        let text = "\u{1B}[2J\n\"}{\u{0}\u{2028}é" + String(repeating: "x", count: 5000)
        log.event(Event.deviceArrived(text), level: { _ in .info }) { log.line("arrived") }
        #expect(json.lines.withLock { $0 }.allSatisfy { !$0.contains("\n") })
        let fields = try #require(json.objects.first?["fields"] as? [String: String])
        #expect(fields == ["peer": String(text.prefix(1024))])
    }

    @Test("what an event holds becomes fields: names in snake case, numbers, flags and lists of names, nothing else")
    func fields() {
        let figures = Figures(
            lossSum: 0.5, accuracy: .nan, isFull: true, pause: .milliseconds(1500), sampleIDs: [1, 2, 3])
        let measured = EventDescription(Event.measured(figures, names: ["a", "b"], missing: nil))
        #expect(measured.name == "measured")
        #expect(Set(measured.fields.keys) == ["loss_sum", "is_full", "pause_seconds", "names"])
        #expect(
            measured.fields["loss_sum"]?.description == "0.5" && measured.fields["pause_seconds"]?.description == "1.5")
        let refused = EventDescription(News.device(.refused(by: .coordinator, reason: "no key")))
        #expect(refused.fields == ["by": "coordinator", "reason": "no key"])
        #expect(EventDescription(Event.deviceArrived("d")).name == "device_arrived")
        #expect(EventDescription(News.invited(run: "r")).fields == ["run": "r"])
        #expect(EventDescription(Event.quiet).name == "quiet")
    }

    @Test(
        "a flood of events of one kind has few lines, the count of the rest is told, and other kinds are not concerned")
    func flood() {
        let (log, _, json) = log(.json)
        for _ in 0..<100_000 { log.note("refused", .warning, "refused") }
        log.note("here", .info, "here")
        // More where the machine was so slow that windows have passed.
        let refused = json.objects.filter { $0["event"] as? String == "refused" }
        #expect((LogBudget.lines..<20 * LogBudget.lines).contains(refused.count))
        #expect(json.objects.last?["event"] as? String == "here")

        var budget = LogBudget()
        for count in 1...2000 {
            let (isGranted, leftOut) = budget.take("refused", now: .seconds(1))
            #expect(isGranted == (count <= LogBudget.lines) && leftOut == 0)
        }
        #expect(budget.take("here", now: .seconds(1)) == (true, 0))
        #expect(budget.take("refused", now: .seconds(11)) == (true, 2000 - LogBudget.lines))
        #expect(budget.take("refused", now: .seconds(12)) == (true, 0))
    }
}
