import Models
import Tensors

/// What trains as tensors of messages: the two factors of each adapted layer, or all weights of each block, and a
/// classifier.
extension TrainableParameters {
    static let classifierName = "classifier"

    static func factorNames(_ slot: TrainableLayout.Slot) -> (a: String, b: String) {
        let path = "blocks.\(slot.block).\(slot.site.module)"
        return ("\(path).lora_A", "\(path).lora_B")
    }

    /// Everything, in the layout's order.
    var messageTensors: [MessageTensor] {
        let factors = layout.slots.flatMap { slot in
            let (term, names) = (term(slot), Self.factorNames(slot))
            return [MessageTensor(names.a, term.a_RI), MessageTensor(names.b, term.b_OR)]
        }
        return factors + wholeBlocks.map { MessageTensor($0.name, $0.values) }
            + (classifier_KD.map { [MessageTensor(Self.classifierName, $0)] } ?? [])
    }

    /// Of blocks that train in full.
    private var wholeBlocks: [(name: String, values: Matrix)] {
        guard layout.form == .full else { return [] }
        return directionParts.compactMap { part in part.block.map { ("blocks.\($0)", part.values) } }
    }

    /// Takes the values of everything.
    ///
    /// - Throws: `MethodError` for a tensor that is missing, of another shape or not finite; what came before it has been
    ///   taken.
    func take(_ tensors: [MessageTensor]) throws(MethodError) {
        let found = SparseTensors(tensors)
        for slot in layout.slots {
            let (term, names) = (term(slot), Self.factorNames(slot))
            try found.copy(names.a, to: term.a_RI)
            try found.copy(names.b, to: term.b_OR)
        }
        for block in wholeBlocks { try found.copy(block.name, to: block.values) }
        if let classifier_KD { try found.copy(Self.classifierName, to: classifier_KD) }
    }
}

extension TrainableParameters {
    /// A copy with memory of its own.
    public func copied() -> TrainableParameters {
        let copy = TrainableParameters(layout: layout)
        copy.flat.copy(from: flat)
        return copy
    }

    /// Σ weight · parameters, of one layout.
    static func sum(_ parts: [(weight: Double, parameters: TrainableParameters)]) -> TrainableParameters {
        let sum = TrainableParameters(layout: parts[0].parameters.layout)
        for part in parts { Kernels.best.add(part.parameters.flat, scale: Float(part.weight), to: sum.flat) }
        return sum
    }

    /// The mean, each with the same weight.
    static func mean(_ parts: [TrainableParameters]) -> TrainableParameters {
        sum(parts.map { (1 / Double(parts.count), $0) })
    }

    /// A copy of what trains in some of the blocks.
    ///
    /// - Parameter part: consecutive blocks of this layout, or none, in its form; with a classifier only if it has the last one.
    public func part(_ part: TrainableLayout) -> TrainableParameters {
        let copy = TrainableParameters(layout: part)
        let start = part.blocks.first.map { layout.range(ofStage: $0..<$0 + 1).lowerBound } ?? 0
        copy.flat.copy(from: flat.columns(start..<start + part.count))
        return copy
    }

    /// The whole of a model that was trained in two parts: the lower blocks, and the server's part above.
    ///
    /// - Parameter whole: of all blocks; both parts have its form.
    static func joined(
        lower: TrainableParameters, upper: TrainableParameters, whole: TrainableLayout
    ) -> TrainableParameters {
        let joined = TrainableParameters(layout: whole), boundary = lower.layout.count
        joined.flat.columns(0..<boundary).copy(from: lower.flat)
        joined.flat.columns(boundary..<whole.count).copy(from: upper.flat)
        return joined
    }
}
