import Randomness
import Support
import Tensors
import Testing

@Suite("Dropout")
struct DropoutTests {
    private static let rate: Float = 0.2

    /// Which elements of ones stay, as 1 or 0, for rows whose keys follow each other: the hardest keys to tell apart.
    private static func mask(
        _ set: Int, keys: [UInt64], columns: Int, site: UInt64, rate: Float = rate
    ) -> [[Double]] {
        let x = zeroMatrix(keys.count, columns)
        x.fill(1)
        kernelSets[set].dropout(x, into: x, rowKeys: keys, siteKey: site, rate: rate)
        return (0..<keys.count).map { row in x.doubles(row).map { $0 == 0 ? 0 : 1 } }
    }

    @Test("kept values are scaled, dropped ones are zero, and adding adds just that", arguments: 0..<2, 0..<6)
    func values(set: Int, number: Int) {
        let kernels = kernelSets[set]
        var generator = SeededGenerator(seed: UInt64(number), stream: "dropout")
        let (rows, columns) = randomShape(using: &generator)
        let keys = (0..<rows).map { _ in generator.next() }
        let x = randomMatrix(rows, columns, gap: number, using: &generator)
        let y = randomMatrix(rows, columns, gap: 2 * number, using: &generator)
        let before = y.values
        let out = zeroMatrix(rows, columns)
        kernels.dropout(x, into: out, rowKeys: keys, siteKey: 7, rate: Self.rate)
        kernels.addDropout(x, to: y, rowKeys: keys, siteKey: 7, rate: Self.rate)
        let kept = Self.mask(set, keys: keys, columns: columns, site: 7).flatMap { $0 }
        let expected = zip(x.values, kept).map { $1 == 0 ? 0 : $0 / 0.8 }
        #expect(relativeDifference(out.values, expected) < 1e-6)
        #expect(relativeDifference(y.values, zip(before, expected).map(+)) < 1e-6)
        kernels.dropout(x, into: x, rowKeys: keys, siteKey: 7, rate: Self.rate)
        #expect(x.values == out.values, "in place")
    }

    @Test("a rate of zero changes nothing", arguments: 0..<2)
    func noDropout(set: Int) {
        var generator = SeededGenerator(seed: 1, stream: "no-dropout")
        let x = randomMatrix(3, 50, using: &generator)
        let before = x.values
        kernelSets[set].dropout(x, into: x, rowKeys: [1, 2, 3], siteKey: 0, rate: 0)
        #expect(x.values == before)
    }

    @Test("every instruction set drops the same elements")
    func sameEverywhere() {
        let keys = Array(UInt64(0)..<40)
        #expect(
            Self.mask(0, keys: keys, columns: 333, site: 3) == Self.mask(1, keys: keys, columns: 333, site: 3))
    }

    @Test("a row's mask depends on its key alone, wherever the row lies")
    func order() {
        var generator = SeededGenerator(seed: 2, stream: "dropout-order")
        let keys = (0..<50).map { _ in generator.next() }
        let order = generator.permutation(50)
        let mask = Self.mask(1, keys: keys, columns: 61, site: 3)
        #expect(Self.mask(1, keys: order.map { keys[$0] }, columns: 61, site: 3) == order.map { mask[$0] })
    }

    @Test("the share that stays is right, and no neighbours know of each other", arguments: [Float(0.05), 0.2, 0.5])
    func statistics(rate: Float) {
        let rows = 400, columns = 601
        let keys = Array(UInt64(1000)..<UInt64(1000 + rows))
        let here = Self.mask(1, keys: keys, columns: columns, site: 5, rate: rate)
        let next = Self.mask(1, keys: keys, columns: columns, site: 6, rate: rate)
        let keep = 1 - Double(rate)
        let variance = keep * (1 - keep)
        func deviation(_ sum: Double, _ count: Int, _ variance: Double) -> Double {
            abs(sum) / (Double(count) * variance).squareRoot()
        }
        let share = here.joined().reduce(0) { $0 + $1 - keep }
        #expect(deviation(share, rows * columns, variance) < 5)
        for row in here { #expect(deviation(row.reduce(0) { $0 + $1 - keep }, columns, variance) < 5) }
        for column in 0..<columns {
            #expect(deviation(here.reduce(0) { $0 + $1[column] - keep }, rows, variance) < 5)
        }

        /// The covariance of elements some rows and columns apart, in standard deviations.
        func covariance(_ other: [[Double]], rows down: Int, columns right: Int) -> Double {
            var sum = 0.0
            for row in 0..<rows - down {
                for column in 0..<columns - right {
                    sum += (here[row][column] - keep) * (other[row + down][column + right] - keep)
                }
            }
            return deviation(sum, (rows - down) * (columns - right), variance * variance)
        }
        for lag in [1, 2, 3, 8, 64, 256] {
            #expect(covariance(here, rows: 0, columns: lag) < 5, "columns \(lag) apart")
            #expect(covariance(here, rows: lag, columns: 0) < 5, "rows \(lag) apart")
            #expect(covariance(here, rows: lag, columns: lag) < 5, "\(lag) along the diagonal")
        }
        #expect(covariance(next, rows: 0, columns: 0) < 5, "sites")
        #expect(covariance(next, rows: 1, columns: 0) < 5, "the next row of the next site")
    }
}
