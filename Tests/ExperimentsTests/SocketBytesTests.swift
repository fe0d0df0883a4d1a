import Dispatch
import Exchange
import Foundation
import Methods
import Queueing
import Synchronization
import Tensors
import Testing

@testable import Experiments

@Suite("Bytes of a comparison", .timeLimit(.minutes(2)))
struct SocketBytesTests {
    /// Several steps at once are taken in the order of arrival, which is another one over sockets.
    private static let methods = ExperimentBench.methods.filter {
        switch $0 {
        case .central, .splitfrozen: false
        case .hosl(let probes): probes.atOnce == 1
        default: true
        }
    }

    @Test("the virtual clock counts what sockets send, message by message", arguments: methods)
    func sockets(method: MethodSettings) throws {
        let bench = try ExperimentBench()
        let counted = try bench.run(method, budget: 300).run()
        let ids = bench.task().fleet.members.map(\.id)
        let (server, devices) = try overSockets(bench.run(method, budget: 300).programs, ids: ids)
        #expect(counted.devices.map(\.bytesUp) == devices)
        #expect(counted.devices.reduce(0) { $0 + $1.bytesDown } == server)
    }

    /// Bytes of messages that the server and each of the devices have sent.
    private func overSockets(_ programs: ProgramSet, ids: [String]) throws -> (server: Int, devices: [Int]) {
        let context = try ZeroMQContext(), pool = ComputePool(threads: 1)
        let server = try ProgramServer(
            ProgramServerConfiguration(
                run: RunTotals.run, id: RunTotals.server, devices: ids, endpoint: "inproc://server"),
            context: context, pool: pool, stop: ProgramStop())
        let roles = DispatchGroup(), sent = Mutex<[String: Int]>([:])
        for (id, program) in zip(ids, programs.devices) {
            roles.enter()
            let endpoint = server.endpoint
            Thread {
                let configuration = ProgramDeviceConfiguration(run: RunTotals.run, id: id, endpoint: endpoint)
                let totals = try? ProgramDevice(configuration, context: context, program: program, pool: pool).run()
                sent.withLock { $0[id] = totals?.messageBytesSent }
                roles.leave()
            }.start()
        }
        let outcome = try server.run(programs.server)
        roles.wait()
        return (outcome.totals.messageBytesSent, ids.map { id in sent.withLock { $0[id] ?? -1 } })
    }
}
