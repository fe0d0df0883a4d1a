import ArgumentParser
import Coordinator
import Diagnostics
import Foundation
import Ledger
import Runs

/// `permafrost run info`.
struct RunInformation: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Says how a run stands, what its plan is and why: the newest one if none is named.",
        discussion: """
            A plan predicts how long the run takes from its begin when all devices and the worker have been measured; WHY \
            says what gave each device its cut. Refused are handshakes and messages since that role was started. The \
            figures of stages, and medians of F0, F, B and W, are since the worker was started.

            The chain of its steps is followed from the first to the last: a step that was changed, exchanged or lost is \
            named, and the exit code is 65.
            """)

    @Argument(help: "The run's id.")
    var run: String?

    @OptionGroup var state: StateArguments

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let ledger = try state.ledger(.reading)
        let id = try state.run(run, in: ledger).id
        let runState = try ledger.state(of: id)
        let plans = try ledger.plans(of: id).map { try PlanAnswer($0, begun: runState.run.begun) }
        let answer = Answer(
            run: RunAnswer(runState.run), progress: try RunProgress(runState, in: ledger),
            verifiedSteps: try ledger.verifyChain(id), chainHash: runState.run.chainHash, plan: plans.last,
            plans: plans, assignments: runState.assignments, workers: runState.workers, refusals: runState.refusals,
            compute: runState.compute, shares: runState.shares, peaks: runState.peaks,
            orders: try ledger.orders(of: id).filter { $0.taken == nil })
        Console.print(format == .json ? jsonText(answer, indented: true) : text(answer))
    }

    private func text(_ answer: Answer) -> String {
        let run = answer.run
        var facts = [
            ("run", run.id),
            ("state", run.state.rawValue + (run.reason.map { ": \($0)" } ?? "")),
            ("progress", answer.progress.text),
            ("recipe", "\(run.recipe), seed \(run.seed)"),
            ("begun", "\(Figures.moment(run.begun)) UTC"),
        ]
        if let ended = run.ended { facts.append(("ended", "\(Figures.moment(ended)) UTC")) }
        let steps = Figures.count(answer.verifiedSteps, "step")
        facts.append(("chain", "verified, \(steps), ends in \(answer.chainHash.prefix(16))"))
        facts.append(("devices", answer.progress.deviceText))
        let stored = Figures.count(answer.progress.settledSamples)
        facts.append(("stored", "\(stored) of \(Figures.count(answer.progress.samples, "sample"))"))
        facts += answer.workers.map { ("worker", "\($0.id) at \($0.endpoint): \($0.state.rawValue)") }
        facts += answer.compute.flatMap(figures)
        if let shares = text(answer.shares, answer.plan?.pipelines ?? []) { facts.append(("shares", shares)) }
        if let memory = text(answer.peaks) { facts.append(("memory", memory)) }
        facts += answer.refusals.map { ("refused", text($0)) }
        if let plan = answer.plan { facts += plan.facts(run: run) }
        facts += answer.orders.map { ("ordered", "\($0.kind.rawValue) \($0.target), not taken yet") }
        facts.append(("next", next(run)))
        let lines = facts.map { "\($0.padding(toLength: 9, withPad: " ", startingAt: 0))  \($1.printable)" }
        return (lines + assignments(answer.assignments)).joined(separator: "\n")
    }

    private func figures(_ compute: ComputeRecord) -> [(String, String)] {
        var facts: [(String, String)] = []
        if let seconds = compute.frozenForwardSeconds {
            facts.append(("F0", "\(Figures.milliseconds(seconds)) a message, on \(compute.worker)"))
        }
        guard let pipeline = compute.pipeline else { return facts }
        facts.append(("pipeline", "\(PipelineText.whole(pipeline)), on \(compute.worker)"))
        return facts + PipelineText.stages(pipeline).map { ("", $0) }
    }

    /// Who computed how much of the steps, where a pipeline's share is that of its first stage; nil when one did all.
    private func text(_ shares: [ShareRecord], _ pipelines: [[String?]]) -> String? {
        let all = shares.reduce(0.0) { $0 + Double($1.microBatches) }
        guard all > 0 else { return nil }
        let parts = shares.map { share in
            let number = pipelines.firstIndex { $0.first == share.worker }
            let name = number.map { number in
                "replica \(number + 1) (\(pipelines[number].compactMap(\.self).joined(separator: ", ")))"
            }
            return "\(name ?? share.worker) \(Figures.decimal(100 * Double(share.microBatches) / all, 0)) %"
        }
        return "\(parts.joined(separator: ", ")) of \(Figures.count(Int(min(all, 1e15)))) micro-batches"
    }

    /// Between which bounds devices' peaks lie; nil when none has said so.
    private func text(_ peaks: [PeakRecord]) -> String? {
        let sizes = peaks.map(\.peakBytes).sorted()
        guard let least = sizes.first, let most = sizes.last else { return nil }
        let range = least == most ? "" : "\(Figures.bytes(Double(least))) to "
        return "\(Figures.count(sizes.count, "device")) held \(range)\(Figures.bytes(Double(most))) at most"
    }

    private func text(_ refusals: RefusalRecord) -> String {
        let reasons = refusals.reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key) \(Figures.count($0.value))" }
        return "by \(refusals.source): \(Figures.count(refusals.handshakes, "handshake")), "
            + "\(Figures.count(refusals.messages, "message"))  (\(reasons.joined(separator: ", ")))"
    }

    private func assignments(_ assignments: [AssignmentRecord]) -> [String] {
        guard !assignments.isEmpty else { return [] }
        var table = TextTable([
            ("DEVICE", .left), ("WORKER", .left), ("CUT", .right), ("CREDIT", .right), ("SINCE", .right),
            ("WHY", .left),
        ])
        for assignment in assignments {
            table.add([
                assignment.device, assignment.worker, "\(assignment.cut)",
                assignment.creditBytes == 0 ? "-" : Figures.bytes(Double(assignment.creditBytes)),
                "\(assignment.generation)", assignment.reason,
            ])
        }
        return [""] + table.lines
    }

    private func next(_ run: RunAnswer) -> String {
        switch run.state {
        case .gathering, .training: state.next("top")
        case .stopping, .failed, .completed: state.next("run logs \(run.id)")
        case .interrupted: state.next("coordinator RECIPE")
        }
    }

    private struct Answer: Encodable {
        let run: RunAnswer
        let progress: RunProgress
        let verifiedSteps: Int
        let chainHash: String
        let plan: PlanAnswer?
        let plans: [PlanAnswer]
        let assignments: [AssignmentRecord]
        let workers: [WorkerRecord]
        let refusals: [RefusalRecord]
        let compute: [ComputeRecord]
        let shares: [ShareRecord]
        let peaks: [PeakRecord]
        let orders: [OrderRecord]
    }
}
