import Foundation

extension PEFTAdapter {
    /// Writes the adapter as a GGUF file in the layout that llama.cpp's adapter loader reads: `<tensor>.lora_a` [rank, in]
    /// and `<tensor>.lora_b` [out, rank] under the base model's own names, and alpha, which the loader divides by the
    /// rank.
    ///
    /// - Throws: `AdapterError` when the adapter does not fit the model, the family has no GGUF names here, or a classifier
    ///   was trained; `FileError.unwritable`.
    public func writeGGUF(to url: URL, model: Hyperparameters) throws {
        try check(fits: model)
        guard family == .llama else {
            throw AdapterError.unsupported(folder: url.path, feature: "GGUF names for the family \(family.name)")
        }
        guard savedModules.isEmpty else {
            throw AdapterError.unsupported(folder: url.path, feature: "a trained classifier in a GGUF adapter")
        }
        let layouts = Dictionary(uniqueKeysWithValues: llamaTensors(model).map { ($0.hubName, $0) })
        var tensors: [(name: String, shape: [Int])] = []
        var values: [String: [Float]] = [:]
        for (site, pair) in pairs.sorted(by: { $0.key < $1.key }) {
            let name = "\(family.names.inBlock(site.layer, site.module)).weight"
            guard let layout = layouts[name] else { continue }
            let (outputs, inputs) = (layout.shape[0], layout.shape[1])
            tensors.append(("\(layout.fileName).lora_a", [rank, inputs]))
            tensors.append(("\(layout.fileName).lora_b", [outputs, rank]))
            values["\(layout.fileName).lora_a"] = pair.a
            var rows = [Float](repeating: 0, count: pair.b.count)
            for row in 0..<outputs {
                let place = layout.fileRow(row) * rank
                rows.replaceSubrange(place..<place + rank, with: pair.b[row * rank..<(row + 1) * rank])
            }
            values["\(layout.fileName).lora_b"] = rows
        }
        try GGUFFile.write(
            metadata: [
                ("general.architecture", .text(family.name)), ("general.type", .text("adapter")),
                ("adapter.type", .text("lora")),
                // In 32 bits, as the loader wants it; with rsLoRA's scale in it, which the format has no key for.
                ("adapter.lora.alpha", .real(Double(scale * Float(rank)))),
            ], tensors: tensors, to: url
        ) { name, sink in
            sink.append(values[name] ?? [])
        }
    }
}
