import Checkpoints
import Foundation
import Models

extension TrainableParameters {
    /// Writes the adapters as a folder that Python's PEFT reads, made if need be.
    ///
    /// - Throws: `RunError.folderUnwritable`, or what the adapter's files are refused with.
    func writePEFT(to path: String, baseModel: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: path, error)
        }
        let pairs = layout.slots.map { slot in
            let term = term(slot)
            return (
                AdapterSite(layer: slot.block, module: slot.target.modulePath),
                LowRankPair(a: term.a_RI.values, b: term.b_OR.values)
            )
        }
        try PEFTAdapter(
            rank: layout.rank, alpha: Double(layout.alpha), baseModel: baseModel,
            pairs: Dictionary(uniqueKeysWithValues: pairs)
        ).write(to: URL(fileURLWithPath: path))
    }

    /// Reads a PEFT folder into adapters for a model.
    ///
    /// - Throws: `RunError.adapterMissing`, `.adapterMismatch` when it was made for another model or other layers, or what the adapter's
    ///   files are refused with.
    convenience init(peft path: String, model: LlamaModel) throws {
        guard FileManager.default.fileExists(atPath: "\(path)/adapter_config.json") else {
            throw RunError.adapterMissing(path: path)
        }
        let adapter = try PEFTAdapter(contentsOf: URL(fileURLWithPath: path))
        let targets = try Set(
            adapter.pairs.keys.map { site in
                guard let target = AdapterTarget.allCases.first(where: { $0.modulePath == site.module }) else {
                    throw RunError.adapterMismatch(path: path, reason: "the model has no layer \(site.module)")
                }
                return target
            })
        guard let first = adapter.layers.first, let last = adapter.layers.last,
            last < model.hyperparameters.layers, adapter.layers == Array(first...last)
        else {
            let layers = model.hyperparameters.layers
            throw RunError.adapterMismatch(
                path: path, reason: "it changes blocks \(adapter.layers), the model has \(layers)")
        }
        self.init(
            layout: AdapterLayout(
                model: model.hyperparameters, blocks: first..<last + 1, targets: targets, rank: adapter.rank,
                alpha: Float(adapter.alpha)))
        for slot in layout.slots {
            let site = AdapterSite(layer: slot.block, module: slot.target.modulePath)
            let term = term(slot)
            guard let pair = adapter.pairs[site], pair.a.count == term.a_RI.count, pair.b.count == term.b_OR.count
            else {
                throw RunError.adapterMismatch(
                    path: path, reason: "\(site.module) of block \(site.layer) has other widths")
            }
            term.a_RI.base.update(from: pair.a, count: pair.a.count)
            term.b_OR.base.update(from: pair.b, count: pair.b.count)
        }
    }
}
