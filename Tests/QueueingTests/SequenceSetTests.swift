import Queueing
import Randomness
import Testing

@Suite("Sequence sets")
struct SequenceSetTests {
    @Test("random numbers and ranges make the same set as one by one", arguments: 1...20)
    func random(seed: UInt64) {
        var chance = SeededGenerator(seed: seed, stream: "sequences")
        var set = SequenceSet(), model: Set<UInt64> = []
        for _ in 0..<200 {
            let number = UInt64.random(in: 0..<150, using: &chance)
            if Bool.random(using: &chance) {
                #expect(set.insert(number) == model.insert(number).inserted)
            } else {
                let range = number...number + UInt64.random(in: 0..<6, using: &chance)
                set.insert(range)
                model.formUnion(range)
            }
            #expect(set.count == model.count)
            #expect(set.ranges.flatMap(Array.init) == model.sorted(), "seed \(seed)")
            #expect(zip(set.ranges, set.ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
            #expect((0..<160).allSatisfy { set.contains($0) == model.contains($0) })
        }
        let other = SequenceSet([150...160, 3...9])
        #expect(Set(set.union(other).ranges.flatMap(Array.init)) == model.union(3...9).union(150...160))
        #expect(SequenceSet(set.ranges.shuffled(using: &chance)) == set)
    }

    @Test("the greatest numbers are numbers like others")
    func greatest() {
        var set = SequenceSet([UInt64.max...UInt64.max])
        set.insert(UInt64.max - 1)
        #expect(set.ranges == [UInt64.max - 1...UInt64.max])
        set.insert(0...UInt64.max)
        #expect(set.ranges == [0...UInt64.max])
        #expect(set.count == .max)
        #expect(set.contains(.max) && set.contains(0) && !set.isEmpty)
    }
}
