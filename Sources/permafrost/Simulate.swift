import ArgumentParser
import Balancing
import Foundation
import Recipes
import Runs

/// `permafrost simulate`.
struct Simulate: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plays a run on a described fleet, balanced and with equal cuts. Every figure is simulated.",
        discussion: """
            Examples:
              permafrost simulate recipes/fleets/unequal.yaml
              permafrost simulate recipes/fleets/unequal.yaml classes.phone.count=40 server.workers=2
              permafrost simulate recipes/fleets/ten-thousand.yaml --format json

            The file says what the devices, the server and the model are like. On a virtual clock, devices compute and \
            send their messages, and the server runs missing frozen blocks and trains. The policy that measures, \
            chooses cuts and chooses them anew is the one that a coordinator follows; so is the order of samples. The \
            same seed gives the same run.

            A device's cut is the number of frozen blocks that it runs itself. Equal cuts give every device the \
            deepest cut that the smallest memory holds, or balance.equal_cut. 'waited for' is what the rest of the \
            run waited for when the last plan was made: a device's computing, its uplink, or the server.
            """)

    @Argument(help: "The fleet, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var fleet: String

    @Argument(help: "KEY=VALUE overrides of the fleet, such as seed=2 or classes.phone.count=40.")
    var overrides: [String] = []

    @Option(help: "How the answer is printed.")
    var format = OutputFormat.text

    func answer() throws {
        let fleet = try Fleet.load(file: fleet, overrides: overrides)
        let balanced = Simulation.run(fleet, mode: .balanced)
        let equal = Simulation.run(fleet, mode: .equal)
        if format == .json {
            Console.print(jsonText(SimulationAnswer(fleet, balanced: balanced, equal: equal), indented: true))
        } else {
            Console.print(SimulationText(fleet, balanced: balanced, equal: equal).lines.joined(separator: "\n"))
        }
    }
}

/// Both runs as JSON. Digests and counts of each device are left out.
private struct SimulationAnswer: Encodable {
    struct Run: Encodable {
        let seconds: Double
        let predictedSeconds: Double?
        let lastArrivalSeconds: Double
        let serverUtilisation: Double
        let bottleneck: String?
        let plansSolved: Int
        let plansTaken: Int
        let publishedSamples: Int
        let trainedSamples: Int
        let classes: [SimulationReport.ClassFigures]

        init(_ report: SimulationReport) {
            seconds = report.seconds
            predictedSeconds = report.predictedSeconds
            lastArrivalSeconds = report.lastArrivalSeconds
            serverUtilisation = report.serverUtilisation
            bottleneck = report.bottleneck?.description
            plansSolved = report.plansSolved
            plansTaken = report.plansTaken
            publishedSamples = report.publishedSamples
            trainedSamples = report.trainedSamples
            classes = report.classes
        }
    }

    let simulated = true
    let fleet: String
    let seed: UInt64
    let equalToBalancedRatio: Double
    let balanced: Run
    let equal: Run

    init(_ fleet: Fleet, balanced: SimulationReport, equal: SimulationReport) {
        self.fleet = fleet.name
        seed = fleet.seed
        equalToBalancedRatio = equal.seconds / balanced.seconds
        self.balanced = Run(balanced)
        self.equal = Run(equal)
    }
}
