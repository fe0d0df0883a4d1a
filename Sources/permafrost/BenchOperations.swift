import ArgumentParser
import Runs

/// `permafrost bench ops`.
struct BenchOperations: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "ops",
        abstract: "Measures large products and fused operations beside what this machine can do.",
        discussion: """
            Examples:
              permafrost bench ops
              permafrost bench ops --sequences 16 --tokens 32 --rounds 31

            On one core, of GPT-2 small's shape. PEAK is a product's share of the most that any library reaches, on large \
            square matrices or these. REFERENCE and COPY are their time over the operation's. The reference is the same \
            code without this processor's instructions; the copy is one that reads and writes as many bytes together as \
            the operation must: a fast operation takes little longer, but for attention, gelu and swiglu, which compute \
            much on each byte.
            """)

    @Option(help: "Sequences.")
    var sequences = 4

    @Option(help: "Tokens of each.")
    var tokens = 128

    @Option(help: "How often each is measured; the median counts.")
    var rounds = 15

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func validate() throws {
        guard (1...4096).contains(sequences), (1...4096).contains(tokens), sequences * tokens <= 1 << 16, rounds > 0
        else {
            throw ValidationError("--sequences times --tokens is at most 65536, and --rounds above 0.")
        }
    }

    func answer() throws {
        let report = OperationBench(.init(sequences: sequences, tokens: tokens), rounds: rounds).measure()
        guard format == .text else { return Console.print(jsonText(report, indented: true)) }
        Console.print((products(report) + [""] + operations(report)).joined(separator: "\n"))
    }

    private func products(_ report: OperationBench.Report) -> [String] {
        var table = TextTable([("PRODUCT", .left), ("WEIGHTS", .left), ("GFLOP/S", .right), ("PEAK", .right)])
        for row in report.products {
            table.add([
                row.product, row.weights.rawValue, Figures.decimal(row.rate / 1e9, 0),
                Figures.percent(row.shareOfPeak, 0),
            ])
        }
        return table.lines
    }

    private func operations(_ report: OperationBench.Report) -> [String] {
        var table = TextTable([
            ("OPERATION", .left), ("BYTES", .right), ("TIME", .right), ("GB/S", .right), ("REFERENCE", .right),
            ("COPY", .right),
        ])
        for row in report.operations {
            table.add([
                row.operation, Figures.bytes(Double(row.bytes)), "\(Figures.decimal(1e6 * row.seconds, 0)) us",
                Figures.decimal(Double(row.bytes) / row.seconds / 1e9, 1),
                "\(Figures.decimal(row.reference / row.seconds, 1)) x",
                "\(Figures.decimal(row.copy / row.seconds, 2)) x",
            ])
        }
        return table.lines
    }
}
