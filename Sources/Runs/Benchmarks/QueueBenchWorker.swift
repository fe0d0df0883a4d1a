import Foundation
import Methods
import Models
import Queueing
import Synchronization
import Tensors
import Wire
import Worker

/// The real worker role with a coordinator of its own, which takes in activations and never trains.
public final class QueueBenchWorker: Sendable {
    /// Where it waits for devices.
    public let endpoint: String
    let publicKey: CurvePublicKey?
    private let coordinator: QueueBenchCoordinator
    private let end = End()

    /// How it ended, for whoever waits.
    private final class End: Sendable {
        let failure = Mutex<(any Error)?>(nil)
        let hasCome = DispatchSemaphore(value: 0)
    }

    /// Starts it on threads of its own.
    ///
    /// - Parameters:
    ///   - storage: keeps the activations.
    ///   - keys: the devices', with CURVE; none for plain TCP.
    /// - Throws: `QueueBenchError.workerFailed`, `TransportError`, `StoreError`, `KeyError`.
    init(_ shape: QueueBenchShape, _ storage: QueueBenchStorage, keys: [CurveKeyPair] = []) throws {
        let context = try ZeroMQContext()
        coordinator = try QueueBenchCoordinator(shape.plan(keys: keys.map(\.publicKey)), context: context)
        var configuration = Worker.Configuration(
            run: QueueBenchShape.run, id: "worker", coordinatorEndpoint: QueueBenchCoordinator.endpoint,
            deviceEndpoint: "tcp://127.0.0.1:*", epochs: 1, batch: 1, microBatch: 1, frozenBlocks: QueueBenchShape.cut,
            targetLimit: 1, maximumTokens: 4096, creditBytesPerDevice: shape.creditBytesPerDevice)
        configuration.ingestBytes = 1 << 40
        configuration.staysUntilStopped = true
        configuration.endsWhenFull = false
        var publicKey: CurvePublicKey?
        if keys.isEmpty {
            configuration.deviceSecurity = .insecure
        } else {
            let pair = try CurveKeyPair.generate()
            publicKey = pair.publicKey
            configuration.deviceSecurity = .server(pair, try Authenticator(context: context), domain: "worker")
        }
        self.publicKey = publicKey
        let store = try storage.store(shape)
        let model = try LanguageModel(
            source: QueueBenchModel(width: shape.width), maximumTokens: 2, loadedBlocks: 0)
        let worker = try Worker(
            configuration, context: context, forward: FrozenForward(model: model), store: store,
            pool: ComputePool(threads: 1),
            training: WorkerTraining { _ in throw QueueBenchError.workerFailed(reason: "it began to train") })
        let coordinator = coordinator, end = end
        let thread = Thread {
            do { try worker.run() } catch { end.failure.withLock { $0 = error } }
            coordinator.close()
            end.hasCome.signal()
        }
        thread.name = "bench worker"
        thread.start()
        guard let endpoint = coordinator.endpoint() else {
            throw QueueBenchError.workerFailed(reason: "it did not register")
        }
        self.endpoint = endpoint
    }

    /// Lets the worker leave, and waits for that.
    ///
    /// - Throws: what ended the worker before.
    public func stop() throws {
        coordinator.stop()
        end.hasCome.wait()
        if let error = end.failure.withLock({ $0 }) { throw error }
    }
}
