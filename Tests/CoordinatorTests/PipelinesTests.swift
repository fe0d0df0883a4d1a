import Randomness
import Testing

@testable import Coordinator

@Suite("Places in pipelines")
struct PipelinesTests {
    private static func filled(_ replicas: Int, _ stages: Int, _ there: [String]) -> Pipelines {
        var pipelines = Pipelines(replicas: replicas, stages: stages)
        pipelines.fill(owner: "w", there, leaving: [])
        return pipelines
    }

    @Test("the first stages of all pipelines come first, and then the later ones, pipeline by pipeline")
    func order() {
        #expect(Self.filled(2, 3, ["a"]).recorded == [["w"], ["a"]])
        #expect(Self.filled(2, 3, ["a", "b"]).recorded == [["w", "b"], ["a"]])
        #expect(Self.filled(2, 3, ["a", "b", "c", "d"]).recorded == [["w", "b", "c"], ["a", "d"]])
        #expect(Self.filled(2, 2, ["a", "b", "c", "d"]).recorded == [["w", "b"], ["a", "c"]])
        #expect(Self.filled(1, 3, ["a", "b", "c"]).recorded == [["w", "a", "b"]])
        #expect(Self.filled(3, 1, ["a", "b", "c"]).recorded == [["w"], ["a"], ["b"]])
        #expect(Self.filled(1, 1, ["a"]).recorded == [["w"]])
    }

    @Test("whom somebody follows and leads is the pipeline's first stage, and the owner's is every pipeline's first")
    func leaders() {
        let pipelines = Self.filled(2, 3, ["a", "b", "c", "d", "e"])
        #expect(["a", "b", "c", "d", "e"].map { pipelines.leader(of: $0) } == ["w", "w", "w", "a", "a"])
        #expect(pipelines.leader(of: "w") == nil && pipelines.leader(of: "x") == nil)
        #expect(pipelines.heads == ["a"] && pipelines.stages(of: "w") == ["b", "c"])
        #expect(pipelines.stages(of: "a") == ["d", "e"] && pipelines.stages(of: "b").isEmpty)
        #expect(pipelines.place(of: "e")?.text == "replica 2 stage 3")
    }

    @Test("what was recorded is what it was, also where it does not fit any more")
    func recorded() {
        let pipelines = Self.filled(2, 3, ["a", "b", "c", "d"])
        #expect(Pipelines(replicas: 2, stages: 3, holders: pipelines.recorded) == pipelines)
        #expect(Pipelines(recorded: pipelines.recorded).place(of: "d") == pipelines.place(of: "d"))
        #expect(Pipelines(replicas: 1, stages: 2, holders: pipelines.recorded).helpers == ["b"])
        #expect(Pipelines(replicas: 3, stages: 1, holders: pipelines.recorded).helpers == ["a"])
    }

    @Test(
        "whoever comes, goes and leaves: the most useful places are taken, nobody is in two, and few move",
        arguments: 1...60 as ClosedRange<UInt64>)
    func anyCourse(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "pipelines")
        let replicas = Int.random(in: 1...4, using: &chance), stages = Int.random(in: 1...4, using: &chance)
        let everybody = (0..<20).map { "w\($0)" }
        var pipelines = Pipelines(replicas: replicas, stages: stages), there: Set<String> = []
        for _ in 0..<40 {
            let gone = there.filter { _ in Int.random(in: 0..<6, using: &chance) == 0 }
            there.subtract(gone)
            let coming = everybody.filter { _ in Int.random(in: 0..<8, using: &chance) == 0 }
            there.formUnion(coming)
            let leaving = there.filter { id in
                pipelines.isHelper(id) && Int.random(in: 0..<5, using: &chance) == 0
            }
            let before = pipelines
            pipelines.fill(owner: "owner", there.sorted(), leaving: leaving)
            let helpers = pipelines.helpers, context = "seed \(seed): \(before.recorded), \(pipelines.recorded)"
            #expect(Set(helpers).count == helpers.count && there.isSuperset(of: helpers), "\(context)")
            #expect(pipelines.leader(of: "owner") == nil && pipelines.place(of: "owner") == .init(replica: 0, stage: 0))
            for id in leaving { #expect(pipelines.place(of: id) == before.place(of: id), "\(context)") }
            if leaving.isEmpty {
                #expect(helpers.count == min(there.count, replicas * stages - 1), "\(context)")
                let full = Self.filled(replicas, stages, helpers)
                #expect(full.recorded.map(\.count) == pipelines.recorded.map(\.count), "no hole: \(context)")
                for id in helpers { #expect(pipelines.leader(of: id) != nil, "\(context)") }
            }
            // Only a hole makes somebody move.
            let moved = helpers.count { before.isHelper($0) && before.place(of: $0) != pipelines.place(of: $0) }
            let holes = before.helpers.count { !there.contains($0) } + (before.capacity - 1 - before.helpers.count)
            #expect(moved <= holes, "\(context)")
        }
    }
}
