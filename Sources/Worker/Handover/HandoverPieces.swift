import Diagnostics
import Foundation
import Queueing
import Synchronization
import Wire

/// The files of another worker's checkpoint, put together aside from their pieces.
final class HandoverPieces: Sendable {
    /// Where they lie.
    let folder: URL

    private struct File {
        let bytes: UInt64
        var known = SequenceSet()

        var isWhole: Bool { bytes == 0 || known.ranges == [0...bytes - 1] }
    }

    private struct State {
        var step: UInt64 = 0
        var files: [String: File] = [:]
    }

    private let state = Mutex(State())

    private static let mostFiles = 64
    private static let mostBytes: UInt64 = 1 << 40

    init(folder: URL) { self.folder = folder }

    /// Throws everything away.
    func reset() {
        state.withLock { $0 = State() }
        try? FileManager.default.removeItem(at: folder)
    }

    /// Writes a piece where it belongs. It is not synced before `finish`.
    ///
    /// - Throws: `WireError` when it does not fit, `WorkerError.handoverUnwritable`.
    func keep(_ piece: Body.HandoverFile, _ payload: UnsafeRawBufferPointer) throws {
        try check(piece, payload)
        try state.withLock { state in
            guard state.files.isEmpty || state.step == piece.step else {
                throw WireError.partsDiffer(sequence: piece.sequence)
            }
            guard state.files[piece.name] != nil || state.files.count < Self.mostFiles else {
                throw WireError.sequenceOutOfRange(sequence: piece.sequence, samples: UInt64(Self.mostFiles))
            }
            var file = state.files[piece.name] ?? File(bytes: piece.bytes)
            guard file.bytes == piece.bytes else { throw WireError.partsDiffer(sequence: piece.sequence) }
            try write(piece, payload)
            if !payload.isEmpty { file.known.insert(piece.offset...piece.offset + UInt64(payload.count) - 1) }
            state.step = piece.step
            state.files[piece.name] = file
        }
    }

    /// Syncs the files.
    ///
    /// - Returns: the step of their checkpoint, 0 when there is none; nil when something is missing.
    /// - Throws: `WorkerError.handoverUnwritable`.
    func finish() throws(WorkerError) -> Int? {
        let (step, files) = state.withLock { ($0.step, $0.files) }
        guard files.values.allSatisfy(\.isWhole) else { return nil }
        for name in files.keys {
            try writing(name) { try $0.synchronize() }
        }
        return Int(exactly: step)
    }

    private func check(_ piece: Body.HandoverFile, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard piece.name.isPlainName(longest: 128), piece.bytes <= Self.mostBytes,
            (1...UInt64(Int32.max)).contains(piece.step)
        else {
            throw .unexpectedMessage("HandoverFile of such a name, size or step")
        }
        let (end, overflow) = piece.offset.addingReportingOverflow(UInt64(payload.count))
        guard !overflow, end <= piece.bytes else {
            throw .wrongPayloadLength(
                bytes: payload.count, expected: Int(piece.bytes - min(piece.offset, piece.bytes)))
        }
        let checksum = payloadChecksum(payload)
        guard checksum == piece.checksum else {
            throw .checksumMismatch(stated: piece.checksum, computed: checksum)
        }
    }

    private func write(_ piece: Body.HandoverFile, _ payload: UnsafeRawBufferPointer) throws(WorkerError) {
        try writing(piece.name) { file in
            try file.seek(toOffset: piece.offset)
            try file.write(contentsOf: Data(payload))
        }
    }

    /// Opens a file, made if need be.
    private func writing(_ name: String, _ body: (FileHandle) throws -> Void) throws(WorkerError) {
        let url = folder.appendingPathComponent(name)
        do {
            if !FileManager.default.fileExists(atPath: url.path) {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try Data().write(to: url)
            }
            let file = try FileHandle(forWritingTo: url)
            defer { try? file.close() }
            try body(file)
        } catch {
            throw .handoverUnwritable(file: url.path, reason: systemReason(of: error))
        }
    }
}
