import Diagnostics
import Foundation
import Models
import Synchronization
import Tensors

@testable import Methods

/// Later stages of a leader's steps, or a replica's parts of them, in the same process, each with parameters of its own, and a way to break them.
final class LoopbackStages: StepSharing, StageSharing {
    /// What befalls a stage in a step.
    enum Fault: Sendable {
        /// From a tensor on, nothing comes of it any more.
        case silence(stage: Int, afterTensors: Int)
        /// It is lost once it has sent so many tensors.
        case loss(stage: Int, afterTensors: Int)
        /// Not enough of them are there.
        case absence
    }

    private struct State {
        var leader: StageExchange?
        var exchanges: [StageExchange] = []
        var results: [StageResult?] = []
        var sent: [Int] = []
        var isLost = false
    }

    private let trainers: [Trainer]
    private let fault: @Sendable (_ step: Int) -> Fault?
    private let state = Mutex(State())
    private let hasNews = DispatchSemaphore(value: 0)
    private let walks = DispatchGroup()
    /// Steps that all stages have walked to their end.
    let walked = Mutex(0)

    /// - Parameter trainers: of stage 1, and so on.
    init(_ trainers: [Trainer], fault: @escaping @Sendable (_ step: Int) -> Fault? = { _ in nil }) {
        self.trainers = trainers
        self.fault = fault
    }

    func begin(_ step: SharedStep) throws -> [Int] { [] }

    func collect(_ step: Int, within limit: Duration) -> [SharedPart] { [] }

    /// Everybody takes the step, once they have stopped walking it.
    func ended(_ step: Int, gradient: Matrix) {
        for exchange in state.withLock(\.exchanges) { exchange.giveUp() }
        walks.wait()
        for trainer in trainers { try? trainer.follow(gradient.copied()) }
    }

    func replaced() {}

    func begin(_ step: SharedStep, shares: [StageShare], exchange: StageExchange) -> Bool {
        if case .absence = fault(step.step) { return false }
        // Whoever gets another order gives up what is under way.
        for exchange in state.withLock(\.exchanges) { exchange.giveUp() }
        walks.wait()
        let width = step.state[0].values.layout.model.width, number = step.step
        let exchanges = shares.map { share in
            StageExchange(share, microBatches: step.microBatches, width: width) { [self] tensor in
                guard passes(share.stage, number) else { return }
                let (leader, exchanges) = state.withLock { ($0.leader, $0.exchanges) }
                let place = share.stage - 1 + (tensor.content == .activations ? 1 : -1)
                (place < 0 ? leader : exchanges[place])?.receive(tensor)
                leader?.heard()
            }
        }
        state.withLock {
            $0 = State(
                leader: exchange, exchanges: exchanges, results: shares.map { _ in nil }, sent: shares.map { _ in 0 })
        }
        for (place, share) in shares.enumerated() {
            let order = StageOrder(
                step: step.step, digest: step.digest, sums: step.sums, keepsSums: step.keepsSums,
                lossScale: step.lossScale, share: share,
                microBatches: step.microBatches.map { microBatch in
                    let lengths = (0..<microBatch.layout.count).map { microBatch.layout.rows(of: $0).count }
                    return MicroBatch(lengths: lengths, targets: microBatch.targets) { _ in }
                }, firstSequences: step.firstSequences)
            let trainer = trainers[place]
            precondition(trainer.digest == order.digest && trainer.step == step.step - 1, "everybody is in step")
            walks.enter()
            let thread = Thread { [self] in
                let result = try? trainer.stage(order, exchange: exchanges[place])
                if passes(share.stage, number) {
                    state.withLock { $0.results[place] = result }
                    hasNews.signal()
                }
                walks.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        return true
    }

    func send(_ tensor: StageTensor, step: Int) { state.withLock(\.exchanges)[0].receive(tensor) }

    func collect(_ step: Int, silence: Duration) -> [StageResult]? {
        while true {
            let (isLost, found) = state.withLock { ($0.isLost, $0.results.compactMap(\.self)) }
            if isLost { return nil }
            if found.count == trainers.count {
                walked.withLock { $0 += 1 }
                return found
            }
            guard hasNews.wait(timeout: .now() + silence / .seconds(1)) == .success else { return nil }
        }
    }

    func close(_ step: Int) { state.withLock { $0.leader = nil } }

    /// Whether something that a stage sends arrives.
    private func passes(_ stage: Int, _ step: Int) -> Bool {
        let (passes, lost) = state.withLock { state -> (Bool, StageExchange?) in
            state.sent[stage - 1] += 1
            switch fault(step) {
            case .silence(stage, let count): return (state.sent[stage - 1] <= count, nil)
            case .loss(stage, let count) where state.sent[stage - 1] > count:
                state.isLost = true
                return (false, state.leader)
            default: return (true, nil)
            }
        }
        lost?.giveUp()
        if lost != nil { hasNews.signal() }
        return passes
    }
}
