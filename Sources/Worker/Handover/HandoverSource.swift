import Foundation
import Queueing
import Wire

/// What is handed over, as it lies in the store and in the newest checkpoint's folder.
struct HandoverSource {
    private struct Piece {
        let file: Int
        let offset: Int
        let count: Int
    }

    private let store: any ActivationStore
    private var messages: [UInt64: StoredMessage]
    private let step: Int
    private let files: [(name: String, url: URL, bytes: Int)]
    private let pieces: [Piece]

    /// Bytes of a piece of a file.
    static let pieceBytes = 1 << 20

    /// - Throws: when a file cannot be looked at.
    init(store: any ActivationStore, checkpoint: WorkerTraining.Checkpoint?) throws {
        self.store = store
        messages = Dictionary(
            store.messages().map { (HandoverSequence.number(device: $0.device, sequence: $0.sequence), $0) },
            uniquingKeysWith: { first, _ in first })
        step = checkpoint?.step ?? 0
        files = try (checkpoint?.files ?? []).map { name, url in
            let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? NSNumber
            return (name, url, size?.intValue ?? 0)
        }
        pieces = files.enumerated().flatMap { index, file in
            stride(from: 0, to: max(1, file.bytes), by: Self.pieceBytes).map {
                Piece(file: index, offset: $0, count: min(Self.pieceBytes, file.bytes - $0))
            }
        }
    }

    /// A source of what is added to it.
    init(store: any ActivationStore) {
        self.store = store
        messages = [:]
        step = 0
        files = []
        pieces = []
    }

    /// Adds a message.
    ///
    /// - Returns: how it goes; nil when it was added before.
    mutating func add(_ message: StoredMessage) -> HandoverQueue.Message? {
        let number = HandoverSequence.number(device: message.device, sequence: message.sequence)
        guard messages.updateValue(message, forKey: number) == nil else { return nil }
        return described(message)
    }

    var messageCount: Int { messages.count }
    var sampleCount: Int { messages.values.reduce(0) { $0 + $1.samples.count } }

    /// Everything that goes, messages in the order of devices and sequences.
    var queue: HandoverQueue {
        HandoverQueue(
            messages: messages.sorted { $0.key < $1.key }.map { described($0.value) }, pieces: pieces.map(\.count))
    }

    private func described(_ message: StoredMessage) -> HandoverQueue.Message {
        HandoverQueue.Message(
            device: message.device, sequence: message.sequence, rows: message.samples.reduce(0) { $0 + $1.rows },
            rowBytes: store.codec.bytesPerRow(columns: message.samples.first?.columns ?? 0))
    }

    /// The message for an item, with its payload.
    ///
    /// - Throws: `StoreError.damaged` or `.missing` for activations, what reading a file throws.
    func content(of item: HandoverQueue.Item) throws -> (body: Body, payload: [UInt8]) {
        try item.origin == 0 ? piece(item) : part(item)
    }

    private func piece(_ item: HandoverQueue.Item) throws -> (body: Body, payload: [UInt8]) {
        let piece = pieces[Int(item.sequence) - 1], file = files[piece.file]
        let handle = try FileHandle(forReadingFrom: file.url)
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(piece.offset))
        let payload = [UInt8](try handle.read(upToCount: piece.count) ?? Data())
        guard payload.count == piece.count else { throw CocoaError(.fileReadCorruptFile) }
        let body = Body.HandoverFile(
            sequence: item.sequence, step: UInt64(step), name: file.name, offset: UInt64(piece.offset),
            bytes: UInt64(file.bytes), checksum: payload.withUnsafeBytes { payloadChecksum($0) })
        return (.handoverFile(body), payload)
    }

    private func part(_ item: HandoverQueue.Item) throws -> (body: Body, payload: [UInt8]) {
        let number = HandoverSequence.number(device: item.origin - 1, sequence: item.sequence)
        guard let message = messages[number], let first = message.samples.first else {
            throw StoreError.missing(sample: number)
        }
        let rows = message.samples.reduce(0) { $0 + $1.rows }
        let range = Body.rows(ofPart: item.part, of: item.parts, rows: rows) ?? 0..<0
        var payload: [UInt8] = []
        payload.reserveCapacity(item.bytes)
        var start = 0
        var cut = first.cut
        for sample in message.samples {
            let overlap = range.clamped(to: start..<start + sample.rows)
            let row = store.codec.bytesPerRow(columns: sample.columns)
            let wanted = (overlap.lowerBound - start) * row..<(overlap.upperBound - start) * row
            start += sample.rows
            guard !overlap.isEmpty else { continue }
            try store.withBytes(of: sample.id) { stored, bytes in
                // Frozen blocks may have been run after the messages were listed.
                cut = stored.cut
                payload.append(contentsOf: bytes[wanted])
            }
        }
        let activations = Body.Activations(
            sequence: item.sequence, sampleIDs: message.samples.map { $0.id & 0xFFFF_FFFF },
            lengths: message.samples.map { UInt32($0.rows) },
            targetLengths: message.samples.map { UInt32($0.targets.count) },
            targets: message.samples.flatMap { $0.targets.map { UInt32(bitPattern: $0) } }, cut: UInt32(cut),
            codec: store.codec.rawValue, rows: UInt32(rows), columns: UInt32(first.columns),
            checksum: payload.withUnsafeBytes { payloadChecksum($0) }, part: item.part,
            parts: item.parts, origin: item.origin)
        return (.activations(activations), payload)
    }
}
