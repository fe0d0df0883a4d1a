import Foundation
import Queueing
import Synchronization
import Wire

/// As much of a coordinator as a worker needs that does not train: it gives the plan, answers heartbeats, and says stop.
final class QueueBenchCoordinator: Sendable {
    static let endpoint = "inproc://bench-coordinator"

    private let stopSignal: WakeSignal
    private let isOver = Atomic(false)
    private let registered = DispatchSemaphore(value: 0)
    private let workerEndpoint = Mutex("")

    /// Serves on a thread of its own from now on.
    ///
    /// - Throws: `TransportError`.
    init(_ plan: Body.RunPlan, context: ZeroMQContext) throws(TransportError) {
        stopSignal = try WakeSignal()
        let bound = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            // Without a channel nobody registers, and whoever waits for that finds out.
            guard
                let channel = try? Channel(
                    .router, context: context, run: QueueBenchShape.run, sender: "coordinator", highWaterMark: 0),
                (try? channel.bind(Self.endpoint)) != nil
            else {
                bound.signal()
                return
            }
            bound.signal()
            try? serve(channel, plan)
        }
        thread.name = "bench coordinator"
        thread.start()
        bound.wait()
    }

    /// Where the worker waits for devices, once it has said so; nil when it has not within half a minute.
    func endpoint() -> String? {
        registered.wait(timeout: .now() + 30) == .success ? workerEndpoint.withLock { $0 } : nil
    }

    /// Tells the worker to leave.
    func stop() { stopSignal.signal() }

    /// The worker has left.
    func close() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        stopSignal.signal()
    }

    private func serve(_ channel: Channel, _ plan: Body.RunPlan) throws {
        var poller = Poller()
        _ = poller.add(channel.socket)
        _ = poller.add(fileDescriptor: stopSignal.fileDescriptor)
        var worker: (id: String, session: UInt64)?
        while !isOver.load(ordering: .sequentiallyConsistent) {
            try poller.wait(milliseconds: nil)
            while let received = try channel.receive() {
                guard case .message(let envelope, _, _) = received else { continue }
                worker = (envelope.sender, envelope.session)
                switch envelope.body {
                case .register(let register):
                    try channel.send(.runPlan(plan), session: envelope.session, to: envelope.sender)
                    workerEndpoint.withLock { $0 = register.endpoint }
                    registered.signal()
                case .heartbeat(let time):
                    try channel.send(.heartbeatReply(time: time), session: envelope.session, to: envelope.sender)
                default: break
                }
            }
            if stopSignal.drain(), let worker {
                try channel.send(
                    .stop(Body.Stop(reason: "everything is measured")), session: worker.session, to: worker.id)
            }
        }
    }
}
