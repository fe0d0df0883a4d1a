import Foundation

/// What a plan in the ledger says beside the assignments: who trains, who takes over, and why.
public struct RecordedPlan: Codable, Sendable, Equatable {
    /// The worker that owns the run.
    public var worker: String
    /// The worker to which it hands over.
    public var successor: String?
    /// Who takes part in its steps, by pipeline and stage, beginning with the worker itself; nil where nobody is.
    public var pipelines: [[String?]]?
    /// Why there is a new plan, in a few words.
    public var reason: String
    /// What the run waits for; nil before it was measured.
    public var bottleneck: String?

    /// Where a worker takes part in steps, in words; nil for one that does not, or where there is but one place.
    public func place(of worker: String) -> String? {
        pipelines.flatMap { Pipelines(recorded: $0).place(of: worker) }?.text
    }

    /// As the ledger keeps it, with keys in a fixed order.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        // Texts are always encodable.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// What the ledger kept.
    ///
    /// - Throws: `CoordinatorError.unreadablePlan` when the ledger has another form.
    public init(json: String) throws(CoordinatorError) {
        do {
            self = try JSONDecoder().decode(RecordedPlan.self, from: Data(json.utf8))
        } catch {
            throw .unreadablePlan
        }
    }

    init(worker: String, successor: String?, pipelines: [[String?]]? = nil, reason: String, bottleneck: String?) {
        self.worker = worker
        self.successor = successor
        self.pipelines = pipelines
        self.reason = reason
        self.bottleneck = bottleneck
    }
}
