import Foundation
import Randomness
import Testing
import Wire

@testable import Queueing

/// A store's folder, opened again and again, and what should be in it.
struct StoreFolder {
    let path: String
    var capacityBytes = 1 << 22

    var file: String { "\(path)/\(LMDBActivationStore.fileName)" }

    func open(run: String = "run", codec: PayloadCodec = .f32) throws(StoreError) -> LMDBActivationStore {
        try LMDBActivationStore(folder: path, run: run, codec: codec, capacityBytes: capacityBytes)
    }

    /// Bytes of the file.
    func bytes() throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: file))) }

    /// Puts other bytes in the place of the file's.
    func write(_ bytes: [UInt8]) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        try? FileManager.default.removeItem(atPath: "\(path)/lock.mdb")
    }
}

/// What a store should hold, kept in the simplest way.
struct StoreModel: Equatable, Sendable {
    struct Message: Equatable, Sendable {
        var parts: UInt32
        var samples: [StoredSample]
        var stored: [UInt32: [Float]]
    }

    var values: [UInt64: [Float]] = [:]
    var samples: [UInt64: StoredSample] = [:]
    var settled: [UInt32: Set<UInt64>] = [:]
    var partials: [MessageKey: Message] = [:]
    var letters: [MessageKey: DeadLetter] = [:]
    var counters: [UInt32: StoreCounters] = [:]

    /// Whether a store holds exactly this. Damage is thrown.
    func matches(_ store: LMDBActivationStore) throws -> Bool {
        guard store.samples() == samples.values.sorted(by: { $0.id < $1.id }) else { return false }
        for (id, expected) in values where try store.values(of: id) != expected { return false }
        for device in 0..<UInt32(4) {
            guard Set(store.settledSequences(of: device).ranges.flatMap(Array.init)) == settled[device] ?? [] else {
                return false
            }
            let kept = store.storedParts(of: device)
            let expected = partials.filter { $0.key.device == device }
            guard kept.count == expected.count,
                expected.allSatisfy({ key, message in
                    kept[key.sequence].map { $0.parts == message.parts && $0.stored == Set(message.stored.keys) }
                        ?? false
                })
            else { return false }
        }
        return store.deadLetters() == letters.sorted { $0.key < $1.key }.map(\.value) && store.counters() == counters
    }
}

/// Draws changes, and says what they make of a model.
struct StoreChances {
    private var chance: SeededGenerator
    private var nextSequence: [UInt32: UInt64] = [:]
    private let columns = 8

    init(seed: UInt64) { chance = SeededGenerator(seed: seed, stream: "store") }

    mutating func number(in range: ClosedRange<Int>) -> Int { .random(in: range, using: &chance) }

    /// Some changes and, for each, what it does to the model when it succeeds.
    mutating func changes(_ model: inout StoreModel, upTo limit: Int = 6) -> [StoreChange] {
        (0..<number(in: 1...limit)).map { _ in change(&model) }
    }

    private mutating func change(_ model: inout StoreModel) -> StoreChange {
        switch number(in: 0...9) {
        case 0...3: newMessage(&model)
        case 4...5: nextPart(&model) ?? newMessage(&model)
        case 6...7: replacement(&model) ?? newMessage(&model)
        case 8: deadLetter(&model)
        default: counted(&model)
        }
    }

    private mutating func newMessage(_ model: inout StoreModel) -> StoreChange {
        let device = UInt32(number(in: 0...3))
        let sequence = nextSequence[device, default: 0] + 1
        nextSequence[device] = sequence
        let first = UInt64(device) << 32 | sequence * 10
        let samples = (0..<UInt64(number(in: 1...3))).map {
            storedSample(first + $0, rows: number(in: 1...10) * number(in: 1...30), columns: columns, cut: 3)
        }
        let rows = samples.reduce(0) { $0 + $1.rows }
        let parts = number(in: 0...2) == 0 ? UInt32((rows - 1) / number(in: 1...rows) + 1) : 1
        model.partials[MessageKey(device: device, sequence: sequence)] = .init(
            parts: min(parts, 12), samples: samples, stored: [:])
        let key = MessageKey(device: device, sequence: sequence)
        if parts > 12 { model.partials[key]?.parts = 1 }
        return part(of: key, &model)
    }

    private mutating func nextPart(_ model: inout StoreModel) -> StoreChange? {
        model.partials.keys.sorted().randomElement(using: &chance).map { part(of: $0, &model) }
    }

    private mutating func part(of key: MessageKey, _ model: inout StoreModel) -> StoreChange {
        var message = model.partials[key] ?? .init(parts: 1, samples: [], stored: [:])
        let rows = message.samples.reduce(0) { $0 + $1.rows }
        let missing = (0..<message.parts).filter { message.stored[$0] == nil }
        let number = missing.randomElement(using: &chance) ?? 0
        let place = MessagePart(device: key.device, sequence: key.sequence, part: number, parts: message.parts)
        let values = numbers((place.rows(of: rows) ?? 0..<0).count * columns)
        message.stored[number] = values
        model.partials[key] = message
        if missing.count == 1 { complete(key, message, &model) }
        return .message(
            place, samples: message.samples, payload: Frame(PayloadCodec.f32.bytes(of: values)), codec: .f32)
    }

    private func complete(_ key: MessageKey, _ message: StoreModel.Message, _ model: inout StoreModel) {
        model.partials[key] = nil
        model.settled[key.device, default: []].insert(key.sequence)
        var values = message.stored.sorted { $0.key < $1.key }.flatMap(\.value)[...]
        for sample in message.samples {
            model.samples[sample.id] = sample
            model.values[sample.id] = Array(values.prefix(sample.rows * columns))
            values = values.dropFirst(sample.rows * columns)
        }
    }

    private mutating func replacement(_ model: inout StoreModel) -> StoreChange? {
        let ids = Set(
            (0..<number(in: 1...3)).compactMap { _ in model.samples.keys.sorted().randomElement(using: &chance) })
        guard !ids.isEmpty else { return nil }
        let samples = ids.sorted().compactMap { model.samples[$0]?.advanced(to: 6) }
        var all: [Float] = []
        for sample in samples {
            let values = numbers(sample.rows * columns)
            model.samples[sample.id] = sample
            model.values[sample.id] = values
            all += values
        }
        let slab = Slab(copying: PayloadCodec.f32.bytes(of: all))
        return .replace(samples, payload: HeldBytes(owner: slab, bytes: slab.bytes), codec: .f32)
    }

    private mutating func deadLetter(_ model: inout StoreModel) -> StoreChange {
        let device = UInt32(number(in: 0...3))
        let letter = DeadLetter(
            deviceID: "device-\(device)", device: device, sequence: UInt64(number(in: 1...5)), errorNumber: 31,
            error: "error \(number(in: 0...99))", header: [UInt8](repeating: 1, count: number(in: 0...5000)))
        model.letters[MessageKey(device: device, sequence: letter.sequence)] = letter
        return .deadLetter(letter)
    }

    private mutating func counted(_ model: inout StoreModel) -> StoreChange {
        let device = UInt32(number(in: 0...3))
        let counters = StoreCounters(redelivered: chance.next() >> 40, duplicates: chance.next() >> 40)
        model.counters[device] = counters
        return .counted(device: device, counters)
    }

    private mutating func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(chance.uniform()) } }
}
