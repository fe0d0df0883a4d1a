import Experiments
import Foundation

/// The files of a comparison's report.
struct ComparisonReport {
    private let comparison: Comparison

    init(_ comparison: Comparison) { self.comparison = comparison }

    /// Writes them into `report` of the comparison's folder, each whole, so that a page is there at any moment.
    ///
    /// - Throws: `RunError.folderUnwritable`, `FileError`.
    func write(to folder: RunFolder) throws {
        let path = "\(folder.path)/report"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for name in ["recipe.yaml", "fleet.yaml"] {
                try folder.write(
                    String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8), to: "report/\(name)")
            }
        } catch let error as CocoaError {
            throw RunError(unwritable: path, error)
        }
        let table = ResultsTable(comparison)
        try folder.write(table.points, to: "report/results.csv")
        try folder.write(table.devices, to: "report/devices.csv")
        try folder.write(json: ComparisonAnswer(comparison), to: "report/results.json")
        try folder.write(ReportPage(comparison).html, to: "report/index.html")
    }
}

/// A comparison as JSON.
public struct ComparisonAnswer: Encodable {
    let name: String
    let fleet: String
    let classes: [Comparison.DeviceClass]
    /// Of what stands in seconds or joules without a word, and in every `simulated_…`.
    let times = "simulated, but for measured_seconds and seconds"
    let plan: ComparisonPlan
    let learningRates: [String: Double]
    let rows: [ComparisonRow]
    let choices: [Comparison.Choice]
    let runs: [ExperimentRecord]

    /// Everything that has ended.
    public init(_ comparison: Comparison) {
        name = comparison.name
        fleet = comparison.fleet
        classes = comparison.classes
        plan = comparison.plan
        learningRates = comparison.plan.methods.reduce(into: [:]) {
            $0[$1.name] = comparison.plan.chosenRate(of: $1, in: comparison.records)
        }
        rows = comparison.plan.imbalances.flatMap(comparison.rows)
        choices = comparison.choices
        runs = comparison.orderedRecords
    }
}
