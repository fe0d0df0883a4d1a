import Tensors
import Wire

/// A message as it crosses the wire: a header, and a payload of 32-bit words.
extension MethodMessage {
    /// What the message says, without its tensors' values.
    public var content: Body.MethodContent {
        Body.MethodContent(
            kind: kind.number, step: UInt32(clamping: step), version: version.map { UInt32(clamping: $0 + 1) } ?? 0,
            pair: UInt32(clamping: probe?.pair ?? 0), isPlus: probe?.isPlus ?? false,
            samples: samples.map(Body.MethodSamples.init),
            // In an order that every process has, so that the same message has the same bytes.
            scalars: scalars.sorted { $0.key < $1.key }.map { Body.MethodScalar(name: $0.key, value: $0.value) },
            tensors: tensors.map {
                Body.MethodTensor(
                    name: $0.name, rows: UInt32(clamping: $0.rows), columns: UInt32(clamping: $0.columns),
                    hasIndices: $0.indices != nil)
            })
    }

    /// The tensors one after another, of each first its indices and then its values, in memory of its own.
    ///
    /// - Returns: as many words as the storage has.
    public var payload: Storage {
        let storage = Storage(count: words)
        var place = UnsafeMutableRawPointer(storage.base)
        for tensor in tensors {
            precondition(
                tensor.values.count == tensor.rows * tensor.columns && (tensor.indices ?? []).count <= tensor.rows,
                "a tensor's values fit its shape")
            for index in tensor.indices ?? [] {
                place.storeBytes(of: UInt32(clamping: index).littleEndian, as: UInt32.self)
                place += 4
            }
            tensor.values.withUnsafeBytes { values in
                guard let base = values.baseAddress else { return }
                place.copyMemory(from: base, byteCount: values.count)
                place += values.count
            }
        }
        return storage
    }

    /// Words that the payload has.
    private var words: Int { tensors.reduce(0) { $0 + $1.values.count + ($1.indices?.count ?? 0) } }

    /// Bytes of all frames of this message as sockets count them, without sending it: headers and payloads.
    ///
    /// - Parameters:
    ///   - number: which of the sender's messages it is, from 1.
    ///   - partBytes: payload bytes of a part, if the message has them.
    public func wireBytes(
        run: String, sender: String, number: UInt64 = 1, partBytes: Int = Body.MethodPart.usualBytes
    ) -> Int {
        let words = words
        let parts = Body.MethodPart.count(words: words, partBytes: partBytes)
        let headers = (0..<parts).reduce(0) { sum, part in
            // Any session and any checksum but zero have one size.
            let body = Body.MethodPart(
                place: Body.MethodPlace(number: number, part: part), parts: parts, checksum: words > 0 ? 1 : 0,
                content: part == 0 ? content : nil)
            return sum + Envelope(run: run, sender: sender, session: 1, body: .methodPart(body)).encode().count
        }
        return headers + 4 * words
    }

    /// A message that has arrived.
    ///
    /// - Parameters:
    ///   - content: its header.
    ///   - payloads: its words, in any number of pieces of whole words.
    /// - Throws: `WireError` for anything that does not fit; nothing is allocated by a stated size before that is known.
    public init(
        _ content: Body.MethodContent, payloads: [UnsafeRawBufferPointer], limits: WireLimits = WireLimits()
    ) throws(WireError) {
        guard let kind = Kind(number: content.kind) else { throw .unknownKind(content.kind) }
        let check = MethodCheck(limits: limits)
        let bytes = 4 * (try check.words(content))
        let found = payloads.reduce(0) { $0 + $1.count }
        guard found == bytes else { throw .wrongPayloadLength(bytes: found, expected: bytes) }
        for payload in payloads where payload.count % 4 != 0 {
            throw .wrongPayloadLength(bytes: payload.count, expected: payload.count / 4 * 4)
        }
        var samples: MessageSamples?
        if let stated = content.samples {
            let (lengths, targets) = try check.samples(stated)
            samples = MessageSamples(ids: stated.sampleIDs.map(Int.init), lengths: lengths, targets: targets)
        }
        self.init(
            kind, step: Int(content.step), version: content.version == 0 ? nil : Int(content.version) - 1,
            probe: content.pair == 0 ? nil : Probe(pair: Int(content.pair), isPlus: content.isPlus), samples: samples,
            scalars: Dictionary(content.scalars.map { ($0.name, $0.value) }) { first, _ in first })
        var words = PayloadWords(payloads)
        for tensor in content.tensors {
            let indices = tensor.hasIndices ? words.take(Int(tensor.rows), as: UInt32.self).map { Int($0) } : nil
            let values = words.take(Int(tensor.rows) * Int(tensor.columns), as: Float.self)
            tensors.append(
                MessageTensor(
                    tensor.name, rows: Int(tensor.rows), columns: Int(tensor.columns), values: values, indices: indices)
            )
        }
    }
}

extension MessageTensor {
    /// Values and their shape.
    fileprivate init(_ name: String, rows: Int, columns: Int, values: [Float], indices: [Int]?) {
        self.name = name
        self.rows = rows
        self.columns = columns
        self.values = values
        self.indices = indices
    }
}

extension MethodMessage.Kind {
    /// The kinds by their numbers in the contract, from 1. A number is never reused.
    private static let numbered: [Self] = [
        .turn, .activations, .gradient, .loss, .stepped, .coefficients, .collect, .adapters, .update,
    ]

    fileprivate var number: UInt32 { UInt32(Self.numbered.firstIndex(of: self).map { $0 + 1 } ?? 0) }

    /// The kind of a number; nil for one that no kind has.
    public init?(number: UInt32) {
        guard let place = Int(exactly: number), Self.numbered.indices.contains(place - 1) else { return nil }
        self = Self.numbered[place - 1]
    }
}

extension Body.MethodSamples {
    fileprivate init(_ samples: MessageSamples) {
        self.init(
            sampleIDs: samples.ids.map { UInt32(clamping: $0) }, lengths: samples.lengths.map { UInt32(clamping: $0) },
            targetLengths: samples.targets.map { UInt32(clamping: $0.count) },
            targets: samples.targets.joined().map { UInt32(clamping: $0) })
    }
}

/// Reads words out of pieces that lie anywhere.
private struct PayloadWords {
    private var pieces: ArraySlice<UnsafeRawBufferPointer>
    private var offset = 0

    init(_ pieces: [UnsafeRawBufferPointer]) { self.pieces = pieces[...] }

    /// The next words, of which there must be enough.
    mutating func take<Word: BitwiseCopyable>(_ count: Int, as: Word.Type) -> [Word] {
        [Word](unsafeUninitializedCapacity: count) { words, initialized in
            let target = UnsafeMutableRawBufferPointer(words)
            var filled = 0
            while filled < 4 * count, let piece = pieces.first {
                let length = min(piece.count - offset, 4 * count - filled)
                let source = UnsafeRawBufferPointer(rebasing: piece[offset..<offset + length])
                UnsafeMutableRawBufferPointer(rebasing: target[filled..<filled + length]).copyMemory(from: source)
                filled += length
                offset += length
                if offset == piece.count {
                    pieces.removeFirst()
                    offset = 0
                }
            }
            precondition(filled == 4 * count, "the payload is as long as its header says")
            initialized = count
        }
    }
}
