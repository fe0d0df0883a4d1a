import Checkpoints
import Foundation
import Models

extension TrainableParameters {
    /// Writes what was trained into a folder, made if need be: adapters in PEFT's format, or under their hub names the
    /// weights that full fine-tuning changed.
    ///
    /// - Throws: `RunError.folderUnwritable`, or what the files are refused with.
    func write(to path: String, baseModel: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: path, error)
        }
        let folder = URL(fileURLWithPath: path)
        if let adapter = peftAdapter(baseModel: baseModel) { return try adapter.write(to: folder) }
        let tensors = Dictionary(uniqueKeysWithValues: hubTensors.map { ($0.name, $0) })
        var shapes = tensors.mapValues(\.shape)
        if let classifier_KD {
            shapes["\(PEFTAdapter.classifier).weight"] = [classifier_KD.rows, classifier_KD.columns]
        }
        try SafetensorsFile.write(
            shapes, metadata: ["format": "pt"], to: folder.appendingPathComponent(OverlaidModel.weightsName)
        ) { name, sink in
            // One after another: what files store transposed is copied here.
            if let matrix = tensors[name]?.matrix ?? classifier_KD { sink.append(matrix) }
        }
    }

    /// Reads what was trained on a model: adapters in PEFT's format, or whole weights.
    ///
    /// - Throws: `RunError.adapterMissing`, `.adapterMismatch` when it was made for another model, or what the files are
    ///   refused with.
    public convenience init(trained path: String, model: LanguageModel) throws {
        let folder = URL(fileURLWithPath: path)
        let weights = folder.appendingPathComponent(OverlaidModel.weightsName)
        if FileManager.default.fileExists(atPath: "\(path)/adapter_config.json") {
            let adapter = try PEFTAdapter(contentsOf: folder)
            do {
                try self.init(adapter, model: model.hyperparameters)
            } catch AdapterError.otherBase(let reason) {
                throw RunError.adapterMismatch(path: path, reason: reason)
            }
        } else if FileManager.default.fileExists(atPath: weights.path) {
            try self.init(weights: SafetensorsFile(weights), folder: path, model: model)
        } else {
            throw RunError.adapterMissing(path: path)
        }
    }

    /// Continues with an adapter from elsewhere.
    ///
    /// - Throws: `RunError.adapterMissing`, `.adapterMismatch` when it does not have the shape that the recipe asks for,
    ///   or what its files are refused with.
    func start(from path: String) throws {
        guard FileManager.default.fileExists(atPath: "\(path)/adapter_config.json") else {
            throw RunError.adapterMissing(path: path)
        }
        let adapter = try PEFTAdapter(contentsOf: URL(fileURLWithPath: path))
        do {
            try replace(with: adapter)
        } catch AdapterError.otherBase(let reason) {
            throw RunError.adapterMismatch(path: path, reason: reason)
        }
    }

    private convenience init(weights file: SafetensorsFile, folder: String, model: LanguageModel) throws {
        let sizes = model.hyperparameters, prefix = sizes.family.names.blocks
        let blocks = Set(
            file.shapes.keys.filter { $0.hasPrefix(prefix) }.compactMap { name in
                Int(name.dropFirst(prefix.count).prefix { $0 != "." })
            })
        guard blocks.allSatisfy({ (0..<sizes.layers).contains($0) }) else {
            throw RunError.adapterMismatch(
                path: folder, reason: "it has block \(blocks.max() ?? 0) of \(sizes.layers), counted from 0")
        }
        let classifier = "\(PEFTAdapter.classifier).weight"
        self.init(
            layout: TrainableLayout(
                model: sizes, blocks: blocks, form: .full, classes: file.shapes[classifier]?.first))
        try readWeights(from: OverlaidModel(base: model.source, overlay: file))
        if let classifier_KD { try file.read(classifier, into: classifier_KD) }
    }
}
