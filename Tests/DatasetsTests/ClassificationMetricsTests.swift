import Datasets
import Randomness
import Testing

@Suite("Classification metrics")
struct ClassificationMetricsTests {
    private func metrics(_ pairs: [(label: Int, prediction: Int)], classes: Int) -> ClassificationMetrics {
        pairs.reduce(into: ClassificationMetrics(classes: classes)) { metrics, pair in
            metrics.record(label: pair.label, prediction: pair.prediction)
        }
    }

    @Test("the figures of a small case worked out by hand")
    func byHand() {
        let metrics = metrics([(0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (2, 0)], classes: 3)
        #expect(metrics.samples == 6)
        #expect(metrics.correct == 3)
        #expect(metrics.accuracy == 0.5)
        #expect(metrics.majorityRate == 0.5)
        #expect(metrics.labelCounts == [3, 2, 1])
        #expect(metrics.predictionCounts == [4, 2, 0])
        // F1 is 4/7, 2/4 and 0/1.
        #expect(abs(metrics.macroF1 - (4.0 / 7 + 0.5) / 3) < 1e-12)
    }

    @Test("always predicting one class scores the majority rate and a poor macro-F1")
    func constantPrediction() {
        let metrics = metrics((0..<100).map { ($0 < 70 ? 0 : 1, 0) }, classes: 2)
        #expect(metrics.accuracy == 0.7)
        #expect(metrics.accuracy == metrics.majorityRate)
        #expect(abs(metrics.macroF1 - 0.5 * 140 / 170) < 1e-12)
    }

    @Test("perfect predictions score one in everything, whatever classes are missing")
    func perfect() {
        let metrics = metrics([(0, 0), (2, 2), (2, 2)], classes: 4)
        #expect(metrics.accuracy == 1)
        #expect(metrics.macroF1 == 1)
    }

    @Test("without samples every figure is zero and finite")
    func none() {
        let metrics = ClassificationMetrics(classes: 2)
        #expect([metrics.accuracy, metrics.majorityRate, metrics.macroF1] == [0, 0, 0])
    }

    @Test("renaming the classes changes no figure", arguments: 1...5 as ClosedRange<UInt64>)
    func symmetry(seed: UInt64) {
        var generator = SeededGenerator(seed: seed, stream: "test/metrics")
        let pairs = (0..<60).map { _ in
            (Int.random(in: 0..<3, using: &generator), Int.random(in: 0..<3, using: &generator))
        }
        let renamed = pairs.map { ((($0.0 + 1) % 3), ($0.1 + 1) % 3) }
        let one = metrics(pairs, classes: 3), other = metrics(renamed, classes: 3)
        #expect(one.accuracy == other.accuracy)
        #expect(one.majorityRate == other.majorityRate)
        #expect(abs(one.macroF1 - other.macroF1) < 1e-12)
    }
}
