import Datasets
import Randomness
import Testing

@Suite("Step position")
struct StepPositionTests {
    @Test("steps go through the batches of one epoch after another, whatever the sizes")
    func walk() {
        let seed: UInt64 = 17
        var chance = SeededGenerator(seed: seed, stream: "step-position")
        for _ in 0..<200 {
            let samples = Int.random(in: 1...60, using: &chance), size = Int.random(in: 1...70, using: &chance)
            let batches = Batches.cut(Array(0..<samples), size: size).count
            for steps in 0..<3 * batches {
                let position = StepPosition(after: steps, samples: samples, batchSize: size)
                #expect(position.epoch == steps / batches + 1, "seed \(seed): \(samples) samples by \(size)")
                #expect(position.batch == steps % batches, "seed \(seed): \(samples) samples by \(size)")
            }
        }
    }

    @Test("the last step of an epoch and the first of the next stand on either side of its end")
    func boundary() {
        let positions = [3, 4, 5].map { StepPosition(after: $0, samples: 17, batchSize: 4) }
        #expect(positions.map(\.epoch) == [1, 1, 2])
        #expect(positions.map(\.batch) == [3, 4, 0])
    }
}
