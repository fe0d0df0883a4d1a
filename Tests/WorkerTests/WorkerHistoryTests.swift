import Datasets
import Testing
import Wire

@testable import Worker

/// What a worker asks for before it goes on, where steps follow arrivals.
@Suite("A worker learns what earlier steps have trained")
struct WorkerHistoryTests {
    static func id(_ device: Int, _ index: Int) -> UInt64 {
        SampleReference(device: device, index: index).storeID
    }

    /// Four samples of device a, from an index.
    static func ids(from index: Int) -> [UInt64] { (index..<index + 4).map { id(0, $0) } }

    static func page(after step: UInt64, _ samples: [[UInt64]], isComplete: Bool = true) -> Body {
        .recordedSteps(
            .init(
                after: step,
                steps: samples.enumerated().map { .init(step: step + UInt64($0.offset) + 1, sampleIDs: $0.element) },
                isComplete: isComplete))
    }

    /// A worker with everything of device a in its store.
    static func bench(startStep: Int = 0, used: [UInt64] = []) throws -> WorkerBench {
        var bench = WorkerBench(startStep: startStep, order: .fullEpoch, used: used)
        bench.plan()
        bench.greet("a")
        bench.send("a", .activations(WorkerBench.activations(1, Array(0..<10))))
        return bench
    }

    @Test("it takes no step before it has every page, and then the recorded ones with their samples")
    func pages() throws {
        var bench = try Self.bench()
        #expect(bench.steps.isEmpty && bench.told == [.stepsWanted(after: 0)])
        let first = [Self.id(0, 7), Self.id(0, 1), Self.id(0, 2), Self.id(0, 9)]
        try bench.recall(Self.page(after: 0, [first], isComplete: false))
        #expect(bench.steps.isEmpty && bench.told.last == .stepsWanted(after: 1))
        // It has registered again, and asks for no page that it has. The second answer to the same question is late.
        bench.register()
        #expect(bench.told.last == .stepsWanted(after: 1))
        try bench.recall(Self.page(after: 0, [first], isComplete: false))
        let second = [0, 3, 4, 5].map { Self.id(0, $0) }
        try bench.recall(Self.page(after: 1, [second]))
        bench.endStep()
        #expect(bench.steps.map { $0.map(\.storeID) } == [first, second])
        bench.register()
        #expect(bench.told.filter { if case .stepsWanted = $0 { true } else { false } }.count == 3)
        bench.endStep()
        #expect(bench.steps.count == 2, "two samples are left of device a, and a step has four")
    }

    @Test("what its checkpoint's steps have used is not used again in the epoch")
    func used() throws {
        var bench = try Self.bench(startStep: 1, used: Self.ids(from: 3))
        #expect(bench.told == [.stepsWanted(after: 1)])
        try bench.recall(Self.page(after: 1, []))
        #expect(bench.steps.count == 1)
        #expect(Set(bench.steps[0].map(\.storeID)).isDisjoint(with: Self.ids(from: 3)))
    }

    @Test("in the deterministic order it asks for nothing")
    func deterministic() {
        var bench = WorkerBench(startStep: 1)
        bench.plan()
        #expect(bench.told.isEmpty)
    }

    @Test("a past that does not fit is refused", arguments: 0..<8)
    func unusable(kind: Int) throws {
        let fine = Self.ids(from: 0)
        let (startStep, used, page): (Int, [UInt64], Body) =
            switch kind {
            case 0: (0, [], Self.page(after: 0, [[Self.id(0, 0), Self.id(0, 1), Self.id(0, 2), Self.id(0, 10)]]))
            case 1: (0, [], Self.page(after: 0, [[Self.id(2, 0), Self.id(0, 1), Self.id(0, 2), .max]]))
            case 2: (0, [], Self.page(after: 0, [Array(fine.prefix(3))]))
            case 3: (0, [], .recordedSteps(.init(after: 0, steps: [.init(step: 2, sampleIDs: fine)], isComplete: true)))
            case 4: (0, [], Self.page(after: 0, Array(repeating: fine, count: 9)))
            case 5: (1, [], Self.page(after: 1, []))
            case 6: (0, [], Self.page(after: 0, [], isComplete: false))
            default: (1, [Self.id(1, 6)] + fine.prefix(3), Self.page(after: 1, []))
            }
        var bench = try Self.bench(startStep: startStep, used: used)
        #expect(throws: WorkerError.self) { try bench.recall(page) }
        #expect(bench.steps.isEmpty)
    }

    @Test("a worker that is told to leave while it waits for the answer leaves")
    func leaves() throws {
        var bench = try Self.bench()
        #expect(!bench.machine.isBusy, "it waits for nobody but the coordinator")
        bench.stop()
        #expect(bench.outcome == .stopped)
        var asked = try Self.bench()
        asked.ask()
        try asked.recall(Self.page(after: 0, []))
        #expect(asked.checkpoints == 1 && asked.steps.isEmpty)
    }
}
