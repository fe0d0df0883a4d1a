import Diagnostics
import Foundation
internal import GRDB

extension Ledger {
    /// Asks the coordinator to end a run after the step under way.
    ///
    /// - Throws: `LedgerError.unknown`, `.refused` when the run is over.
    public func orderStop(of run: String) throws(LedgerError) {
        try enqueue(OrderRecord(kind: .stop, run: run, target: run)) { _ in }
    }

    /// Asks the coordinator to let a worker hand over and leave.
    ///
    /// - Throws: `LedgerError.unknown`, `.refused` when the run is over.
    public func orderDrain(of worker: String, run: String) throws(LedgerError) {
        try enqueue(OrderRecord(kind: .drain, run: run, target: worker)) { database in
            guard try database.row(WorkerRecord.self, run, worker) == nil else { return }
            let names = try database.rows(WorkerRecord.self, "WHERE run = ?", [run]).map(\.id)
            throw LedgerError.unknown(kind: "worker", name: worker, nearest: nearestName(to: worker, among: names))
        }
    }

    private func enqueue(_ order: OrderRecord, _ check: (Database) throws -> Void) throws(LedgerError) {
        try database.write { database in
            let run = try database.run(order.run)
            guard !run.state.isOver else {
                throw LedgerError.refused(reason: "the run \(run.id) is over: \(run.state.rawValue)")
            }
            try check(database)
            var order = order
            order.time = Date().timeIntervalSince1970
            _ = try database.append(order)
        }
    }

    /// All orders for a run, also those that were taken.
    ///
    /// - Throws: `LedgerError`.
    public func orders(of run: String) throws(LedgerError) -> [OrderRecord] {
        try database.read { try $0.rows(OrderRecord.self, "WHERE run = ? ORDER BY id", [run]) }
    }

    /// The orders that nobody has taken yet. Cheap when there are none. `LedgerEntry.orderTaken` takes one, in the
    /// transaction that records what came of it: a crash in between loses no order.
    ///
    /// - Throws: `LedgerError`.
    public func waitingOrders() throws(LedgerError) -> [OrderRecord] {
        try database.read { try $0.rows(OrderRecord.self, "WHERE taken IS NULL ORDER BY id") }
    }

    /// Lets the holder of a key in under an id; an id's earlier key is no longer valid then.
    ///
    /// - Parameter publicKey: 40 characters in Z85, as `permafrost keys generate` writes them.
    /// - Throws: `LedgerError.keyTaken` when another id has the key, `.refused` when it is no key.
    public func enroll(id: String, role: KeyRecord.Role, publicKey: String) throws(LedgerError) {
        guard publicKey.isZ85Key else {
            throw .refused(reason: "the key for \(id) is not 40 characters of Z85")
        }
        guard !id.isEmpty, id.utf8.count <= 128, id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .refused(reason: "an id has 1 to 128 printable characters of ASCII without spaces")
        }
        try database.write { database in
            let holder = try database.rows(KeyRecord.self, "WHERE publicKey = ? AND revoked IS NULL", [publicKey]).first
            if let holder, holder.id != id || holder.role != role {
                throw LedgerError.keyTaken(id: id, owner: "\(holder.role.rawValue) \(holder.id)")
            }
            try database.put(
                KeyRecord(id: id, role: role, publicKey: publicKey, enrolled: Date().timeIntervalSince1970))
            _ = try database.raise(MetaRecord.keysVersion)
        }
    }

    /// Shuts the holder of an id's key out.
    ///
    /// - Throws: `LedgerError.unknown`.
    public func revoke(id: String, role: KeyRecord.Role) throws(LedgerError) {
        try database.write { database in
            guard var key = try database.row(KeyRecord.self, role.rawValue, id) else {
                let names = try database.rows(KeyRecord.self, "WHERE role = ?", [role.rawValue]).map(\.id)
                throw LedgerError.unknown(
                    kind: "enrolled \(role.rawValue)", name: id, nearest: nearestName(to: id, among: names))
            }
            guard key.revoked == nil else { return }
            key.revoked = Date().timeIntervalSince1970
            try database.put(key)
            _ = try database.raise(MetaRecord.keysVersion)
        }
    }

    /// All keys, also revoked ones.
    ///
    /// - Throws: `LedgerError`.
    public func keys() throws(LedgerError) -> [KeyRecord] {
        try database.read { try $0.rows(KeyRecord.self, "ORDER BY role, id") }
    }

    /// Grows when a key is enrolled or revoked, by any process: cheap to ask again and again.
    ///
    /// - Throws: `LedgerError`.
    public func keysVersion() throws(LedgerError) -> Int {
        try database.read { Int(try $0.row(MetaRecord.self, MetaRecord.keysVersion)?.value ?? 0) }
    }
}
