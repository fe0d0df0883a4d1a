import Foundation
import Ledger
import Queueing
import Synchronization

/// Contexts, keys and folders of one run. The folders go with the last reference to it.
final class Site: Sendable {
    let ground: Ground
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
    private let shared: ZeroMQContext?
    private let keys = Mutex<[String: CurveKeyPair]>([:])
    private let authenticators = Mutex<[String: WeakAuthenticator]>([:])

    /// What is short enough to be waited for.
    static let timing = {
        var timing = ConnectionTiming.link
        timing.heartbeatInterval = .milliseconds(200)
        timing.heartbeatTimeout = .seconds(1)
        timing.connectTimeout = .seconds(1)
        timing.handshakeTimeout = .seconds(1)
        timing.firstReconnect = .milliseconds(20)
        timing.longestReconnect = .milliseconds(200)
        return timing
    }()

    init(_ ground: Ground) throws {
        self.ground = ground
        shared = ground.transport == .inproc ? try ZeroMQContext() : nil
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The context of another role: all have one within the process, and each its own elsewhere.
    func context() throws -> ZeroMQContext { try shared ?? ZeroMQContext() }

    /// Where a role can listen: over TCP on a port that is free now.
    func freeEndpoint(_ name: String) throws -> String {
        guard ground.transport != .inproc else { return "inproc://\(name)" }
        let socket = try Socket(.router, context: ZeroMQContext(), options: Self.plain)
        while true {
            // Below those from which the system takes one for whoever connects, perhaps before the role listens.
            let endpoint = "tcp://127.0.0.1:\(Int.random(in: 10_000..<32_000))"
            if (try? socket.bind(endpoint)) != nil { return endpoint }
        }
    }

    private static let plain = {
        var options = SocketOptions()
        options.security = .insecure
        return options
    }()

    func keyPair(of id: String) throws -> CurveKeyPair {
        try keys.withLock { keys in
            if let pair = keys[id] { return pair }
            let pair = try CurveKeyPair.generate()
            keys[id] = pair
            return pair
        }
    }

    /// Lets the ids in; without keys everybody is.
    func enroll(_ ids: [String], as role: KeyRecord.Role) throws {
        guard ground.transport == .curve else { return }
        let operations = try Ledger(folder: ledgerFolder, access: .operations)
        for id in ids { try operations.enroll(id: id, role: role, publicKey: keyPair(of: id).publicKey.z85) }
    }

    /// For a role that listens in a context, once.
    func listening(_ id: String, in context: ZeroMQContext) throws -> SocketSecurity {
        switch ground.transport {
        case .inproc: return .none
        case .tcp: return .insecure
        case .curve:
            let authenticator = try Authenticator(context: context)
            authenticators.withLock { $0[id] = WeakAuthenticator(value: authenticator) }
            return .server(try keyPair(of: id), authenticator, domain: id)
        }
    }

    /// For a peer that reaches out to a role.
    func reaching(_ role: String, as id: String) throws -> SocketSecurity {
        switch ground.transport {
        case .inproc: .none
        case .tcp: .insecure
        case .curve: .client(try keyPair(of: id), server: try keyPair(of: role).publicKey)
        }
    }

    /// What the authenticator of a role has been asked so far.
    func authentications(of role: String) -> AuthenticationCounts? {
        authenticators.withLock { $0[role]?.value }?.counts
    }

    func folder(of worker: String) -> URL { folder.appendingPathComponent(worker) }

    private var ledgerFolder: String { folder.appendingPathComponent("coordinator").path }

    /// Nil where the coordinator has none.
    func ledger(_ access: Ledger.Access) throws -> Ledger? {
        guard ground.hasLedger else { return nil }
        return try Self.untilFree { try Ledger(folder: ledgerFolder, access: access) }
    }

    /// A worker's store, which on a disk has what an earlier process left.
    func store(of worker: String) throws -> any ActivationStore {
        guard ground.storage == .lmdb else { return MemoryActivationStore(capacityBytes: 1 << 20, codec: .f32) }
        let path = folder(of: worker).appendingPathComponent("store").path
        return try Self.untilFree {
            try LMDBActivationStore(folder: path, run: "run", codec: .f32, capacityBytes: 1 << 20)
        }
    }

    /// What a role had goes when the last of its threads has let go of it, some time after its end.
    static func untilFree<Opened>(_ open: () throws -> Opened) throws -> Opened {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try open()
            } catch {
                let isBusy =
                    switch error {
                    case StoreError.inUse, LedgerError.stateInUse: true
                    default: false
                    }
                guard isBusy, ContinuousClock.now < end else { throw error }
                Nap.short()
            }
        }
    }
}

private struct WeakAuthenticator {
    weak var value: Authenticator?
}
