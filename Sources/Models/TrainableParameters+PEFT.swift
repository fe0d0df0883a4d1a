import Checkpoints
import Tensors

extension TrainableParameters {
    /// The adapters, and a classifier that trains along, in the form in which they are exchanged; nil for full
    /// fine-tuning, which has no adapters.
    ///
    /// - Parameter baseModel: what was trained on, as a name or path for people.
    public func peftAdapter(baseModel: String) -> PEFTAdapter? {
        guard let form = layout.lowRank else { return nil }
        let pairs = layout.slots.map { slot in
            let term = term(slot)
            return (
                AdapterSite(layer: slot.block, module: slot.site.module),
                LowRankPair(a: term.a_RI.values, b: term.b_OR.values)
            )
        }
        let classifier = classifier_KD.map {
            [PEFTAdapter.classifier: SafetensorsTensor(shape: [$0.rows, $0.columns], values: $0.values)]
        }
        return PEFTAdapter(
            family: layout.model.family, rank: form.rank, alpha: form.alpha,
            isRankStabilised: form.isRankStabilised, dropout: Double(form.dropout), baseModel: baseModel,
            pairs: Dictionary(uniqueKeysWithValues: pairs), savedModules: classifier ?? [:])
    }

    /// The parameters of an adapter from elsewhere.
    ///
    /// - Throws: `AdapterError` when the adapter was made for another model.
    public convenience init(_ adapter: PEFTAdapter, model: Hyperparameters) throws(AdapterError) {
        try adapter.check(fits: model)
        let classifier = adapter.savedModules[PEFTAdapter.classifier]
        self.init(
            layout: TrainableLayout(
                model: model, blocks: adapter.layers,
                form: .lowRank(
                    LowRankForm(
                        rank: adapter.rank, alpha: adapter.alpha, isRankStabilised: adapter.isRankStabilised,
                        dropout: Float(adapter.dropout), modules: Set(adapter.pairs.keys.map(\.module)))),
                classes: classifier?.shape.first))
        take(adapter)
    }

    /// Continues with an adapter's values.
    ///
    /// - Throws: `AdapterError.otherBase` when it changes other layers, or with another rank or scale.
    public func replace(with adapter: PEFTAdapter) throws(AdapterError) {
        let found = try TrainableParameters(adapter, model: layout.model).layout
        guard var form = found.lowRank, let own = layout.lowRank else {
            throw .otherBase(reason: "training.trainable is full, and an adapter cannot be continued so")
        }
        // Dropout is a matter of the training to come.
        form.dropout = own.dropout
        guard form == own, found.blocks == layout.blocks, found.classes == layout.classes else {
            throw .otherBase(
                reason: "rank, alpha, layers or classes differ from those of the recipe's lora section")
        }
        take(adapter)
    }

    private func take(_ adapter: PEFTAdapter) {
        for slot in layout.slots {
            guard let pair = adapter.pairs[AdapterSite(layer: slot.block, module: slot.site.module)] else { continue }
            let term = term(slot)
            term.a_RI.base.update(from: pair.a, count: pair.a.count)
            term.b_OR.base.update(from: pair.b, count: pair.b.count)
        }
        if let classifier_KD, let saved = adapter.savedModules[PEFTAdapter.classifier] {
            classifier_KD.base.update(from: saved.values, count: saved.values.count)
        }
    }
}
