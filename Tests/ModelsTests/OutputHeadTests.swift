import Checkpoints
import Models
import Support
import Tensors
import Testing

@Suite("Output head")
struct OutputHeadTests {
    /// 5,000 outputs and 2,000 targets are more logits than are in memory at once.
    @Test("a vocabulary's loss and gradient are those of its tokens, however many are computed at once")
    func pieces() throws {
        let (width, tokens) = (16, 2000)
        let source = try RandomModelSource(family: .llama, layers: 1, width: width, vocabulary: 5000)
        let model = try LanguageModel(source: source, maximumTokens: 32)
        let head = try OutputHead(languageModel: model)
        let x_TD = Storage(count: tokens * width).matrix(rows: tokens, columns: width)
        for i in 0..<x_TD.count { x_TD.base[i] = Float((i * 7919) % 101) / 50 - 1 }
        let targets = (0..<tokens).map { Int32(($0 * 613) % 5000) }

        let whole = backward(head, x_TD, targets)
        var (lossSum, predictions) = (0.0, [Int]())
        var largest: Float = 0
        for first in stride(from: 0, to: tokens, by: 500) {
            let part = backward(head, x_TD.rows(first..<first + 500), Array(targets[first..<first + 500]))
            lossSum += part.output.lossSum
            predictions += part.output.predictions
            for (a, b) in zip(part.gradient_TD.values, whole.gradient_TD.rows(first..<first + 500).values) {
                largest = max(largest, abs(a - b))
            }
        }
        #expect(whole.output.logits_NK == nil)
        #expect(abs(whole.output.lossSum - lossSum) <= 1e-6 * lossSum)
        #expect(whole.output.predictions == predictions)
        #expect(largest <= 1e-6)
        #expect(whole.gradient_TD.values.contains { abs($0) > 1e-3 })
    }

    private func backward(
        _ head: OutputHead, _ x_TD: Matrix, _ targets: [Int32]
    ) -> (output: OutputHead.Output, gradient_TD: Matrix) {
        let arena = Arena(), scratch = Arena()
        let output = head.forward(
            x_TD, targets: targets, parameters: nil, needsGradient: true, arena: arena, scratch: scratch)
        let gradient_TD = Storage(count: x_TD.count).matrix(rows: x_TD.rows, columns: x_TD.columns)
        head.backward(output, lossScale: 0.5, into: gradient_TD, classifierGradient_KD: nil, scratch: scratch)
        return (output, gradient_TD)
    }
}
