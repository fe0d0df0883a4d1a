import Models
import Tensors

/// What SOFT is compared with: the changes of single entries of A and B, the largest of each layer, in no more bits than
/// so many ranks would take.
enum EntrySelection {
    /// Entries of a layer, of both factors together, that fit into the bytes of some ranks: an entry is its value and its
    /// index.
    static func entries(_ slot: TrainableLayout.Slot, ranks: Int) -> Int {
        ranks * (slot.site.inputWidth + slot.site.outputs.count + 1) / 2
    }

    /// The largest changes of each layer, and all of a classifier's.
    ///
    /// - Parameter ranks: whose bytes may be sent; with 0 nothing is.
    static func deltas(
        from start: TrainableParameters, to end: TrainableParameters, ranks: Int
    ) -> [MessageTensor] {
        guard ranks > 0 else { return [] }
        let change = end.copied()
        Kernels.best.add(start.flat, scale: -1, to: change.flat)
        let factors = change.layout.slots.flatMap { slot -> [MessageTensor] in
            let (term, names) = (change.term(slot), TrainableParameters.factorNames(slot))
            let a = term.a_RI.values, b = term.b_OR.values, all = a + b
            let chosen = all.indices.sorted { (abs(all[$1]), $0) < (abs(all[$0]), $1) }
                .prefix(entries(slot, ranks: ranks)).sorted()
            let inA = chosen.filter { $0 < a.count }, inB = chosen.filter { $0 >= a.count }
            return [
                tensor(names.a, inA.map { all[$0] }, indices: inA),
                tensor(names.b, inB.map { all[$0] }, indices: inB.map { $0 - a.count }),
            ]
        }
        return factors
            + (change.classifier_KD.map { [MessageTensor(TrainableParameters.classifierName, $0)] } ?? [])
    }

    /// The changes of a message, with zeros for what it does not have.
    ///
    /// - Throws: `MethodError` for anything that does not fit the layout.
    static func read(
        _ tensors: [MessageTensor], layout: TrainableLayout
    ) throws(MethodError) -> TrainableParameters {
        let result = TrainableParameters(layout: layout)
        guard !tensors.isEmpty else { return result }
        let found = SparseTensors(tensors)
        for slot in layout.slots {
            let (term, names) = (result.term(slot), TrainableParameters.factorNames(slot))
            for (name, factor) in [(names.a, term.a_RI), (names.b, term.b_OR)] {
                let (indices, values) = try found.rows(name, columns: 1, of: factor.count)
                for (place, index) in indices.enumerated() {
                    factor[index / factor.columns, index % factor.columns] = values[place, 0]
                }
            }
        }
        if let classifier_KD = result.classifier_KD {
            try found.copy(TrainableParameters.classifierName, to: classifier_KD)
        }
        return result
    }

    private static func tensor(_ name: String, _ values: [Float], indices: [Int]) -> MessageTensor {
        let column = Storage(count: values.count).matrix(rows: values.count, columns: 1)
        for (place, value) in values.enumerated() { column[place, 0] = value }
        return MessageTensor(name, column, indices: indices)
    }
}
