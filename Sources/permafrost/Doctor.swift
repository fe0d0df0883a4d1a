import ArgumentParser
import Diagnostics
import Foundation
import Recipes
import Runs

/// `permafrost doctor`.
struct Doctor: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine: processor, memory, libraries, sockets, disk, fetched files.",
        discussion: """
            Examples:
              permafrost doctor
              permafrost doctor recipes/movies-quick.yaml training.micro_batch=4

            With a recipe it also predicts the memory that 'permafrost train' will have resident at its peak, part by \
            part, from the recipe, the model's sizes and the data, and that of the largest device in a process of its \
            own; docs/memory.md explains the parts.
            """)

    @Argument(help: "A recipe whose need of memory to predict.", completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Argument(help: "KEY=VALUE overrides of the recipe.")
    var overrides: [String] = []

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let estimate = try recipe.map { try MemoryEstimate(Recipe.load(file: $0, overrides: overrides)) }
        let checks = MachineCheck.all() + (estimate.map { [MachineCheck.training($0)] } ?? [])
        switch format {
        case .json:
            Console.print(
                estimate.map { jsonText(Answer(checks: checks, memory: $0), indented: true) }
                    ?? jsonText(checks, indented: true))
        case .text:
            for check in checks { print(check) }
            if let estimate { print(estimate) }
        }
        if checks.contains(where: { $0.state == .failed }) {
            throw ArgumentParser.ExitCode(Diagnostics.ExitCode.machineUnfit.rawValue)
        }
    }

    private struct Answer: Encodable {
        let checks: [MachineCheck]
        let memory: MemoryEstimate
    }

    private func print(_ check: MachineCheck) {
        let mark = check.state == .good ? "ok  " : check.state == .warning ? "warn" : "FAIL"
        let remedy = check.remedy.map { "\n                → \($0)" } ?? ""
        Console.print("\(mark)  \(padded(check.name, to: 10))\(check.detail)\(remedy)")
    }

    private func print(_ estimate: MemoryEstimate) {
        Console.print("\nMemory at the peak, while \(estimate.phase.rawValue):")
        print(estimate.parts, estimate.predictedBytes)
        guard let device = estimate.device else { return }
        Console.print("\nMemory of \(device.id) in a process of its own, which needs most of all devices:")
        print(device.parts, device.predictedBytes)
    }

    private func print(_ parts: [MemoryEstimate.Part], _ bytes: Int) {
        for part in parts + [.init(name: "in all", bytes: bytes)] {
            let mebibytes = Figures.decimal(Double(part.bytes) / Double(1 << 20), 1)
            let padding = String(repeating: " ", count: max(0, 10 - mebibytes.count))
            Console.print("  \(padded(part.name, to: 42))\(padding)\(mebibytes) MiB")
        }
    }

    private func padded(_ text: String, to width: Int) -> String {
        text.padding(toLength: width, withPad: " ", startingAt: 0)
    }
}
