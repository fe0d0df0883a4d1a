import Diagnostics
import Dispatch
import Foundation
import Testing

@Suite("Traces")
struct TraceTests {
    private struct Event: Decodable {
        let ph: String
        let pid: Int
        let tid: Int
        let name: String
        let ts: Double?
        let dur: Double?
        let args: [String: Value]
    }

    private enum Value: Decodable, Equatable {
        case number(Double)
        case text(String)
        case null

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    private func withFile(_ body: (URL) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("trace-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try body(file)
    }

    private func events(_ text: Data) throws -> [Event] { try JSONDecoder().decode([Event].self, from: text) }

    @Test("a trace is a list of events in JSON, whose times are microseconds and whose rows and roles have their names")
    func format() throws {
        try withFile { file in
            let trace = try Trace(file: file.path), text = "a \"quoted\" \\ \n\u{1} é🙂"
            let start = ContinuousClock.now
            let tracer = trace.role(text), other = trace.role("device-1")
            let span = start + .microseconds(1500)
            tracer.span("F", row: text, from: span, to: span + .nanoseconds(2_000_250), ["micro-batch": .number(3)])
            tracer.moment("stored", row: "from device-1", at: span, ["why": .text(text), "loss": .real(.nan)])
            other.count("credit", at: span, ["bytes": .number(-1), "share": .real(0.25)])
            other.span("F", row: text, from: span, to: span)
            #expect(try trace.finish() == 9)
            tracer.moment("late", row: text)

            let found = try events(Data(contentsOf: file))
            #expect(found.map(\.ph) == ["M", "M", "M", "X", "M", "i", "C", "M", "X"])
            #expect(found.map(\.pid) == [1, 2, 1, 1, 1, 1, 2, 2, 2])
            #expect(found.filter { $0.ph == "M" }.map(\.args["name"]).contains(.text(text)))
            #expect(found[3].dur == 2000.25 && found[3].args == ["micro-batch": .number(3)])
            // Between the file's begin and this one nothing takes a second.
            #expect((1500..<1_001_500).contains(found[3].ts ?? 0))
            #expect(found[3].ts == found[5].ts && found[5].args == ["why": .text(text), "loss": .null])
            #expect(found[6].args == ["bytes": .number(-1), "share": .number(0.25)] && found[6].tid == 0)
            // Rows of two roles are two, even with one name.
            #expect(Set([found[3].tid, found[5].tid, found[8].tid]).count == 3)
        }
    }

    @Test("a file that was cut off behind any event can be read, and holds all but the newest events while it grows")
    func cut() throws {
        try withFile { file in
            let trace = try Trace(file: file.path), tracer = trace.role("worker-1")
            let count = 20_000
            for number in 0..<count { tracer.moment("stored", row: "messages", ["sequence": .number(number)]) }
            let text = try String(contentsOf: file, encoding: .utf8)
            let found = try events(Data((text + "\n]").utf8))
            // What waits in memory is a piece of text, however long the trace is.
            #expect(found.count > count - 2000 && text.utf8.count > 1 << 20)
            for length in [2, 100, 1000] {
                let lines = text.split(separator: "\n").prefix(length).joined(separator: "\n")
                #expect(try events(Data((lines.trimmingSuffix(",") + "]").utf8)).count == length - 1)
            }
            #expect(try trace.finish() == count + 2)
        }
    }

    @Test("threads write side by side, and spans that overlap have rows of their own")
    func threads() throws {
        try withFile { file in
            let trace = try Trace(file: file.path), tracer = trace.role("worker-1")
            let lanes = TracedLanes(tracer, name: "F0")
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                for number in 0..<500 {
                    let lane = lanes.take()
                    tracer.moment("stored", row: "messages", ["thread": .number(thread), "number": .number(number)])
                    lane.end()
                }
            }
            _ = try trace.finish()
            let found = try events(Data(contentsOf: file))
            #expect(found.count { $0.name == "stored" } == 4000)
            var ends: [Int: Double] = [:]
            for span in found.filter({ $0.ph == "X" }).sorted(by: { ($0.ts ?? 0) < ($1.ts ?? 0) }) {
                #expect(span.ts ?? 0 >= ends[span.tid] ?? 0)
                ends[span.tid] = (span.ts ?? 0) + (span.dur ?? 0)
            }
            #expect((1...8).contains(ends.count))
        }
    }

    @Test("a wait is one span from its begin to its end, however often it is looked at")
    func wait() throws {
        try withFile { file in
            let trace = try Trace(file: file.path), tracer = trace.role("worker-1"), start = ContinuousClock.now
            var wait = TracedWait("no credit", row: "credit")
            for (milliseconds, isWaiting) in [(0, false), (1, true), (2, true), (5, false), (6, false), (7, true)] {
                wait.update(isWaiting, tracer, now: start + .milliseconds(milliseconds))
            }
            _ = try trace.finish()
            #expect(try events(Data(contentsOf: file)).compactMap(\.dur) == [4000])
        }
    }

    @Test("a file that cannot be made is refused, and a disk that fills up ends the trace and nothing else")
    func unwritable() throws {
        #expect(throws: TraceError.unwritable(file: "/nowhere/trace.json", reason: "No such file or directory")) {
            try Trace(file: "/nowhere/trace.json")
        }
        let trace = try Trace(file: "/dev/full"), tracer = trace.role("worker-1")
        for _ in 0..<2000 { tracer.moment("stored", row: "messages") }
        #expect(throws: TraceError.unwritable(file: "/dev/full", reason: "No space left on device")) {
            try trace.finish()
        }
    }

    @Test("the median of late times is that of the newest ones")
    func median() {
        var times = LateTimes()
        #expect(times.median == nil)
        for seconds in [3, 1, 2] { times.add(.seconds(seconds)) }
        #expect(times.median == 2)
        for _ in 0..<600 { times.add(.seconds(9)) }
        #expect(times.median == 9)
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : String(self)
    }
}
