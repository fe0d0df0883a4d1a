import Datasets
import Methods

/// How many steps a method takes until it has trained on so many tokens: what makes methods comparable whose steps are
/// of different sizes.
struct StepBudget {
    let tokens: Int
    let batch: Int
    let seed: UInt64

    /// Batches of all samples in the seed's order.
    func pooledSteps(_ shards: [[EncodedExample]]) -> Int {
        let counts = shards.map(\.count)
        var epoch = 0
        var batches: [[SampleReference]] = []
        return count { _ in
            if batches.isEmpty {
                epoch += 1
                batches = Batches.cut(
                    SampleOrder.global(seed: seed, counts: counts, epoch: epoch), size: batch
                ).reversed()
            }
            return batches.removeLast().reduce(0) { $0 + shards[$1.device][$1.index].tokens.count }
        }
    }

    /// Batches of one device after another.
    func turns(_ shards: [DeviceShard]) -> Int {
        count { shards[$0 % shards.count].tokens(ofBatch: $0 / shards.count) }
    }

    /// Rounds in which every device takes some batches.
    func rounds(_ shards: [DeviceShard], localSteps: Int) -> Int {
        count { round in
            shards.reduce(0) { sum, shard in
                sum + (0..<localSteps).reduce(0) { $0 + shard.tokens(ofBatch: round * localSteps + $1) }
            }
        }
    }

    private func count(_ tokensOfStep: (Int) -> Int) -> Int {
        var steps = 0, sum = 0
        while sum < tokens {
            sum += tokensOfStep(steps)
            steps += 1
        }
        return max(1, steps)
    }
}

extension DeviceShard {
    /// Tokens of each sample of a batch.
    func lengths(ofBatch number: Int) -> [Int] { batch(number).map { examples[$0].tokens.count } }

    fileprivate func tokens(ofBatch number: Int) -> Int { lengths(ofBatch: number).reduce(0, +) }
}
