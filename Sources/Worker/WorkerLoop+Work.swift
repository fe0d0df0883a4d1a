import Datasets
import Diagnostics
import Foundation
import Methods
import Queueing
import Wire

extension WorkerLoop {
    /// Something has ended.
    func take(_ result: WorkerCompute.Result) throws {
        machine.roomBytes = store.capacityBytes - store.bytes
        switch result {
        case .began(let step, let unrecorded, let used):
            totals.steps = UInt64(step)
            try perform(machine.began(step: step, unrecorded: unrecorded, used: used))
        case .advanced(let samples, let cut, let tokens, let cost, let result):
            totals.seconds += cost.seconds
            figures.advanced(tokens: tokens * (configuration.frozenBlocks - cut), seconds: cost.seconds)
            switch result {
            case .success: try perform(machine.advanced(samples))
            case .failure(let error) where error.wireError != nil && !configuration.endsWhenFull:
                try perform(machine.notAdvanced(samples, cut: cut, error, now: clock.now))
            case .failure(let error): throw error
            }
        case .stepped(let step, let cost, let epoch, let samples, let digest):
            totals.seconds += cost.seconds
            figures.stepped(tokens: step.tokens, seconds: cost.seconds)
            let report = report(step, epoch: epoch, samples: samples, digest: digest)
            try observer(.stepped(report))
            try perform(machine.stepped(report))
        case .damaged(let sample, let work, let error):
            try perform(machine.damaged(sample, in: work, problem: error.problem))
        case .stored(let part, let result):
            Failpoint.hit(.afterWrite)
            if case .success = result, let sender = machine.pending[part]?.delivery.sender {
                trace?.stored(part, from: sender)
            }
            try perform(try machine.stored(part, result, now: clock.now))
        // A note that finds no room is missed by nobody but a curious person.
        case .noted(.failure(let error)) where error.wireError == nil: throw error
        case .noted: break
        case .forgot(let device, let sequence, .success):
            try perform(machine.forgotten(device: device, sequence: sequence))
        case .forgot(let device, let sequence, .failure(let error)):
            guard error.wireError != nil else { throw error }
            unforgotten.append((device, sequence))
        case .checkpointed(let checkpoint):
            newestCheckpoint = checkpoint
            try perform(machine.checkpointed())
        case .adopted(let step): try perform(machine.adopted(step: step))
        case .notAdopted: try perform(machine.notAdopted())
        case .handover(.progress(let done, let count)): try observer(.handingOver(done: done, of: count))
        case .handover(.failed(let error)), .failed(let error): throw error
        case .asked: try perform(machine.asked())
        case .toReplica(let id, let session, let body, let payload):
            try outbox.send(body, payload: payload, session: session, to: id, now: clock.now, by: sendNow)
        case .stageGivenUp(let step, let id): try observer(.stageGivenUp(step: step, id))
        case .replicaLate(let id, let session, let lateness):
            switch lateness {
            case .owes(let step): try observer(.replicaLate(id, step: step))
            case .unread(let bytes): try observer(.replicaBehind(id, bytes: bytes))
            }
            try perform(machine.dismissed(replica: id, session: session, .unknownSession))
        case .replica(.computed(let step, let count)): try observer(.computed(step: step, microBatches: count))
        case .replica(.followed(let step)): try observer(.followed(step: step))
        case .replica(.caughtUp(let messages)): try perform(machine.caughtUp(messages: messages))
        case .replica(.damaged(let device, let sequence, let problem)):
            try perform(machine.damaged(device: device, sequence: sequence, problem: problem))
        case .replica(.failed(let error)): throw error
        }
    }

    private func report(
        _ step: Trainer.StepResult, epoch: Int, samples: [SampleReference], digest: UInt64
    ) -> Body.StepReport {
        totals.steps = UInt64(step.step)
        totals.epochs = UInt32(epoch)
        totals.samples += UInt64(samples.count)
        totals.tokens += UInt64(step.tokens)
        var report = Body.StepReport(
            step: UInt64(step.step), epoch: UInt32(epoch), loss: step.loss, accuracy: step.accuracy,
            learningRate: step.learningRate, tokens: UInt64(step.tokens), samples: UInt64(samples.count),
            seconds: step.seconds, queueDepth: UInt64(machine.queueDepth),
            bytesUp: UInt64(devices.socket.bytesReceived))
        report.sampleIDs = samples.map(\.storeID)
        report.adapterDigest = digest
        return report
    }

    func perform(_ actions: [WorkerMachine.Action]) throws {
        for action in actions {
            switch action {
            case .reply(let peer, let session, let body): try reply(body, to: peer, session: session)
            case .checkAndStore(let delivery): try perform(checkAndStore(delivery))
            case .keepPiece(let piece, let sender, let session): try keep(piece, from: sender, session: session)
            case .forgetPieces: pieces.reset()
            case .adopt: compute.adopt(pieces)
            case .keepDeadLetter(let delivery, let error): note(.deadLetter(deadLetter(delivery, error)))
            case .forget(let device, let sequence): forget(device, sequence)
            case .enroll(let plan): configuration.deviceSecurity.enroll(plan)
            case .begin(let counts): compute.begin(counts)
            case .advance(let samples, let blocks): compute.advance(samples, blocks: blocks)
            case .step(let epoch, let samples): compute.step(samples, epoch: epoch)
            case .keep(let step, let unrecorded): compute.keep(step, unrecorded)
            case .checkpoint(let unrecorded): compute.checkpoint(unrecorded)
            case .tell(let body): try coordinator.tell(body)
            case .tellFinished(let drained):
                totals.bytesUp = UInt64(devices.socket.bytesReceived)
                totals.bytesDown = UInt64(devices.socket.bytesSent)
                totals.drained = drained
                totals.frozenForwardSeconds = compute.frozenForwardSeconds
                // The last figures of the run: nobody reports after this.
                try report(devices.refusals())
                try observer(.finished(totals))
                try coordinator.tell(.workerFinished(totals))
            case .handOver(let order): try handOver(order)
            case .follow(let leader): try follow(leader)
            case .forward(let message, let device):
                follower?.forward(
                    StoredMessage(
                        device: device, sequence: message.sequence,
                        samples: message.samples.compactMap { store.sample($0.storeID) }))
            case .arrange(let stages): compute.replicas.arrange(stages: stages)
            case .replicaJoined(let id, let session):
                outbox.beginSession(session, of: id)
                compute.replicas.joined(id, session: session)
            case .replicaLeft(let id): compute.replicas.left(id)
            case .takePart(let body, let sender, let session): try takePart(body, from: sender, session: session)
            case .tellObserver(let event): try observer(event)
            case .fail(let error): throw WorkerError.storeFull(error)
            case .leave(let outcome): self.outcome = outcome
            }
        }
    }

    private func reply(_ body: Body, to peer: String, session: UInt64) throws {
        if case .reject(let reject) = body { devices.count(refusal: reject.number, of: peer) }
        guard case .ack(let ack) = body else {
            return try outbox.send(body, session: session, to: peer, now: clock.now, by: sendNow)
        }
        Failpoint.hit(.beforeAck)
        try outbox.send(body, session: session, to: peer, now: clock.now, by: sendNow)
        Failpoint.hit(.afterAck)
        trace?.acknowledged(sequence: ack.sequence, part: ack.part, to: peer)
    }

    /// Whether a peer's queue had room.
    func sendNow(_ body: Body, _ payload: Frame?, session: UInt64, to peer: String) throws -> Bool {
        // A frame that was sent is empty.
        let bytes = payload?.count ?? 0
        guard try devices.send(body, session: session, payload: payload, to: peer) else { return false }
        if bytes > 0 { compute.replicas.sent(bytes, to: peer, session: session) }
        return true
    }

    /// Nothing of a message is used before every check has passed, and nothing is acknowledged before it is stored.
    private func checkAndStore(_ delivery: WorkerMachine.Delivery) -> [WorkerMachine.Action] {
        let begun = ContinuousClock.now
        do throws(WireError) {
            let expanded = try payloads.withBytes { payloads throws(WireError) in
                try check.expand(delivery.activations, payloads: payloads)
            }
            let payloads = expanded.map { [Frame(owner: $0, bytes: $0.bytes)] } ?? payloads
            let checked = try payloads.withBytes { payloads throws(WireError) in
                try check.check(
                    delivery.activations, run: configuration.run, payloads: payloads,
                    owns: { machine.owns(device: delivery.part.device, sample: $0) })
            }
            let kept = store.codec.byteCount(rows: checked.rows, columns: checked.columns) ?? 0
            if let error = machine.accepted(delivery, checked, keptBytes: kept) { throw error }
            codecBytes[checked.codec, default: 0] += Int(clamping: delivery.activations.payloadBytes)
            compute.writer.submit(
                .message(
                    delivery.part, samples: checked.storedSamples(device: delivery.part.device),
                    payload: payloads[0], codec: checked.codec)
            ) { [results = compute.results] in results.post(.stored(delivery.part, $0)) }
            trace?.received(delivery, from: begun, isRefused: false)
            return []
        } catch {
            trace?.received(delivery, from: begun, isRefused: true)
            return machine.refused(delivery, error)
        }
    }

    private func keep(_ piece: Body.HandoverFile, from sender: String, session: UInt64) throws {
        do {
            guard payloads.count == 1 else {
                throw payloads.isEmpty
                    ? WireError.payloadMissing : .tooManyFrames(found: payloads.count, expected: 1)
            }
            Failpoint.hit(.duringMigration)
            if !machine.hasAllPieces { try payloads[0].withBytes { try pieces.keep(piece, $0) } }
            let ack = Body.Ack(sequence: piece.sequence, creditBytes: UInt64(payloads[0].count))
            try reply(.ack(ack), to: sender, session: session)
        } catch let error as WireError {
            let reject = Body.Reject(sequence: piece.sequence, error: error)
            try reply(.reject(reject), to: sender, session: session)
        }
    }

    /// A full disk may refuse even this: then it is tried again.
    func forget(_ device: UInt32, _ sequence: UInt64) {
        compute.writer.submit(.forget(device: device, sequence: sequence)) { [results = compute.results] in
            results.post(.forgot(device: device, sequence: sequence, $0))
        }
    }

    private func note(_ change: StoreChange) {
        compute.writer.submit(change) { [results = compute.results] in results.post(.noted($0)) }
    }

    private func deadLetter(_ delivery: WorkerMachine.Delivery, _ error: WireError) -> DeadLetter {
        let header = Envelope(
            run: configuration.run, sender: delivery.sender, attempt: delivery.attempt, session: delivery.session,
            body: .activations(delivery.activations))
        return DeadLetter(
            deviceID: machine.name(of: delivery.part.device) ?? delivery.sender, device: delivery.part.device,
            sequence: delivery.part.sequence, errorNumber: error.number, error: error.description,
            header: header.encode())
    }

    /// Tells the coordinator how messages stand, of devices of which something changed, and what was refused.
    func report(_ refusals: Refusals) throws {
        guard machine.isPlanned else { return }
        queueAge.update(waiting: machine.queueDepth, used: Int(totals.samples), now: clock.now)
        var common = figures.common(machine, store, refusals)
        common.frozenForwardSeconds = compute.frozenForwardSeconds
        common.pipeline = compute.pipeline
        common.shares = figures.shares(compute.replicas.counts, of: configuration.id)
        common.oldestAgeSeconds = queueAge.oldest(now: clock.now).seconds
        common.bytesReceived = UInt64(devices.socket.bytesReceived)
        common.bytesSent = UInt64(devices.socket.bytesSent)
        common.codecBytes = codecBytes.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { .init(codec: $0.key, bytes: UInt64($0.value)) }
        common.newestStep = compute.newestStep
        try observer(
            .figures(
                WorkerFigures(
                    report: common, ingress: machine.ingress.counts, checkpointStep: checkpointStep())))
        guard coordinator.link.isConnected else { return }
        for report in figures.reports(machine, common) { try coordinator.tell(.queueReport(report)) }
        for (device, counters) in figures.countersToKeep(machine) { note(.counted(device: device, counters)) }
    }
}

extension CheckedActivations {
    /// The message's samples as the store knows them.
    fileprivate func storedSamples(device: UInt32) -> [StoredSample] {
        samples.map { sample in
            StoredSample(
                id: SampleReference(device: Int(device), index: Int(sample.id)).storeID,
                targets: Array(targets(of: sample)), rows: sample.rows.count, columns: columns, cut: cut)
        }
    }
}
