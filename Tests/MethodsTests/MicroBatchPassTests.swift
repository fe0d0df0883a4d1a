import Models
import Randomness
import Support
import Tensors
import Testing

@testable import Methods

@Suite("F, B and W of a micro-batch")
struct MicroBatchPassTests {
    let model: LlamaModel
    let head: VerbalizerHead
    let adapters: AdapterTensors

    init() throws {
        model = try LlamaModel(source: RandomModelSource(), maximumTokens: 32)
        head = try VerbalizerHead(model: model, labelTokens: [3, 7])
        adapters = AdapterTensors(
            random: AdapterLayout(
                model: model.hyperparameters, blocks: 2..<4, targets: Set(AdapterTarget.allCases), rank: 3, alpha: 6))
    }

    /// Sequences of random length with random activations at their input.
    func microBatch(_ number: Int, sequences: Int = 3) -> MicroBatch {
        var generator = SeededGenerator(seed: UInt64(number), stream: "micro-batch")
        let lengths = (0..<sequences).map { _ in Int.random(in: 1...9, using: &generator) }
        let values = Storage(normal: lengths.reduce(0, +) * model.hyperparameters.width, using: &generator)
        return MicroBatch(lengths: lengths, targets: lengths.map { [Int32($0 % 2)] }) { x_TD in
            x_TD.copy(from: values.matrix(rows: x_TD.rows, columns: x_TD.columns))
        }
    }

    func pass(_ memory: PassMemory = PassMemory()) -> MicroBatchPass {
        MicroBatchPass(model: model, head: head, adapters: adapters, memory: memory)
    }

    func gradients(of batch: MicroBatch) throws -> [Float] {
        let pass = pass()
        _ = try pass.forward(batch)
        pass.backwardInput(lossScale: 1)
        pass.backwardWeights()
        return pass.gradients.flat.values
    }

    @Test("B of all blocks, then W of all blocks, is the fused gradient bit for bit")
    func fused() throws {
        let batch = microBatch(3)
        let fused = pass()
        _ = try fused.forward(batch)
        fused.backward(lossScale: 1)
        #expect(try fused.gradients.flat.values == gradients(of: batch))
        #expect(fused.gradients.flat.values.allSatisfy { $0 != 0 })
    }

    @Test("W deferred across later micro-batches gives the gradients of an immediate W, bit for bit")
    func deferredWeights() throws {
        let batches = (0..<3).map { microBatch($0) }
        let passes = batches.map { _ in pass() }
        for (pass, batch) in zip(passes, batches) {
            _ = try pass.forward(batch)
            pass.backwardInput(lossScale: 1)
        }
        for pass in passes.reversed() { pass.backwardWeights() }
        for (pass, batch) in zip(passes, batches) { #expect(try pass.gradients.flat.values == gradients(of: batch)) }
    }

    @Test("every gradient is the slope of the loss")
    func slopes() throws {
        let batch = microBatch(1)
        let gradient = try gradients(of: batch)
        var generator = SeededGenerator(seed: 2, stream: "slopes")
        for _ in 0..<80 {
            let i = Int.random(in: 0..<gradient.count, using: &generator)
            let step: Float = 2e-2, old = adapters.flat[0, i]
            func loss(at value: Float) throws -> Double {
                adapters.flat[0, i] = value
                defer { adapters.flat[0, i] = old }
                return try pass().forward(batch).lossSum
            }
            let slope = try (loss(at: old + step) - loss(at: old - step)) / Double(2 * step)
            #expect(abs(slope - Double(gradient[i])) < 2e-3 * max(1, abs(slope)))
        }
    }

    @Test("the lowest trainable block's input gets no gradient, and frozen blocks cost no memory")
    func nothingBelow() throws {
        let batch = microBatch(4)
        let deeper = try LlamaModel(source: RandomModelSource(layers: 12), maximumTokens: 32)
        let layout = AdapterLayout(
            model: deeper.hyperparameters, blocks: 10..<12, targets: Set(AdapterTarget.allCases), rank: 3, alpha: 6)
        let memory = PassMemory(), deeperMemory = PassMemory()
        let deeperPass = MicroBatchPass(
            model: deeper, head: try VerbalizerHead(model: deeper, labelTokens: [3, 7]),
            adapters: AdapterTensors(random: layout), memory: deeperMemory)
        for each in [pass(memory), deeperPass] {
            _ = try each.forward(batch)
            each.backwardInput(lossScale: 1)
            each.backwardWeights()
        }
        #expect(memory.bytes == deeperMemory.bytes)
        #expect(memory.bytes > 0)
    }

    @Test("memory is asked of the system in the first rounds only")
    func steadyMemory() throws {
        let memory = PassMemory()
        let pass = pass(memory)
        func round() throws {
            for number in 0..<4 {
                _ = try pass.forward(microBatch(number))
                pass.backwardInput(lossScale: 1)
                pass.backwardWeights()
            }
        }
        try round()
        try round()
        let growths = memory.growths
        for _ in 0..<3 { try round() }
        #expect(memory.growths == growths)
    }
}
