import Foundation
import Queueing
import Testing
import Wire

@testable import Worker

@Suite("Worker with keys", .timeLimit(.minutes(2)))
struct WorkerKeysTests {
    @Test("the plan's keys get in, under their own names; a key that a newer plan lacks is refused at once")
    func keys() throws {
        let context = try ZeroMQContext()
        let authenticator = try Authenticator(context: context)
        let listening = try CurveKeyPair.generate(), known = try CurveKeyPair.generate()
        let coordinator = try HandCoordinator(context: context)
        let folder = try TemporaryFolder()
        let model = try TinyModel()
        let worker = try TinyWorker(
            "worker", context: context, coordinator: coordinator.endpoint, folder: folder.url, model: model,
            training: model.training(folder.url.appendingPathComponent("checkpoint")),
            deviceSecurity: .server(listening, authenticator, domain: "worker"))
        let register = try coordinator.next { if case .register(let found) = $0 { found } else { nil } }
        #expect(register.endpointKey == listening.publicKey.z85)

        var plan = Body.RunPlan(
            devices: [.init(device: "d", samples: 12, cut: 2, key: known.publicKey.z85)], seed: 7, generation: 1)
        try coordinator.send(.runPlan(plan), to: "worker")
        let device = try HandDevice(
            "d", context: context, worker: register.endpoint,
            security: .client(known, server: listening.publicKey))
        #expect(try device.welcome(samples: 12).settled == [])
        let impostor = try HandDevice(
            "e", context: context, worker: register.endpoint,
            security: .client(known, server: listening.publicKey))
        #expect(try impostor.refusal(samples: 12) == 11)

        plan.generation = 2
        plan.devices[0].key = ""
        try coordinator.send(.runPlan(plan), to: "worker")
        #expect(worker.waits { if case .planned(2, _, _) = $0 { true } else { false } })
        #expect(try device.refusal(samples: 12) == 13)
        try coordinator.send(.stop(.init(reason: "the test is over")), to: "worker")
        #expect(try worker.ended() == .stopped)
    }
}
