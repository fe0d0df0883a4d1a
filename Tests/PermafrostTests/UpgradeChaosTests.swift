import Faults
import Foundation
import Queueing
import Testing
import Wire

/// Programs of two versions in one run.
@Suite("Rolling upgrades", .serialized, .timeLimit(.minutes(3)))
struct UpgradeChaosTests {
    private static let overrides = [
        "training.epochs=60", "training.batch=12", "training.micro_batch=2", "training.checkpoint_steps=20",
        "evaluation.samples=0", "devices.balance=fixed", "devices.compression=zstd", "pipeline.replicas=2", "threads=1",
    ]

    @Test(
        "a role of the previous minor version shares a run with current ones, and is upgraded while it goes on",
        arguments: ["worker-1", "device-1"])
    func mixed(earlier: String) throws {
        try TinyModel.use { tiny in
            let undisturbed = try tiny.trainUndisturbed(Self.overrides)
            let isWorker = earlier.hasPrefix("worker")
            let cluster = try Cluster(tiny, Self.overrides, workers: isWorker ? 2 : 1, earlier: earlier)
            let leader = cluster.workers[0]
            cluster.start([cluster.coordinator, leader] + cluster.devices)
            _ = try #require(leader.line(beginningWith: "step ", within: 60), "\(cluster.logs)")
            for replica in cluster.workers.dropFirst() {
                replica.start()
                let line = "replica   \(replica.name) "
                _ = try #require(leader.line(beginningWith: line, within: 60), "\(cluster.logs)")
            }
            let version = "version   \(earlier) speaks protocol "
            let (before, now) = (
                Envelope.version(minor: Envelope.minorVersion - 1), Envelope.version(minor: Envelope.minorVersion)
            )
            #expect(cluster.coordinator.line(beginningWith: version + before, within: 5) != nil, "\(cluster.logs)")
            cluster.upgrade()
            #expect(cluster.coordinator.line(beginningWith: version + now, within: 60) != nil, "\(cluster.logs)")
            try cluster.finish()
            try cluster.expectTrained(as: undisturbed)
        }
    }

    @Test("a role whose coordinator speaks another major version ends with words, and with exit code 58")
    func coordinatorOfAnotherMajor() throws {
        var coordinator = try FalseCoordinator()
        for role in ["worker", "device"] {
            try TinyModel.use { tiny in
                let program = try Program(
                    [role, "--id", "\(role)-1", "--coordinator", coordinator.endpoint, "--insecure"], in: tiny.folder,
                    within: 60)
                let answer = Envelope(run: "r", sender: "coordinator", body: .stop(.init(reason: "a later one")))
                try coordinator.answer(answer.ofAnotherMajor)
                let outcome = try program.finish()
                #expect(outcome.exitCode == 58 && !outcome.wasKilled)
                #expect(outcome.errors.contains("version 2, this side speaks 1"), "\(outcome.errors)")
            }
        }
    }

    @Test("what another major version says is refused by its number, with words, and told to the operator")
    func roleOfAnotherMajor() throws {
        try TinyModel.use { tiny in
            let cluster = try Cluster(tiny, workers: 1)
            cluster.coordinator.start()
            let listening = try #require(cluster.coordinator.line(beginningWith: "listening ", within: 30))
            let context = try ZeroMQContext()
            let socket = try Socket(.dealer, context: context, options: FalseCoordinator.plain)
            try socket.connect(String(listening.dropFirst("listening ".count)))
            let request = Envelope(run: "", sender: "worker-9", body: .recipeRequest(.worker))
            _ = try socket.send([Frame(request.ofAnotherMajor)])
            var poller = Poller()
            _ = poller.add(socket)
            try poller.wait(milliseconds: 20_000)
            let answer = try #require(try socket.receive()?.frames.first?.bytes)
            guard case .reject(let reject) = try Envelope.decode(answer, limits: WireLimits()).body else {
                return #expect(Bool(false), "no Reject")
            }
            #expect(reject.number == ProtocolError.unsupportedVersion.rawValue)
            #expect(reject.text.contains("version 2, this side speaks 1"))
            let line = cluster.coordinator.line(beginningWith: "refused 1 message: The header has another", within: 10)
            #expect(line != nil, "\(cluster.logs)")
        }
    }
}

extension Envelope {
    /// Its bytes, but for the version, which is 2.
    fileprivate var ofAnotherMajor: [UInt8] {
        var bytes = encode()
        // Field 1, a varint, comes first.
        bytes[1] = 2
        return bytes
    }
}
