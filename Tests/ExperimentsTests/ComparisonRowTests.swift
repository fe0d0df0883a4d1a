import Experiments
import Testing

@Suite("Tables of comparisons")
struct ComparisonRowTests {
    @Test("mean and sample standard deviation, which a single value does not have")
    func spread() throws {
        let four = try #require(Spread([2, 4, 4, 6]))
        #expect(four.mean == 4)
        #expect(abs(try #require(four.deviation) - (8.0 / 3).squareRoot()) < 1e-15)
        #expect(Spread([3])?.deviation == nil)
        #expect(Spread([]) == nil)
    }

    @Test("points and gain are those of splitfrozen over the other's accuracy")
    func gain() throws {
        let comparison = PlantedComparison.comparison { job in
            var result = PlantedComparison.result(job)
            let last = result.points.count - 1
            result.points[last].accuracy = job.key.method == "splitfrozen" ? 0.863 : 0.509
            return result
        }
        let rows = comparison.rows("one-label-per-device")
        let fedlora = try #require(rows.first { $0.method == "fedlora" })
        #expect(abs(try #require(fedlora.subjectPoints) - 35.4) < 1e-9)
        #expect(abs(try #require(fedlora.subjectGain) - (0.863 / 0.509 - 1)) < 1e-12)
        #expect(rows.first { $0.method == "splitfrozen" }?.subjectPoints == nil)
        #expect(rows.map(\.method) == comparison.methods)
    }

    @Test("a run that diverged is counted and is in no mean")
    func diverged() throws {
        let comparison = PlantedComparison.comparison { job in
            job.key.method == "zo" && job.key.seed == 2 ? nil : PlantedComparison.result(job)
        }
        let row = try #require(comparison.rows("iid").first { $0.method == "zo" })
        #expect(row.diverged == 1)
        #expect(row.runs == 2)
        let ended = comparison.results("zo", "iid").compactMap(\.points.last?.accuracy)
        #expect(row.accuracy == Spread(ended))
    }

    @Test("numbers are shown with three digits and a prefix")
    func quantities() {
        #expect(Quantity.text(999.4, "B") == "999 B")
        #expect(Quantity.text(999.6, "B") == "1 kB")
        #expect(Quantity.text(1.234e9, "B") == "1.23 GB")
        #expect(Quantity.text(3.4e14, "FLOP") == "340 TFLOP")
        #expect(Quantity.text(0, "B") == "0 B")
        #expect(Quantity.time(42) == "42 s")
        #expect(Quantity.time(150) == "2.5 min")
        #expect(Quantity.time(14_000) == "3.89 h")
        #expect(Quantity.signed(-0.04) == "0.0")
        #expect(Quantity.signed(-86.83) == "−86.8")
    }
}
