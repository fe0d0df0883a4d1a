import ArgumentParser
import Runs

/// `permafrost bench ranks`.
struct BenchRanks: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "ranks",
        abstract: "Measures what choosing the ranks of an adapter costs: SOFT's importances beside decompositions.",
        discussion: """
            Examples:
              permafrost bench ranks
              permafrost bench ranks --rank 16 --rounds 21

            Random factors of layers as SmolLM2-135M and GPT-2 small have them, on one core. IMPORTANCES are the lengths \
            of each rank's two vectors. FACTORS is the truncated singular value decomposition out of the two factors, \
            PRODUCT that of their product by LAPACK.
            """)

    @Option(help: "Rank of the adapters.")
    var rank = 8

    @Option(help: "How often each is measured; the median counts.")
    var rounds = 9

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...256).contains(rank), rounds > 0 else {
            throw ValidationError("--rank is from 1 to 256, and --rounds above 0.")
        }
    }

    func answer() throws {
        let layers = [(192, 576), (576, 576), (1536, 576), (768, 768), (3072, 768)]
        let rows = RankBench.measure(layers: layers.map { ($0.0, $0.1) }, rank: rank, rounds: rounds)
        guard format == .text else { return Console.print(jsonText(rows, indented: true)) }
        var table = TextTable([
            ("LAYER", .left), ("IMPORTANCES", .right), ("FACTORS", .right), ("PRODUCT", .right),
            ("PRODUCT / IMPORTANCES", .right),
        ])
        for row in rows {
            table.add([
                "\(row.outputs) x \(row.inputs)",
                "\(Figures.decimal(1e6 * row.importances, 1)) us", "\(Figures.decimal(1e6 * row.factors, 0)) us",
                "\(Figures.decimal(1e3 * row.product, 2)) ms",
                Figures.count(Int((row.product / row.importances).rounded())),
            ])
        }
        Console.print(table.lines.joined(separator: "\n"))
    }
}
