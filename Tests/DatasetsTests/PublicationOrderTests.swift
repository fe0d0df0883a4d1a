import Datasets
import Randomness
import Testing

@Suite("The order of publication")
struct PublicationOrderTests {
    private func publication(
        lengths: [Int], epoch: Int = 1, groupSize: Int = 8, maximumTokens: Int = 100
    ) -> [PublicationGroup] {
        SampleOrder.publication(
            seed: 7, device: 1, lengths: lengths, epoch: epoch, groupSize: groupSize, maximumTokens: maximumTokens)
    }

    @Test("every sample is in one group, within both limits, and no group could have taken the next one's first sample")
    func cutting() {
        for seed: UInt64 in 0..<50 {
            var chance = SeededGenerator(seed: seed, stream: "publication-order")
            let lengths = (0..<Int.random(in: 0...200, using: &chance)).map { _ in
                Int.random(in: 1...60, using: &chance)
            }
            let groupSize = Int.random(in: 1...9, using: &chance)
            let maximumTokens = Int.random(in: 60...300, using: &chance)
            let groups = publication(lengths: lengths, groupSize: groupSize, maximumTokens: maximumTokens)
            let order = SampleOrder.deviceOrder(seed: 7, device: 1, count: lengths.count, epoch: 1)
            #expect(groups.flatMap(\.samples) == order, "seed \(seed)")
            #expect(groups.map(\.sequence) == groups.indices.map { UInt64($0) + 1 }, "seed \(seed)")
            for (group, next) in zip(groups, groups.dropFirst()) {
                let tokens = group.samples.reduce(0) { $0 + lengths[$1] }
                #expect(tokens <= maximumTokens && group.samples.count <= groupSize, "seed \(seed)")
                #expect(
                    group.samples.count == groupSize || tokens + lengths[next.samples[0]] > maximumTokens,
                    "seed \(seed)")
            }
        }
    }

    @Test("a sample longer than a message may be is a message of its own")
    func longSample() {
        #expect(publication(lengths: [5, 500, 5]).contains { $0.samples == [1] })
        #expect(publication(lengths: [500]).map(\.samples) == [[0]])
        #expect(publication(lengths: []).isEmpty)
    }

    @Test("another epoch has the same groups under the same sequences, in the order in which it needs them")
    func laterEpoch() {
        var chance = SeededGenerator(seed: 4, stream: "publication-order")
        let lengths = (0..<90).map { _ in Int.random(in: 1...30, using: &chance) }
        let first = publication(lengths: lengths)
        for epoch in 2...4 {
            let groups = publication(lengths: lengths, epoch: epoch)
            #expect(groups != first && Set(groups) == Set(first))
            let order = SampleOrder.deviceOrder(seed: 7, device: 1, count: 90, epoch: epoch)
            let needed = groups.map { group in order.firstIndex { group.samples.contains($0) } ?? 0 }
            #expect(needed == needed.sorted() && needed[0] == 0)
        }
    }
}
