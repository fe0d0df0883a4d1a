import Queueing
import Wire

// What goes on between this worker and others.
extension WorkerLoop {
    /// What the line to another worker needs.
    private func security(towards key: String) throws -> SocketSecurity {
        guard case .client(let pair, _) = configuration.coordinatorSecurity else {
            return configuration.coordinatorSecurity
        }
        return .client(pair, server: try CurvePublicKey(z85: key))
    }

    /// What fails here is computed by this worker itself, and the replica has to introduce itself again.
    func takePart(_ body: Body, from sender: String, session: UInt64) throws {
        do throws(WireError) {
            try payloads.withBytes { payloads throws(WireError) in
                try compute.replicas.received(
                    body, payloads, frame: self.payloads.first, from: sender, session: session)
            }
        } catch {
            try observer(.replicaRefused(sender, problem: error.problem))
            try perform(machine.dismissed(replica: sender, session: session, error))
        }
    }

    func follow(_ leader: Body.WorkerPeer?) throws {
        follower?.stop()
        follower = nil
        guard let leader, let shape = compute.shape else { return }
        let configuration = configuration, context = context
        follower = try ReplicaFollower(
            leader, security: try security(towards: leader.key),
            link: {
                Link(
                    context: context, run: configuration.run, sender: configuration.id, timing: configuration.timing)
            }, intake: StepIntake(check, parameters: shape.parameters, stateCount: shape.states), store: store,
            steps: compute.withTrainer
        ) { [results = compute.results] in results.post(.replica($0)) }
    }

    func handOver(_ order: Body.Drain) throws {
        let security = try security(towards: order.successorKey)
        handover = try HandoverPublisher(
            order, security: security, timing: configuration.timing, run: configuration.run,
            sender: configuration.id, context: context,
            source: { [store, newestCheckpoint] in try HandoverSource(store: store, checkpoint: newestCheckpoint) }
        ) { [results = compute.results] in results.post(.handover($0)) }
    }
}
