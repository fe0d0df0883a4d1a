import Coordinator
import Ledger

/// A run's plan as `permafrost run info` tells it: what was decided, when, and what it promises.
struct PlanAnswer: Encodable {
    let generation: Int
    /// From the run's begin to the plan.
    let madeAfterSeconds: Double
    /// How long the whole run takes from its begin; nil before everybody was measured.
    let predictedSeconds: Double?
    /// When the run ends by that, in seconds since 1970.
    let predictedEnd: Double?
    /// What the run waits for.
    let bottleneck: String?
    let worker: String
    let successor: String?
    /// Who takes part in the steps, by pipeline and stage; nil for one worker alone.
    let pipelines: [[String?]]?
    let reason: String

    /// - Throws: `CoordinatorError.unreadablePlan`.
    init(_ plan: PlanRecord, begun: Double) throws {
        let recorded = try RecordedPlan(json: plan.json)
        generation = plan.generation
        madeAfterSeconds = plan.time - begun
        predictedSeconds = plan.predictedSeconds
        predictedEnd = plan.predictedSeconds.map { begun + $0 }
        bottleneck = recorded.bottleneck
        worker = recorded.worker
        successor = recorded.successor
        pipelines = recorded.pipelines
        reason = recorded.reason
    }

    /// The plan in words, as lines of a title and a text.
    func facts(run: RunAnswer) -> [(String, String)] {
        let made = Figures.duration(madeAfterSeconds)
        var facts = [("plan", "generation \(generation), made \(made) after the begin: \(reason)")]
        if let predictedSeconds, let predictedEnd {
            let length = "\(Figures.duration(predictedSeconds)) from its begin"
            let end = run.ended.map { "; it took \(Figures.duration($0 - run.begun))" }
            facts.append(("predicted", length + (end ?? ", ends \(Figures.moment(predictedEnd)) UTC")))
        }
        if let bottleneck { facts.append(("waits for", bottleneck)) }
        return facts
    }
}
