/// Who has which place in the pipelines that share a run's steps: pure.
///
/// The run's owner is the first stage of the first pipeline. Places are filled in the order of their use. First come the
/// first stages of all pipelines, each of which computes its share of a step alone as well; then the later stages, pipeline
/// by pipeline, as only a pipeline that has all of them is any faster.
struct Pipelines: Equatable {
    /// A stage of a pipeline, both from 0.
    struct Place: Equatable {
        let replica: Int
        let stage: Int
    }

    /// By pipeline and stage; nil where nobody is.
    private(set) var holders: [[String?]]

    /// - Parameter holders: as they were recorded; those for whom there is no place any more are left out.
    init(replicas: Int, stages: Int, holders: [[String?]] = []) {
        self.holders = (0..<max(1, replicas)).map { replica in
            (0..<max(1, stages)).map { stage in
                guard holders.indices.contains(replica), holders[replica].indices.contains(stage) else { return nil }
                return holders[replica][stage]
            }
        }
    }

    /// As a plan has it.
    init(recorded: [[String?]]) {
        self.init(replicas: recorded.count, stages: recorded.map(\.count).max() ?? 1, holders: recorded)
    }

    /// How many workers can take part.
    var capacity: Int { holders.count * holders[0].count }

    /// The places of all but the owner, the most useful one first.
    private var order: [Place] {
        (1..<holders.count).map { Place(replica: $0, stage: 0) }
            + holders.indices.flatMap { replica in
                (1..<holders[replica].count).map { Place(replica: replica, stage: $0) }
            }
    }

    /// All but the owner, in the order of their places.
    var helpers: [String] { order.compactMap { self[$0] } }

    /// Who is where, without the places that nobody has at the end of a pipeline, or of all.
    var recorded: [[String?]] {
        let trimmed = holders.map { Array($0.prefix(($0.lastIndex { $0 != nil } ?? -1) + 1)) }
        return Array(trimmed.prefix((trimmed.lastIndex { !$0.isEmpty } ?? -1) + 1))
    }

    private(set) subscript(place: Place) -> String? {
        get { holders[place.replica][place.stage] }
        set { holders[place.replica][place.stage] = newValue }
    }

    /// Where somebody is.
    func place(of id: String) -> Place? {
        for (replica, stages) in holders.enumerated() {
            if let stage = stages.firstIndex(of: id) { return Place(replica: replica, stage: stage) }
        }
        return nil
    }

    /// Whether somebody helps with the owner's steps.
    func isHelper(_ id: String) -> Bool { place(of: id).map { $0.replica > 0 || $0.stage > 0 } ?? false }

    /// From whom a helper gets its share of a step; nil for the owner, for strangers, and where that one is gone.
    func leader(of id: String) -> String? {
        guard let place = place(of: id) else { return nil }
        if place.stage > 0 { return holders[place.replica][0] }
        return place.replica > 0 ? holders[0][0] : nil
    }

    /// Who gets sums of the steps: the first stages of all pipelines but the owner's.
    var heads: [String] { holders.dropFirst().compactMap { $0[0] } }

    /// The later stages of the pipeline that somebody begins, in their order.
    func stages(of id: String) -> [String] {
        guard let place = place(of: id), place.stage == 0 else { return [] }
        return holders[place.replica].dropFirst().compactMap { $0 }
    }

    /// Gives every place to somebody, as long as there are enough: who has one keeps it, unless a more useful one is empty
    /// and nobody else is there for it.
    ///
    /// - Parameters:
    ///   - there: all who can take part; those without a place get one in this order.
    ///   - leaving: those of them who stay where they are, or leave.
    mutating func fill(owner: String?, _ there: [String], leaving: Set<String>) {
        let known = Set(there)
        for place in order { if let id = self[place], !known.contains(id) { self[place] = nil } }
        holders[0][0] = owner
        let order = order, placed = Set(helpers)
        var coming = there.filter { !placed.contains($0) && !leaving.contains($0) }[...]
        for (index, place) in order.enumerated() where self[place] == nil {
            if let next = coming.popFirst() {
                self[place] = next
            } else if let last = order[(index + 1)...].last(where: { self[$0].map { !leaving.contains($0) } ?? false })
            {
                self[place] = self[last]
                self[last] = nil
            }
        }
    }
}

extension Pipelines.Place {
    /// As people count.
    var text: String { "replica \(replica + 1) stage \(stage + 1)" }
}
