import Foundation
import Testing

@testable import Ledger

@Suite("Orders and keys")
struct OperationsTests {
    private let key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
    private let other = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

    private func withLedgers(_ body: (Ledger, Ledger) throws -> Void) throws {
        try withFolder { folder in
            let coordinator = try Ledger(folder: folder.path, access: .coordinator)
            try coordinator.record(Workload.beginning("movies-1"))
            try body(coordinator, try Ledger(folder: folder.path, access: .operations))
        }
    }

    @Test("an order that another connection gives is taken once")
    func orders() throws {
        try withLedgers { coordinator, operations in
            #expect(try coordinator.waitingOrders().isEmpty)
            try operations.orderDrain(of: "worker-1", run: "movies-1")
            try operations.orderStop(of: "movies-1")
            let orders = try coordinator.waitingOrders()
            #expect(orders.map(\.kind) == [.drain, .stop] && orders.map(\.target) == ["worker-1", "movies-1"])
            #expect(
                try coordinator.waitingOrders() == orders,
                "a coordinator that dies before it follows them finds them again")
            try coordinator.record(orders.map { .orderTaken($0.id) })
            #expect(try coordinator.waitingOrders().isEmpty)
            let taken = try operations.orders(of: "movies-1")
            #expect(taken.map(\.id) == orders.map(\.id) && taken.allSatisfy { $0.taken != nil })
        }
    }

    @Test("what is not there, or over, takes no order")
    func refused() throws {
        try withLedgers { coordinator, operations in
            #expect(throws: LedgerError.unknown(kind: "worker", name: "worker-l", nearest: "worker-0")) {
                try operations.orderDrain(of: "worker-l", run: "movies-1")
            }
            #expect(throws: LedgerError.unknown(kind: "run", name: "movies", nearest: "movies-1")) {
                try operations.orderStop(of: "movies")
            }
            try coordinator.record([.ended(run: "movies-1", .completed, exitCode: 0, reason: "")])
            #expect(throws: LedgerError.self) { try operations.orderStop(of: "movies-1") }
            #expect(try coordinator.waitingOrders().isEmpty)
        }
    }

    @Test("an enrolled or revoked key shows in the version at once, and what changes nothing does not")
    func keys() throws {
        try withLedgers { coordinator, operations in
            #expect(try coordinator.keysVersion() == 0)
            try operations.enroll(id: "gateway-1", role: .device, publicKey: key)
            try operations.enroll(id: "gateway-1", role: .worker, publicKey: other)
            #expect(try coordinator.keysVersion() == 2)
            #expect(try coordinator.keys().map(\.publicKey) == [key, other])
            try operations.revoke(id: "gateway-1", role: .device)
            #expect(try coordinator.keys().map { $0.revoked == nil } == [false, true])
            #expect(try coordinator.keysVersion() == 3)
            try operations.revoke(id: "gateway-1", role: .device)
            #expect(throws: LedgerError.unknown(kind: "enrolled device", name: "gateway-2", nearest: "gateway-1")) {
                try operations.revoke(id: "gateway-2", role: .device)
            }
            #expect(try coordinator.keysVersion() == 3)
            try operations.enroll(id: "gateway-1", role: .device, publicKey: key)
            #expect(try coordinator.keys().allSatisfy { $0.revoked == nil })
        }
    }

    @Test("a key belongs to one id only, and text that is no key is refused")
    func taken() throws {
        try withLedgers { _, operations in
            try operations.enroll(id: "gateway-1", role: .device, publicKey: key)
            #expect(throws: LedgerError.keyTaken(id: "gateway-2", owner: "device gateway-1")) {
                try operations.enroll(id: "gateway-2", role: .device, publicKey: key)
            }
            for text in ["", String(key.dropLast()), key + "a", String(key.dropLast()) + " "] {
                #expect(throws: LedgerError.self) { try operations.enroll(id: "x", role: .device, publicKey: text) }
            }
            for id in ["", "a b", "é", String(repeating: "a", count: 129)] {
                #expect(throws: LedgerError.self) { try operations.enroll(id: id, role: .device, publicKey: other) }
            }
        }
    }

    @Test("processes that write at the same time lose nothing, and the head counts every transaction")
    func concurrent() throws {
        try withLedgers { coordinator, operations in
            DispatchQueue.concurrentPerform(iterations: 4) { place in
                for number in 0..<10 {
                    if place.isMultiple(of: 2) {
                        let text = "\(place) \(number)"
                        let event = EventRecord(run: "movies-1", level: .info, role: "x", source: "y", text: text)
                        #expect(throws: Never.self) { try coordinator.record([.event(event)]) }
                    } else {
                        #expect(throws: Never.self) { try operations.orderStop(of: "movies-1") }
                    }
                }
            }
            #expect(try coordinator.events(of: "movies-1").count == 20)
            #expect(try coordinator.waitingOrders().count == 20)
            try coordinator.verify()
            let head = try #require(
                try LedgerHead(path: "\(coordinator.database.path.dropLast(7)).head", writes: false))
            #expect(head.commits == 1 + 40)
        }
    }
}
