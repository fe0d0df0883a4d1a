import Checkpoints
import Models
import Randomness
import Support
import Tensors
import Testing

@testable import Methods

/// What trains in a case: a family, a form and a head.
struct PassCase: Sendable, CustomTestStringConvertible {
    let family: ModelFamily
    let trainsFully: Bool
    var head = "label words"
    var dropout: Float = 0

    var testDescription: String { "\(family.name), \(trainsFully ? "full" : "adapters"), \(head), dropout \(dropout)" }

    static let all =
        ModelFamily.all.flatMap { [PassCase(family: $0, trainsFully: false), PassCase(family: $0, trainsFully: true)] }
        + [
            PassCase(family: .llama, trainsFully: false, head: "classifier"),
            PassCase(family: .gpt2, trainsFully: true, head: "classifier"),
            PassCase(family: .llama, trainsFully: false, head: "vocabulary"),
            PassCase(family: .opt, trainsFully: false, dropout: 0.4),
        ]
}

/// A small random model with two trainable blocks above two frozen ones.
struct PassBench {
    let model: LanguageModel
    let head: OutputHead
    let parameters: TrainableParameters
    let dropout: Float

    init(_ trial: PassCase, layers: Int = 4) throws {
        // A vocabulary beyond the columns that a head takes at once.
        let vocabulary = trial.head == "vocabulary" ? 9001 : 50
        model = try LanguageModel(
            source: RandomModelSource(family: trial.family, layers: layers, vocabulary: vocabulary),
            maximumTokens: 32)
        head =
            switch trial.head {
            case "classifier": OutputHead(model: model, classes: 3)
            case "vocabulary": try OutputHead(languageModel: model)
            default: try OutputHead(model: model, labelTokens: [3, 7])
            }
        let adapters = TrainableLayout.adapters(model.hyperparameters, blocks: layers - 2..<layers)
        let layout = TrainableLayout(
            model: model.hyperparameters, blocks: layers - 2..<layers,
            form: trial.trainsFully ? .full : adapters.form, classes: trial.head == "classifier" ? 3 : nil)
        parameters =
            trial.trainsFully
            ? try TrainableParameters(layout: layout, model: model, seed: 3) : TrainableParameters(random: layout)
        dropout = trial.dropout
    }

    /// Sequences of random length with random activations at their input.
    func microBatch(_ number: Int, sequences: Int = 3) -> MicroBatch {
        var generator = SeededGenerator(seed: UInt64(number), stream: "micro-batch")
        let lengths = (0..<sequences).map { _ in Int.random(in: 1...9, using: &generator) }
        let targets = lengths.map { length in
            (0..<(head.isClassifying ? 1 : length)).map { _ in
                Int32.random(in: 0..<Int32(head.outputs), using: &generator)
            }
        }
        let values = Storage(normal: lengths.reduce(0, +) * model.hyperparameters.width, using: &generator)
        return MicroBatch(lengths: lengths, targets: targets) { x_TD in
            x_TD.copy(from: values.matrix(rows: x_TD.rows, columns: x_TD.columns))
        }
    }

    func pass(_ memory: PassMemory = PassMemory(), recomputes: Bool = false) -> MicroBatchPass {
        MicroBatchPass(
            model: model, head: head, parameters: parameters,
            frozenBlocks: model.hyperparameters.layers - 2, memory: memory, recomputes: recomputes)
    }

    func forward(_ pass: MicroBatchPass, _ batch: MicroBatch) throws -> MicroBatchPass.Result {
        let lengths = (0..<batch.layout.count).map { batch.layout.rows(of: $0).count }
        return try pass.forward(
            batch,
            dropout: dropout == 0
                ? nil : Dropout(rate: dropout, seed: 1, step: 1, firstSequence: 0, lengths: lengths))
    }

    func gradients(of batch: MicroBatch) throws -> [Float] {
        let pass = pass()
        _ = try forward(pass, batch)
        pass.backwardInput(lossScale: 1)
        pass.backwardWeights()
        return pass.gradients.flat.values
    }
}

@Suite("F, B and W of a micro-batch")
struct MicroBatchPassTests {
    @Test("B of all blocks, then W of all blocks, is the fused gradient bit for bit", arguments: PassCase.all)
    func fused(trial: PassCase) throws {
        let bench = try PassBench(trial)
        let batch = bench.microBatch(3)
        let fused = bench.pass()
        _ = try bench.forward(fused, batch)
        fused.backward(lossScale: 1)
        #expect(try fused.gradients.flat.values == bench.gradients(of: batch))
    }

    @Test(
        "activations that are computed again give the same gradient bit for bit, B and W apart or one right after the other",
        arguments: PassCase.all)
    func recomputed(trial: PassCase) throws {
        let bench = try PassBench(trial)
        let batch = bench.microBatch(3), expected = try bench.gradients(of: batch)
        let fused = bench.pass(recomputes: true), apart = bench.pass(recomputes: true)
        for pass in [fused, apart] {
            #expect(try bench.forward(pass, batch) == bench.forward(bench.pass(), batch))
        }
        fused.backward(lossScale: 1)
        apart.backwardInput(lossScale: 1)
        apart.backwardWeights()
        #expect(fused.gradients.flat.values == expected && apart.gradients.flat.values == expected)
    }

    @Test("W deferred across later micro-batches gives the gradients of an immediate W, bit for bit")
    func deferredWeights() throws {
        let bench = try PassBench(PassCase(family: .llama, trainsFully: false))
        let batches = (0..<3).map { bench.microBatch($0) }
        let passes = batches.map { _ in bench.pass() }
        for (pass, batch) in zip(passes, batches) {
            _ = try pass.forward(batch)
            pass.backwardInput(lossScale: 1)
        }
        for pass in passes.reversed() { pass.backwardWeights() }
        for (pass, batch) in zip(passes, batches) {
            #expect(try pass.gradients.flat.values == bench.gradients(of: batch))
        }
    }

    @Test("every gradient is the slope of the loss", arguments: PassCase.all)
    func slopes(trial: PassCase) throws {
        let bench = try PassBench(trial)
        let batch = bench.microBatch(1)
        let gradient = try bench.gradients(of: batch)
        let flat = bench.parameters.flat
        var generator = SeededGenerator(seed: 2, stream: "slopes")
        for _ in 0..<80 {
            let i = Int.random(in: 0..<gradient.count, using: &generator)
            // Small, because ReLU has kinks; not smaller, because the loss is rounded.
            let step: Float = 4e-3, old = flat[0, i]
            func loss(at value: Float) throws -> Double {
                flat[0, i] = value
                defer { flat[0, i] = old }
                return try bench.forward(bench.pass(), batch).lossSum
            }
            let slope = try (loss(at: old + step) - loss(at: old - step)) / Double(2 * step)
            #expect(abs(slope - Double(gradient[i])) < 2e-3 * max(1, abs(slope)), "parameter \(i)")
        }
    }

    @Test("the lowest trainable block's input gets no gradient, and frozen blocks cost no memory")
    func nothingBelow() throws {
        let trial = PassCase(family: .llama, trainsFully: false)
        let memory = PassMemory(), deeperMemory = PassMemory()
        let bench = try PassBench(trial), deeper = try PassBench(trial, layers: 12)
        let batch = bench.microBatch(4)
        for each in [bench.pass(memory), deeper.pass(deeperMemory)] {
            _ = try each.forward(batch)
            each.backwardInput(lossScale: 1)
            each.backwardWeights()
        }
        #expect(memory.bytes == deeperMemory.bytes)
        #expect(memory.bytes > 0)
    }

    @Test("what lies between F and B is a fraction where activations are computed again, and what is said of it")
    func recomputedMemory() throws {
        let bench = try PassBench(PassCase(family: .llama, trainsFully: false))
        let batch = bench.microBatch(5), layout = bench.parameters.layout
        let stashed = try [false, true].map { recomputes in
            let pass = bench.pass(recomputes: recomputes)
            _ = try bench.forward(pass, batch)
            let said = PassMemory.stashFloats(
                layout, tokens: batch.layout.tokens, targetCount: batch.targetCount, outputs: bench.head.outputs,
                recomputes: recomputes)
            // At most so many matrices are rounded up to 16 floats; the stream lies elsewhere.
            let stream = batch.layout.tokens * bench.model.hyperparameters.width
            #expect(pass.stashedBytes / 4 <= said - stream + 16 * 60)
            pass.backward(lossScale: 1)
            #expect(pass.stashedBytes == 0)
            return said
        }
        #expect(stashed[1] * 2 < stashed[0])
    }

    @Test("memory is asked of the system in the first rounds only")
    func steadyMemory() throws {
        let bench = try PassBench(PassCase(family: .llama, trainsFully: false))
        let memory = PassMemory()
        let pass = bench.pass(memory)
        func round() throws {
            for number in 0..<4 {
                _ = try pass.forward(bench.microBatch(number))
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
