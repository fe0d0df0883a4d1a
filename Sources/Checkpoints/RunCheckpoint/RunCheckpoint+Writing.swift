import Diagnostics
import Foundation
import Tensors

extension RunCheckpoint {
    /// Writes a checkpoint so that a crash at any time leaves it whole or not there: the files aside and synced, then
    /// the folder renamed, then the marker. Only then are older ones removed.
    ///
    /// - Parameters:
    ///   - tensors: parameters and moments by name, with their dimensions, outermost first. Nothing is copied: they must
    ///     not change meanwhile.
    ///   - reports: what is to be told about the steps, see `RunCheckpoint.reports`.
    ///   - usedSamples: see `RunCheckpoint.usedSamples`; there is no file when it is empty.
    ///   - parent: the folder of the run's checkpoints, made if need be. One process at a time writes there.
    ///   - keeping: how many checkpoints stay, this one and the newest before it; at least one.
    /// - Returns: the checkpoint's folder.
    /// - Throws: `FileError.unwritable`, `SafetensorsError.unfittingValues`; earlier checkpoints stay as they are.
    @discardableResult
    public static func write(
        state: CheckpointState, tensors: [String: (shape: [Int], matrix: Matrix)], recipe: String,
        reports: Data = Data(), usedSamples: Data = Data(), to parent: URL, keeping: Int
    ) throws -> URL {
        precondition(keeping > 0 && state.step >= 0, "a checkpoint that was just written must stay")
        let aside = CheckpointFolder.aside(step: state.step, in: parent)
        let target = CheckpointFolder(step: state.step, in: parent)
        do {
            try makeFolder(aside)
            var digests = [
                (
                    tensorsName,
                    try SafetensorsFile.write(matrices: tensors, to: aside.appendingPathComponent(tensorsName))
                ),
                (stateName, try WholeFile.write([state.json()], to: aside.appendingPathComponent(stateName))),
                (recipeName, try WholeFile.write([Data(recipe.utf8)], to: aside.appendingPathComponent(recipeName))),
                (reportsName, try WholeFile.write([reports], to: aside.appendingPathComponent(reportsName))),
            ]
            if !usedSamples.isEmpty {
                let file = aside.appendingPathComponent(usedName)
                digests.append((usedName, try WholeFile.write([usedSamples], to: file)))
            }
            let marker = CheckpointMarker.text(digests)
            try makeRoom(for: target, in: parent)
            Failpoint.hit(.duringCheckpoint)
            try move(aside, to: target.url)
            Failpoint.hit(.duringCheckpoint)
            try WholeFile.write([Data(marker.utf8)], to: target.url.appendingPathComponent(CheckpointMarker.name))
        } catch {
            try? FileManager.default.removeItem(at: aside)
            throw error
        }
        prune(parent, newest: target, keeping: keeping)
        return target.url
    }

    /// Takes a checkpoint whose files lie in a folder beside the run's checkpoints, as one that was written there.
    ///
    /// - Parameters:
    ///   - folder: on the file system of `parent`; it is there no more afterwards.
    ///   - keeping: how many checkpoints stay.
    /// - Throws: `CheckpointError` when it is not whole, `FileError.unwritable`.
    public static func adopt(_ folder: URL, into parent: URL, keeping: Int) throws {
        let checkpoint = try RunCheckpoint(contentsOf: folder)
        let target = CheckpointFolder(step: checkpoint.state.step, in: parent)
        try makeFolder(parent)
        try makeRoom(for: target, in: parent)
        try move(folder, to: target.url)
        prune(parent, newest: target, keeping: keeping)
    }

    /// The files of a checkpoint by name, the marker last.
    public var files: [(name: String, url: URL)] {
        let used = usedSamples.isEmpty ? [] : [Self.usedName]
        let names = [Self.tensorsName, Self.stateName, Self.recipeName, Self.reportsName] + used
        return (names + [CheckpointMarker.name]).map { ($0, folder.appendingPathComponent($0)) }
    }

    private static func makeFolder(_ url: URL) throws(FileError) {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(file: url.path, reason: systemReason(of: error))
        }
    }

    /// Moves a whole checkpoint of the same step to where readers still find it; one that is not whole goes.
    private static func makeRoom(for target: CheckpointFolder, in parent: URL) throws(FileError) {
        guard FileManager.default.fileExists(atPath: target.url.path) else { return }
        let isWhole = (try? RunCheckpoint(contentsOf: target.url)) != nil
        guard isWhole else { return try remove(target) }
        let replaced = CheckpointFolder(step: target.step, isReplaced: true, in: parent)
        if FileManager.default.fileExists(atPath: replaced.url.path) { try remove(replaced) }
        try move(target.url, to: replaced.url)
    }

    private static func remove(_ checkpoint: CheckpointFolder) throws(FileError) {
        do {
            try checkpoint.remove()
        } catch {
            throw .unwritable(file: checkpoint.url.path, reason: systemReason(of: error))
        }
    }

    private static func move(_ source: URL, to target: URL) throws(FileError) {
        guard rename(source.path, target.path) == 0 else {
            throw .unwritable(file: target.path, reason: systemReason())
        }
        WholeFile.sync(folder: target.deletingLastPathComponent())
    }

    /// Removes what the newest checkpoint makes superfluous: older ones beyond the number that stays, unfinished ones,
    /// and what crashed writers left aside. What cannot be removed now is tried again after the next checkpoint.
    private static func prune(_ parent: URL, newest: CheckpointFolder, keeping: Int) {
        guard let (checkpoints, partial) = try? CheckpointFolder.list(in: parent) else { return }
        let others = checkpoints.filter { $0.step < newest.step || $0.step == newest.step && $0.isReplaced }
        let staying = Set(others.filter { !$0.isReplaced && $0.hasMarker }.prefix(keeping - 1).map(\.step))
        for checkpoint in others where checkpoint.isReplaced || !staying.contains(checkpoint.step) {
            try? checkpoint.remove()
        }
        for url in partial { try? FileManager.default.removeItem(at: url) }
    }
}
