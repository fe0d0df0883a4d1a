import Diagnostics
import Foundation
import Support
import Testing

@testable import Runs

@Suite("Traces of runs")
struct TracedRunTests {
    private struct Event: Decodable {
        let ph: String
        let pid: Int
        let tid: Int
        let name: String
        let ts: Double?
        let dur: Double?
    }

    /// An embedded run of ten steps with three micro-batches each, on three devices of which two leave blocks out.
    private func train(_ overrides: [String], traced file: URL?) throws -> TrainingSetup {
        let forms = FormExactnessTests(), trace = try file.map { try Trace(file: $0.path) }
        let setup = try forms.setup(TrainedForm("adapters"), .llama, overrides, tracer: trace?.role("worker-1"))
        let run = try EmbeddedRun(setup, shards: forms.shards(.verbalizer), run: "traced", trace: trace)
        let outcome = try run.train { _ in }
        guard case .completed = outcome else {
            Issue.record("the run ended as \(outcome)")
            return setup
        }
        _ = try trace?.finish()
        return setup
    }

    private func expectNested(_ events: [Event]) {
        for (_, spans) in Dictionary(grouping: events.filter { $0.ph == "X" }, by: \.tid) {
            var open: [Double] = []
            for span in spans.sorted(by: { ($0.ts ?? 0, -($0.dur ?? 0)) < ($1.ts ?? 0, -($1.dur ?? 0)) }) {
                let start = span.ts ?? -1, end = start + (span.dur ?? -1)
                // A nanosecond is lost to rounding here and there.
                while let last = open.last, last <= start + 0.01 { open.removeLast() }
                #expect(start >= 0 && end >= start && end <= (open.last ?? .infinity) + 0.01, "\(span)")
                open.append(end)
            }
        }
    }

    @Test(
        "a trace has every operation and message of the run, spans in order, and changes nothing that is trained",
        arguments: [1, 2])
    func whole(stages: Int) throws {
        try Fixtures.withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("trace.json")
            let overrides = stages > 1 ? ["pipeline.stages=\(stages)", "pipeline.schedule=zb-h1"] : []
            let traced = try train(overrides, traced: file), plain = try train(overrides, traced: nil)
            #expect(traced.parameters.flat.values == plain.parameters.flat.values)

            let events = try JSONDecoder().decode([Event].self, from: Data(contentsOf: file))
            expectNested(events)
            func count(_ name: String, role: Int? = nil) -> Int {
                events.count { $0.name == name && $0.ph != "M" && (role == nil || $0.pid == role) }
            }
            let microBatches = 10 * 3
            #expect(count("step") == 10 && count("optimizer step") == 10)
            #expect(count("F") == stages * microBatches)
            #expect(count("B+W") == (stages > 1 ? 0 : microBatches))
            for name in ["B", "W"] { #expect(count(name) == (stages > 1 ? stages * microBatches : 0)) }
            for stage in 1...stages where stages > 1 {
                #expect(count("stash of stage \(stage)") == 3 * microBatches)
            }
            // Each message is computed, sent, received, stored and acknowledged, and those of weaker devices get F0.
            let messages = count("received")
            #expect(messages >= 10 && count("stored") == messages && count("sent") == messages)
            #expect(count("acknowledged", role: 1) == messages && count("acknowledged") == 2 * messages)
            #expect(count("queue") > 0 && count("credit") > 0)
            #expect((2...4).reduce(0) { $0 + count("F0", role: $1) } == messages)
            // A span for each block.
            #expect(count("F0", role: 1) > 0 && count("F0", role: 1) < 4 * messages)
            #expect(Set(events.map(\.pid)) == [1, 2, 3, 4])
        }
    }

    @Test(
        "of a method that trains on devices both sides' work and messages are there, and nothing that is trained changes",
        arguments: [
            (TrainedForm("splitlora", "training.method=splitlora", "method.cut=2"), ["F", "B+W, optimizer step"]),
            (TrainedForm("fedlora", "training.method=fedlora", "method.local_steps=2"), ["F, B+W, optimizer step"]),
            (
                TrainedForm("hosl", "training.method=hosl", "method.cut=2", "method.pairs=2"),
                ["probe, F", "F", "probe"]
            ),
        ])
    func methods(form: TrainedForm, names: [String]) throws {
        try Fixtures.withTemporaryFolder { folder in
            let scene = try MethodScene(form), file = folder.appendingPathComponent("trace.json")
            let trace = try Trace(file: file.path)
            let setup = try FormExactnessTests().setup(form, .llama, tracer: trace.role("worker-1"))
            let run = try MethodRun(setup, shards: scene.shards, run: "traced", trace: trace)
            #expect(try run.train { _ in }.isCompleted)
            _ = try trace.finish()
            #expect(try setup.parameters.flat.values == scene.byHand().parameters)

            let events = try JSONDecoder().decode([Event].self, from: Data(contentsOf: file))
            expectNested(events)
            func count(_ name: String, isServer: Bool) -> Int {
                events.count { $0.name == name && $0.ph != "M" && ($0.pid == 1) == isServer }
            }
            for device in 2...4 {
                let spans = events.filter { $0.pid == device && $0.ph == "X" && !$0.name.hasPrefix("no word") }
                #expect(Set(spans.map(\.name)) == Set(names), "device \(device)")
            }
            // Each message is one part here, and comes once.
            #expect(count("sent", isServer: true) > 0 && count("sent", isServer: false) > 0)
            #expect(count("received", isServer: false) == count("sent", isServer: true))
            #expect(count("received", isServer: true) == count("sent", isServer: false))
            #expect(count("no word of the server", isServer: false) > 0)
            #expect(count("no word of a device", isServer: true) > 0)
            let perDevice = Dictionary(grouping: names.map { count($0, isServer: false) }, by: { $0 > 0 })
            #expect(perDevice[false] == nil)
            if names == ["F", "B+W, optimizer step"] {
                #expect(count(names[0], isServer: false) == setup.totalSteps)
                #expect(count(names[1], isServer: false) == setup.totalSteps)
            }
            if names.count == 1 { #expect(count(names[0], isServer: false) == 3 * setup.totalSteps) }
        }
    }

    @Test("a device that has something to send and no credit is seen to wait, as long as it does")
    func credit() throws {
        try Fixtures.withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("trace.json")
            // Less than a message: its second part waits for the first one's acknowledgement.
            _ = try train(["devices.credit_bytes=1KiB"], traced: file)
            let events = try JSONDecoder().decode([Event].self, from: Data(contentsOf: file))
            expectNested(events)
            for role in 2...4 {
                let waits = events.filter { $0.pid == role && $0.name == "no credit" }
                #expect(!waits.isEmpty && waits.allSatisfy { $0.dur ?? 0 > 0 }, "role \(role)")
            }
        }
    }
}
