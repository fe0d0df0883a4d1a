import Diagnostics
import Experiments
import Foundation

/// The runs of a comparison that have ended, a file each: what a comparison that was killed goes on from.
struct ComparisonRecords {
    /// A file of more bytes than this is no run's.
    private static let maximumBytes = 64 << 20
    private static let name = "experiments"

    let folder: RunFolder
    private(set) var records: [ExperimentJob: ExperimentRecord] = [:]

    /// Reads what is there. A file that cannot be read, or is not what its name says, is as if it were not there: its
    /// run is run again.
    ///
    /// - Throws: `RunError.folderUnwritable`.
    init(in folder: RunFolder) throws(RunError) {
        self.folder = folder
        let path = "\(folder.path)/\(Self.name)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw RunError(unwritable: path, error)
        }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for file in files where file.hasSuffix(".json") && !file.hasPrefix(".") {
            guard let record = Self.record(in: "\(path)/\(file)"), "\(record.job.name).json" == file else { continue }
            records[record.job] = record
        }
    }

    /// Keeps a run that has ended, in a file that is whole or not there.
    ///
    /// - Throws: `FileError.unwritable`.
    mutating func keep(_ record: ExperimentRecord) throws {
        try folder.write(json: record, to: "\(Self.name)/\(record.job.name).json")
        records[record.job] = record
    }

    private static func record(in path: String) -> ExperimentRecord? {
        guard let data = FileManager.default.contents(atPath: path),
            (try? CheckedJSON.check(data, maximumBytes: maximumBytes)) != nil
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(ExperimentRecord.self, from: data)
    }
}
