import Models
import Tensors

/// Adapters as tensors of messages: the two factors of each adapted layer, and a classifier.
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
        return factors + (classifier_KD.map { [MessageTensor(Self.classifierName, $0)] } ?? [])
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

    /// The whole of a model that was trained in two parts: the mean of what devices have of the lower blocks, and the
    /// server's part above.
    ///
    /// - Parameter whole: of all blocks; both parts have its form.
    public static func joined(
        devices: [TrainableParameters], server: TrainableParameters, whole: TrainableLayout
    ) -> TrainableParameters {
        let joined = TrainableParameters(layout: whole)
        let mean = sum(devices.map { (1 / Double(devices.count), $0) })
        let boundary = mean.layout.count
        joined.flat.columns(0..<boundary).copy(from: mean.flat)
        joined.flat.columns(boundary..<whole.count).copy(from: server.flat)
        return joined
    }
}
