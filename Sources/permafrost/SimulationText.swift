import Balancing
import Foundation

/// Two simulated runs of a fleet, as people read them.
struct SimulationText {
    let lines: [String]

    init(_ fleet: Fleet, balanced: SimulationReport, equal: SimulationReport) {
        let devices = fleet.classes.reduce(0) { $0 + $1.count }
        lines =
            [
                "simulated: \(fleet.name), \(Figures.count(devices, "device")), "
                    + "\(Figures.count(balanced.publishedSamples, "sample")), "
                    + "\(Figures.count(fleet.model.epochs, "epoch")), seed \(fleet.seed)",
                "",
            ] + Self.runs(balanced, equal) + [""] + Self.classes(balanced, equal) + [""]
            + Self.summary(balanced, equal)
    }

    private static func runs(_ balanced: SimulationReport, _ equal: SimulationReport) -> [String] {
        var table = TextTable([
            ("SIMULATED", .left), ("TIME", .right), ("LAST SAMPLE", .right), ("SERVER BUSY", .right),
        ])
        for (name, report) in [("balanced", balanced), ("equal cuts", equal)] {
            table.add([
                name, Figures.duration(report.seconds), Figures.duration(report.lastArrivalSeconds),
                Figures.percent(report.serverUtilisation, 0),
            ])
        }
        return table.lines
    }

    private static func classes(_ balanced: SimulationReport, _ equal: SimulationReport) -> [String] {
        var table = TextTable([
            ("CLASS", .left), ("DEVICES", .right), ("CUTS", .right), ("MEAN", .right), ("COMPUTING", .right),
            ("LAST SAMPLE", .right), ("EQUAL CUT", .right), ("COMPUTING", .right), ("LAST SAMPLE", .right),
        ])
        for (ours, theirs) in zip(balanced.classes, equal.classes) {
            table.add([
                ours.name, Figures.count(ours.devices), "\(ours.smallestCut)-\(ours.largestCut)",
                Figures.decimal(ours.meanCut, 1), Figures.percent(ours.computingShare, 0),
                Figures.duration(ours.lastPublishedSeconds), "\(theirs.largestCut)",
                Figures.percent(theirs.computingShare, 0),
                Figures.duration(theirs.lastPublishedSeconds),
            ])
        }
        return table.lines
    }

    private static func summary(_ balanced: SimulationReport, _ equal: SimulationReport) -> [String] {
        let prediction = balanced.predictedSeconds.map {
            "predicted \(Figures.duration($0)), "
                + "\(Figures.decimal(100 * ($0 / balanced.seconds - 1), 1)) % off (simulated)"
        }
        return [
            "waited for: \(balanced.bottleneck?.description ?? "nothing measured")",
            "plans: solved \(Figures.count(balanced.plansSolved)), taken \(Figures.count(balanced.plansTaken))",
            prediction ?? "predicted nothing: the run was over before every device was measured",
            "equal cuts take \(Figures.decimal(equal.seconds / balanced.seconds, 2)) times as long (simulated)",
        ]
    }
}
