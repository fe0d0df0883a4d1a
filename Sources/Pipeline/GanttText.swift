/// A part of a timetable as lines of text: a row for each stage, time from left to right.
public struct GanttText {
    /// The lines, without line ends.
    public let lines: [String]

    /// Draws what happens between two moments.
    ///
    /// Every operation begins with its letter (`f` for F0), followed by its micro-batch as far as there is room; a dot is
    /// a column in which nothing is done. Operations shorter than half a column can be missing.
    ///
    /// - Parameter columns: how wide the drawing is, without the stage's number.
    public init(_ timetable: Timetable, from begin: Double, to end: Double, columns: Int) {
        let perColumn = max((end - begin) / Double(max(1, columns)), .leastNormalMagnitude)
        let width = String(timetable.stages.count - 1).count
        lines = timetable.stages.enumerated().map { stage, entries in
            var row = Array(repeating: Character("."), count: max(1, columns))
            for entry in entries where entry.end > begin && entry.start < end {
                let first = Self.column(entry.start - begin, perColumn, row.count)
                let last = Self.column(entry.end - begin, perColumn, row.count)
                guard first < last else { continue }
                let label = Array(Self.label(entry))
                for column in first..<last {
                    row[column] = column - first < label.count ? label[column - first] : " "
                }
                // A micro-batch's number that has lost digits would be another micro-batch's.
                if last - first < label.count {
                    for column in (first + 1)..<max(first + 1, last) { row[column] = " " }
                }
            }
            let number = String(stage)
            return "stage " + String(repeating: " ", count: width - number.count) + number + " |" + String(row) + "|"
        }
    }

    private static func column(_ time: Double, _ perColumn: Double, _ count: Int) -> Int {
        Int(min(Double(count), max(0, (time / perColumn).rounded())))
    }

    private static func label(_ entry: Timetable.Entry) -> String {
        switch entry.kind {
        case .frozenForward: "f\(entry.microBatch)"
        case .forward, .backwardInput, .backwardWeights: "\(entry.kind.symbol)\(entry.microBatch)"
        case .step: "s"
        }
    }
}

extension Timetable {
    /// One step of a long run: from the first begin of a step's list to the first begin of the next one's.
    ///
    /// - Parameter schedule: the one that was simulated, for as many steps as `Timetable.steady` takes.
    public func steadyStep(_ schedule: Schedule) -> (begin: Double, end: Double) {
        let step = schedule.steadySteps.lowerBound + 1
        return (begin(list: step), begin(list: step + 1))
    }

    private func begin(list: Int) -> Double {
        stages.reduce(.infinity) { first, entries in
            min(first, entries.first { $0.list == list }?.start ?? .infinity)
        }
    }

    /// A timetable long enough that a step of a long run is in it.
    ///
    /// - Throws: `ScheduleError`.
    public static func steady(_ schedule: Schedule, costs: PipelineCosts) throws(ScheduleError) -> Timetable {
        try Timetable(schedule, costs: costs, steps: schedule.steadySteps.upperBound)
    }
}
