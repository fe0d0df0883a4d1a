import Diagnostics
import Foundation

/// A schedule in a file of JSON, with the costs for which it was made.
///
/// Lists are operations separated by spaces, as `StageOperation.description` writes them.
public struct ScheduleFile: Sendable, Equatable {
    /// The schedule, unchecked.
    public var schedule: Schedule
    /// What its operations cost; nil when the file does not say.
    public var costs: PipelineCosts?
    /// The most bytes that a stage may stash; nil when there is no limit.
    public var capBytes: Int?

    /// More bytes than any schedule within the limits has.
    private static let maximumBytes = 4 << 20

    /// What a file holds.
    public init(schedule: Schedule, costs: PipelineCosts? = nil, capBytes: Int? = nil) {
        self.schedule = schedule
        self.costs = costs
        self.capBytes = capBytes
    }

    /// Reads a file.
    ///
    /// - Throws: `ScheduleError.unreadable` or `malformed`, and `impossible` for costs out of range.
    public init(path: String) throws(ScheduleError) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .unreadable(file: path, reason: systemReason(of: error))
        }
        try self.init(json: data, name: path)
    }

    /// Reads a document.
    ///
    /// - Parameter name: what errors call it.
    /// - Throws: as `init(path:)`.
    public init(json data: Data, name: String) throws(ScheduleError) {
        let form: Form
        do {
            form = try CheckedJSON.decode(Form.self, from: data, maximumBytes: Self.maximumBytes)
        } catch {
            throw .malformed(file: name, reason: error.reason)
        }
        guard let barrier = StepBarrier(rawValue: form.barrier) else {
            let names = StepBarrier.allCases.map(\.rawValue).joined(separator: " or ")
            throw .malformed(file: name, reason: "the key barrier must be \(names)")
        }
        var stages: [Schedule.Stage] = []
        for (number, stage) in form.stages.enumerated() {
            stages.append(
                Schedule.Stage(
                    blocks: StageBlocks(frozen: stage.frozen, trainable: stage.trainable), room: stage.room ?? 0,
                    prologue: try Self.list(stage.prologue ?? "", file: name, key: "stages.\(number).prologue"),
                    step: try Self.list(stage.step, file: name, key: "stages.\(number).step")))
        }
        schedule = Schedule(
            name: form.schedule, microBatches: form.micro_batches, fusesBackward: form.fused_backward ?? false,
            barrier: barrier, stages: stages)
        capBytes = form.cap_bytes
        costs = form.costs.map(PipelineCosts.init)
        try Schedule.checkSize(stages: stages.count, microBatches: form.micro_batches)
        try costs?.check(microBatches: form.micro_batches)
    }

    private static func list(_ text: String, file: String, key: String) throws(ScheduleError) -> [StageOperation] {
        var list: [StageOperation] = []
        for word in text.split(separator: " ") {
            guard let operation = StageOperation(word) else {
                throw .malformed(
                    file: file, reason: "the key \(key) has '\(word.prefix(40))', which is no operation such as F0.3+1")
            }
            list.append(operation)
        }
        return list
    }

    /// The document, with sorted keys.
    ///
    /// - Parameter figures: what the schedule comes to, for those who read the document.
    public func json(figures: ScheduleFigures? = nil) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var form = form
        form.figures = figures.map(Form.Figures.init)
        // Costs are finite, and everything else is numbers and texts, which always encode.
        return (try? encoder.encode(form)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }

    private var form: Form {
        let text = { (list: [StageOperation]) in list.map(\.description).joined(separator: " ") }
        return Form(
            schedule: schedule.name, micro_batches: schedule.microBatches, fused_backward: schedule.fusesBackward,
            barrier: schedule.barrier.rawValue,
            stages: schedule.stages.map {
                Form.Stage(
                    frozen: $0.blocks.frozen, trainable: $0.blocks.trainable, room: $0.room,
                    prologue: text($0.prologue), step: text($0.step))
            }, costs: costs.map(Form.Costs.init), cap_bytes: capBytes)
    }
}
