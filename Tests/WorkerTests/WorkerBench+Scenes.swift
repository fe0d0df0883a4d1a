import Datasets
import Wire

@testable import Worker

extension WorkerBench {
    /// A worker that knows both devices, and they it.
    static func greeted(creditBytes: Int = 1000) -> WorkerBench {
        var bench = WorkerBench(creditBytesPerDevice: creditBytes)
        bench.plan()
        bench.greet("a")
        bench.greet("b")
        return bench
    }

    static func message(_ sequence: UInt64, _ ids: [UInt64], cut: UInt32 = 4, origin: UInt32 = 0) -> Body {
        .activations(activations(sequence, ids, cut: cut, origin: origin))
    }

    /// The steps of both epochs.
    static func planned(batch: Int = 4) -> [[SampleReference]] {
        (1...2).flatMap { Batches.cut(SampleOrder.global(seed: 7, counts: [10, 6], epoch: $0), size: batch) }
    }

    mutating func publishAll() {
        send("a", Self.message(1, Array(0..<10)))
        send("b", Self.message(1, Array(0..<6), cut: 2))
    }

    /// Plays compute until there is nothing to compute.
    mutating func finish() {
        while isStepping || !advancing.isEmpty {
            if !advancing.isEmpty { endAdvance(at: 0) }
            endStep()
        }
    }
}
