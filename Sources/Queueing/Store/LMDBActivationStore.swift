import Diagnostics
import Foundation
import Synchronization
import Wire

/// An activation store in a folder. What it said is done survives the end of the process and a loss of power.
///
/// Every group of changes is one transaction of LMDB, synced before `apply` returns. Samples are described in memory
/// too, so that only their activations are read from the file, out of the page cache and without a copy.
///
/// A process opens a folder once: LMDB's locks are the process's.
public final class LMDBActivationStore: ActivationStore {
    /// How the numbers are kept.
    public let codec: PayloadCodec
    /// Bytes of activations and targets that fit.
    public let capacityBytes: Int
    /// The run whose activations these are.
    public let run: String
    /// The folder.
    public let folder: String

    let environment: LMDBEnvironment
    let index: Mutex<StoreIndex>
    /// Held by whoever may change the folder; nil for a reader.
    private let lock: FolderLock?
    /// Taken while a group is written; what ended writing for good.
    let writing = Mutex<StoreError?>(nil)

    /// The file, in which the tests do damage.
    static let fileName = "data.mdb"
    /// The file may become this much larger than its capacity: activations that take the place of others need room
    /// beside them, and pages are not filled to the last byte. It is a bound of addresses, not of the disk.
    private static let mapFactor = 4
    private static let mapHeadroomBytes = 1 << 30
    private static let addressLimitBytes = 1 << 45

    /// Opens a run's store to write to it, or makes it. The file is checked from end to end first, except activations,
    /// whose checksums are compared when they are read.
    ///
    /// - Parameter capacityBytes: bytes of activations and targets; on the disk a few per cent come on top.
    /// - Throws: `StoreError.inUse`, `.wrongRun`, `.wrongCodec`, `.damaged`, `.diskFull` or `.unreadable`.
    public convenience init(
        folder: String, run: String, codec: PayloadCodec, capacityBytes: Int
    ) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .unreadable(path: folder, reason: systemReason(of: error))
        }
        guard let lock = try FolderLock.take(folder, exclusively: true) else { throw .inUse(path: folder) }
        let (sized, overflow) = capacityBytes.multipliedReportingOverflow(by: Self.mapFactor)
        let limit = Self.addressLimitBytes - Self.mapHeadroomBytes
        let mapBytes = (overflow ? limit : min(max(0, sized), limit)) / 65536 * 65536 + Self.mapHeadroomBytes
        try self.init(
            folder: folder, expected: StoreIdentity(run: run, codec: codec), capacityBytes: capacityBytes,
            mapBytes: mapBytes, lock: lock)
    }

    /// Opens a store to look at it, also while a worker writes to it. It shows the state at this moment; changing it
    /// fails.
    ///
    /// - Throws: `StoreError.damaged` or `.unreadable`.
    public convenience init(reading folder: String) throws(StoreError) {
        // While another writes, pages change under a check; that one has checked the file.
        let guarding = try FolderLock.take(folder, exclusively: false)
        try self.init(
            folder: folder, expected: nil, capacityBytes: .max, mapBytes: nil, lock: nil, isChecked: guarding == nil)
        withExtendedLifetime(guarding) {}
    }

    /// Opens whatever store is in a folder to change it, when no worker has it.
    ///
    /// - Throws: `StoreError.inUse`, `.damaged` or `.unreadable`.
    public convenience init(maintaining folder: String) throws(StoreError) {
        guard let lock = try FolderLock.take(folder, exclusively: true) else { throw .inUse(path: folder) }
        try self.init(folder: folder, expected: nil, capacityBytes: .max, mapBytes: nil, lock: lock)
    }

    private init(
        folder: String, expected: StoreIdentity?, capacityBytes: Int, mapBytes: Int?, lock: FolderLock?,
        isChecked: Bool = false
    ) throws(StoreError) {
        let file = "\(folder)/\(Self.fileName)"
        let isNew = !FileManager.default.fileExists(atPath: file)
        if isNew {
            guard expected != nil else { throw .unreadable(path: file, reason: "there is no store") }
        } else if !isChecked {
            try StoreFileCheck.check(file)
        }
        do throws(LMDBFailure) {
            environment = try LMDBEnvironment.open(folder, mapBytes: mapBytes, isReadOnly: lock == nil)
        } catch {
            throw StoreError(error, path: file, neededBytes: 0)
        }
        let identity = try Self.identify(environment, expected, path: file)
        // The names of new files are durable only with their folders.
        if isNew {
            try FolderLock.sync(folder)
            try FolderLock.sync((folder as NSString).deletingLastPathComponent)
        }
        index = Mutex(try StoreLoader.load(environment, path: file, codec: identity.codec))
        self.folder = folder
        self.lock = lock
        self.capacityBytes = capacityBytes
        codec = identity.codec
        run = identity.run
    }

    /// Compares what a file says it is with what is expected of it; a new one is told.
    private static func identify(
        _ environment: LMDBEnvironment, _ expected: StoreIdentity?, path: String
    ) throws(StoreError) -> StoreIdentity {
        let key = StoreTable.MetaKey.identity.bytes
        let record: [UInt8]?
        do throws(LMDBFailure) {
            record = try environment.read { transaction throws(LMDBFailure) in
                try transaction.get(.meta, key).map(Array.init)
            }
            if record == nil, let expected {
                try environment.write { transaction throws(LMDBFailure) in
                    try transaction.put(.meta, key, expected.record.sealed(.meta, key))
                }
                return expected
            }
        } catch {
            throw StoreError(error, path: path, neededBytes: 0)
        }
        let found = (record ?? []).withUnsafeBytes { record in
            key.withUnsafeBytes { ByteReader(record, in: .meta, key: $0) }.flatMap { StoreIdentity($0) }
        }
        guard let found else { throw .damaged(path: path, what: "what it says it belongs to") }
        guard found.version == StoreIdentity.currentVersion else {
            throw .unreadable(path: path, reason: "it has form \(found.version), which this version does not know")
        }
        guard let expected else { return found }
        guard found.run == expected.run else {
            throw .wrongRun(path: path, run: found.run, expected: expected.run)
        }
        guard found.codec == expected.codec else {
            throw .wrongCodec(path: path, codec: "\(found.codec)", expected: "\(expected.codec)")
        }
        return found
    }

    var file: String { "\(folder)/\(Self.fileName)" }
}
