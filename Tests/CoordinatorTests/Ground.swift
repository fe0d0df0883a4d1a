import Testing

/// What a run stands on: where activations are kept, and how messages travel.
struct Ground: Sendable, CustomTestStringConvertible {
    enum Storage: String, CaseIterable {
        case memory, lmdb
    }

    enum Transport: String, CaseIterable {
        case inproc, tcp, curve
    }

    let storage: Storage
    let transport: Transport

    static let simplest = Ground(storage: .memory, transport: .inproc)
    static let all = Storage.allCases.flatMap { storage in
        Transport.allCases.map { Ground(storage: storage, transport: $0) }
    }

    /// Whether the coordinator has one: durable runs need it, and enrolled keys are nowhere else.
    var hasLedger: Bool { storage == .lmdb || transport == .curve }

    var testDescription: String { "\(storage.rawValue), \(transport.rawValue)" }
}
