import Foundation

/// What a plan in the ledger says beside the assignments: who trains, who takes over, and why.
public struct RecordedPlan: Codable, Sendable, Equatable {
    /// The worker that owns the run.
    public var worker: String
    /// The worker to which it hands over.
    public var successor: String?
    /// The workers that compute parts of its steps.
    public var replicas: [String]?
    /// Why there is a new plan, in a few words.
    public var reason: String
    /// What the run waits for; nil before it was measured.
    public var bottleneck: String?

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

    init(worker: String, successor: String?, replicas: [String]? = nil, reason: String, bottleneck: String?) {
        self.worker = worker
        self.successor = successor
        self.replicas = replicas
        self.reason = reason
        self.bottleneck = bottleneck
    }
}
