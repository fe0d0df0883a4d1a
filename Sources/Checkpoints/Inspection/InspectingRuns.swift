import Diagnostics
import Foundation

extension FileInspection {
    /// A run's folder: what it trained, and where it could go on.
    static func run(_ folder: URL) throws -> FileInspection {
        var report = FileInspection(folder, .run)
        let trained = folder.appendingPathComponent("adapter")
        if let found = try? FoundFile(at: trained.path) {
            report.noting { report in
                switch found {
                case .adapterFolder(let url): report.take(try adapter(url))
                case .weightsFolder(let url): report.take(try weights(url))
                default: break
                }
            }
        } else {
            report.notes.append("the run has not come to an end: it has no folder 'adapter'")
        }
        var skipped: [SkippedCheckpoint] = []
        let newest = try RunCheckpoint.latest(in: folder.appendingPathComponent("checkpoints")) { url, error in
            skipped.append(SkippedCheckpoint(path: url.path, reason: error.problem))
        }
        report.checkpoint = newest.map(InspectedCheckpoint.init)
        report.skipped = skipped
        if newest == nil { report.notes.append("the run has no whole checkpoint to go on from") }
        return report
    }

    /// One checkpoint of a run: the state of training, moments of the optimizer included.
    static func checkpoint(_ folder: URL) throws -> FileInspection {
        var report = FileInspection(folder, .runCheckpoint)
        let checkpoint = try RunCheckpoint(contentsOf: folder)
        report.add(checkpoint.tensors)
        report.checkpoint = InspectedCheckpoint(checkpoint)
        return report
    }

    /// The weights that full fine-tuning changed.
    static func weights(_ folder: URL) throws -> FileInspection {
        var report = FileInspection(folder, .trainedWeights)
        let file = try SafetensorsFile(folder.appendingPathComponent(OverlaidModel.weightsName))
        report.add(file)
        let family = ModelFamily.all.first { family in
            file.shapes.keys.contains { $0.hasPrefix(family.names.blocks) }
        }
        report.family = family?.name
        let prefix = family?.names.blocks ?? ""
        let blocks = file.shapes.keys.filter { $0.hasPrefix(prefix) }.compactMap { name in
            Int(name.dropFirst(prefix.count).prefix { $0 != "." })
        }
        report.trainedWeights = InspectedWeights(
            blocks: Set(blocks).sorted(), trainables: report.parameters,
            hasClassifier: file.shapes[OverlaidModel.classifierName] != nil)
        return report
    }

    /// Takes over what was found in the folder of what a run trained.
    private mutating func take(_ trained: FileInspection) {
        family = trained.family
        for tensor in trained.tensors { add(tensor) }
        adapter = trained.adapter
        trainedWeights = trained.trainedWeights
    }
}
