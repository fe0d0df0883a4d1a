import ArgumentParser
import Foundation
import Ledger
import Runs

/// `permafrost top`.
struct Top: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows how each device's publishing stands, and goes on showing it on a terminal.",
        discussion: """
            PENDING are messages without an acknowledgement, LAG are samples that are still to come, REDELIVERED are \
            messages that came again. Ctrl-C ends it.
            """)

    /// The coordinator writes new figures about as often.
    private static let interval = 1.0

    @Option(help: "The run's id; the newest one if left out.")
    var run: String?

    @Flag(help: "Print the figures once; so it is when the output is no terminal.")
    var once = false

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed; json is printed once.")
    var format = OutputFormat.text

    func answer() throws {
        let ledger = try state.ledger(.reading)
        let id = try state.run(run, in: ledger).id
        let screen = once || format == .json ? nil : Console.screen
        while true {
            let state = try ledger.state(of: id)
            let progress = try RunProgress(state, in: ledger)
            let rows = DeviceFigures.rows(state)
            guard let screen else {
                let answer = Answer(progress: progress, devices: rows)
                return Console.print(
                    format == .json
                        ? jsonText(answer, indented: true)
                        : Self.lines(progress, rows, limit: .max).joined(separator: "\n"))
            }
            let lines = Self.lines(progress, rows, limit: max(4, screen.rows - 1))
            Console.write("\u{1B}[H" + lines.map { $0.prefix(screen.columns) + "\u{1B}[K\n" }.joined() + "\u{1B}[J")
            guard !state.run.state.isOver else { return }
            Thread.sleep(forTimeInterval: Self.interval)
        }
    }

    /// - Parameter limit: lines that there is room for.
    private static func lines(_ progress: RunProgress, _ rows: [DeviceFigures], limit: Int) -> [String] {
        var table = TextTable([
            ("DEVICE", .left), ("STATE", .left), ("CUT", .right), ("CREDIT", .right), ("PENDING", .right),
            ("MESSAGES", .right), ("BYTES", .right), ("LAG", .right), ("REDELIVERED", .right), ("RTT", .right),
            ("SEEN", .right),
        ])
        // Header, titles, and what was left out.
        let room = limit == .max ? rows.count : limit - 3
        for row in rows.prefix(room) { table.add(row.cells) }
        let rest = rows.count - room
        return ["\(progress.run)  \(progress.state.rawValue)  \(progress.text)  \(progress.deviceText)"] + table.lines
            + (rest > 0 ? ["… and \(Figures.count(rest)) more: permafrost top --once"] : [])
    }

    private struct Answer: Encodable {
        let progress: RunProgress
        let devices: [DeviceFigures]
    }
}

extension DeviceFigures {
    fileprivate var cells: [String] {
        [
            device, state.rawValue, "\(cut)", Figures.bytes(Double(creditBytes)),
            Figures.bytes(Double(pendingBytes)), Figures.count(messages), Figures.bytes(Double(bytes)),
            Figures.count(lag), Figures.count(redelivered),
            roundTripSeconds.map { "\(Figures.decimal($0 * 1e3, 1)) ms" } ?? "-", Figures.age(since: lastSeen),
        ]
    }
}
