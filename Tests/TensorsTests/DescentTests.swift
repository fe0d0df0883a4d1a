import Randomness
import Support
import Tensors
import Testing

@Suite("Gradient descent")
struct DescentTests {
    @Test(
        "steps with momentum and decay are those of the definition", arguments: 0..<2,
        [(0, 0), (0, 0.1), (0.9, 0), (0.9, 0.1)])
    func steps(set: Int, coefficients: (momentum: Double, decay: Double)) {
        let (momentum, decay) = coefficients
        var generator = SeededGenerator(seed: 8, stream: "sgd")
        let count = 53
        let parameters = randomMatrix(1, count, using: &generator)
        let velocity = zeroMatrix(1, count)
        var expected = parameters.doubles(0)
        var expectedVelocity: [Double]?
        for _ in 0..<5 {
            let gradients = randomMatrix(1, count, using: &generator)
            kernelSets[set].sgd(
                parameters, gradients: gradients, velocity: momentum == 0 ? nil : velocity, gradientScale: 0.5,
                learningRate: 0.1, momentum: Float(momentum), weightDecay: Float(decay))
            let decayed = (0..<count).map { 0.5 * Double(gradients[0, $0]) + decay * expected[$0] }
            // The first velocity is the first gradient, which is also what a velocity of zero gives.
            let moved = expectedVelocity.map { old in (0..<count).map { momentum * old[$0] + decayed[$0] } } ?? decayed
            expectedVelocity = moved
            for i in 0..<count { expected[i] -= 0.1 * moved[i] }
        }
        #expect(relativeDifference(parameters.values, expected.map { Float($0) }) < 2e-6)
    }
}
