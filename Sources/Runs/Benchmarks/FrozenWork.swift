import Dispatch
import Methods
import Models
import Recipes
import Synchronization
import Tensors

/// F0 of the steps to come, as weak devices leave it to a worker: a job of the pool for each micro-batch, a block at
/// a time, which stages run while they have to wait.
final class FrozenWork: Sendable {
    /// How many steps F0 is ahead: with one, threads would wait at each step's end for the last job of the next one's.
    static let lead = 2

    private let forward: FrozenForward
    private let blocks: Range<Int>
    private let microBatches: Int
    private let tokens: Int
    private let pool: ComputePool
    private let isEmulated: Bool
    private let state = Mutex(State())

    private struct State {
        var steps: [DispatchGroup] = []
        var busy = Duration.zero
        var waited = Duration.zero
    }

    /// Nil where no device leaves anything.
    ///
    /// - Parameter isEmulated: whether stages are, so that jobs count with the processor's time that they take.
    init?(
        _ recipe: Recipe, model: LanguageModel, microBatches: Int, tokens: Int, pool: ComputePool, isEmulated: Bool
    ) {
        blocks = (recipe.devices.cuts.min() ?? 0)..<recipe.model.frozenBlocks
        guard !blocks.isEmpty else { return nil }
        forward = FrozenForward(model: model)
        self.microBatches = microBatches
        self.tokens = tokens
        self.pool = pool
        self.isEmulated = isEmulated
        for _ in 0..<Self.lead { leaveStep() }
    }

    /// Of jobs, and of waiting for them between steps, each since the last look.
    func times() -> (busy: Duration, waited: Duration) {
        state.withLock { state in
            defer { (state.busy, state.waited) = (.zero, .zero) }
            return (state.busy, state.waited)
        }
    }

    /// Returns once F0 of the next step is done, and leaves that of a later one to the pool.
    func beginStep() {
        guard let group = state.withLock({ $0.steps.isEmpty ? nil : $0.steps.removeFirst() }) else { return }
        let began = ContinuousClock.now
        guard isEmulated else {
            group.wait()
            state.withLock { $0.waited += .now - began }
            return leaveStep()
        }
        // Emulated stages would share what is left.
        let before = state.withLock(\.busy)
        while group.wait(timeout: .now()) == .timedOut, pool.takeSubmitted() {}
        state.withLock { $0.waited += ($0.busy - before) / pool.threads }
        leaveStep()
    }

    private func leaveStep() {
        let group = DispatchGroup()
        for _ in 0..<microBatches {
            group.enter()
            let x_TD = Storage(count: tokens * forward.width).matrix(rows: tokens, columns: forward.width)
            for i in 0..<x_TD.count { x_TD.base[i] = Float(i % 13) / 6 - 1 }
            pool.submit(pieces: blocks.count) { [self] piece in
                let time = run(blocks.lowerBound + piece, x_TD)
                state.withLock { $0.busy += time }
                if piece == blocks.count - 1 { group.leave() }
            }
        }
        state.withLock { $0.steps.append(group) }
    }

    private func run(_ block: Int, _ x_TD: Matrix) -> Duration {
        let (began, processor) = (ContinuousClock.now, ProcessorTime.now)
        forward.advance(x_TD, lengths: [tokens], blocks: block..<block + 1)
        return isEmulated ? ProcessorTime.now - processor : .now - began
    }
}
