import Datasets
import Queueing
import Wire

extension WorkerMachine {
    /// A device sent a message whose header could be read, or a worker that hands over.
    mutating func received(_ envelope: Envelope) -> [Action] {
        let sender = envelope.sender
        guard numbers[sender] != nil || sender == predecessor || isReplica(sender) else {
            return unreadable(.unknownSender(sender), sender: sender, session: envelope.session)
        }
        if case .hello = envelope.body { return greeted(sender, session: envelope.session) }
        guard sessions[sender] == envelope.session else { return [reject(envelope, .unknownSession)] }
        switch envelope.body {
        case .activations(let activations): return arrived(activations, envelope)
        case .handoverFile(let piece) where sender == predecessor:
            return [.keepPiece(piece, from: sender, session: envelope.session)]
        case .finished where sender == predecessor: return allHandedOver()
        case .finished: return []
        case .stepPart where isReplica(sender), .tensorPiece where isReplica(sender):
            return [.takePart(envelope.body, from: sender, session: envelope.session)]
        case .heartbeat(let time): return [.reply(to: sender, session: envelope.session, .heartbeatReply(time: time))]
        case .heartbeatReply, .goodbye: return []
        default:
            return unreadable(.unexpectedMessage(envelope.body.name), sender: sender, session: envelope.session)
        }
    }

    /// Something arrived that is no message of this run.
    mutating func unreadable(_ error: WireError, sender: String?, session: UInt64 = 0) -> [Action] {
        ingress.unreadable(error)
        return sender.map { [.reply(to: $0, session: session, .reject(Body.Reject(sequence: 0, error: error)))] } ?? []
    }

    /// Whether a sample id belongs to a device.
    func owns(device: UInt32, sample: UInt64) -> Bool {
        plan.map { device < $0.devices.count && sample < $0.devices[Int(device)].samples } ?? false
    }

    private mutating func greeted(_ sender: String, session: UInt64) -> [Action] {
        if isReplica(sender) { return greeted(replica: sender, session: session) }
        let number = numbers[sender]
        if sender != predecessor {
            guard predecessor == nil, let plan, let number, plan.devices[Int(number)].samples > 0 else {
                greetings[sender] = session
                return []
            }
        }
        let pieces: [Action] = sender == predecessor && !hasAllPieces ? [.forgetPieces] : []
        return pieces + welcome(sender, sender == predecessor ? CreditLedger.handover : number ?? 0, session: session)
    }

    /// Those whose greeting had to wait for a plan.
    mutating func welcomeWaiting() -> [Action] {
        guard predecessor == nil, let plan else { return [] }
        return greetings.sorted { $0.key < $1.key }.flatMap { sender, session -> [Action] in
            guard let number = numbers[sender], plan.devices[Int(number)].samples > 0 else { return [] }
            return welcome(sender, number, session: session)
        }
    }

    /// Begins a session.
    mutating func welcome(_ sender: String, _ account: UInt32, session: UInt64) -> [Action] {
        let isNew = sessions.updateValue(session, forKey: sender) == nil
        greetings[sender] = nil
        ledger.roomBytes = room
        let credit = isServing ? ledger.open(account) : 0
        if !isServing { ledger.close(account) }
        let settled: [ClosedRange<UInt64>]
        if account == self.account(ofWorker: sender) {
            // Devices that speak for themselves go on with what they have begun.
            for (device, number) in numbers where sessions[device] == nil { ingress.introduced(number) }
            settled = HandoverSequence.ranges(numbers.values.sorted().map { ($0, ingress.settled(of: $0)) })
        } else {
            ingress.introduced(account)
            settled = ingress.settled(of: account).ranges
        }
        // What is not in the list is sent again, and acknowledged again.
        let welcome = Body.Welcome(
            creditBytes: UInt64(credit), settled: Array(settled.prefix(WireLimits().settledRanges)),
            compressions: settings.compressions)
        let event: [Action] = isNew && !isReplica(sender) ? [.tellObserver(.deviceArrived(sender))] : []
        return [.reply(to: sender, session: session, .welcome(welcome))] + event
    }

    private mutating func arrived(_ activations: Body.Activations, _ envelope: Envelope) -> [Action] {
        let isHandedOver = account(ofWorker: envelope.sender) != nil
        guard (activations.origin > 0) == isHandedOver,
            let device = isHandedOver ? activations.origin - 1 : numbers[envelope.sender]
        else { return [reject(envelope, counted(.unexpectedMessage("Activations of another device")))] }
        let part = MessagePart(
            device: device, sequence: activations.sequence, part: activations.part, parts: max(1, activations.parts))
        let delivery = Delivery(
            sender: envelope.sender, session: envelope.session, part: part, attempt: envelope.attempt,
            activations: activations)
        guard isServing || ingress.settled(of: device).contains(part.sequence) else {
            return [reject(delivery, counted(.draining))]
        }
        let decision = ingress.arrived(part, attempt: envelope.attempt, description: activations.description)
        switch decision {
        case .reject(.partsDiffer) where isHandedOver && name(of: device).map { sessions[$0] != nil } == true:
            // The device has begun it here, and gone elsewhere with all of it: there will be no other session of its own.
            let asked = name(of: device).map { askAgain($0) } ?? []
            ingress.introduced(device)
            return asked + arrived(activations, envelope)
        case .store: return [.checkAndStore(delivery)]
        case .acknowledgeAgain:
            // As in the first acknowledgement: if that one was lost, its credit comes back with this one.
            return [
                acknowledge(delivery, ledger.creditAgain(activations.payloadBytes, for: part, of: account(delivery)))
            ]
        case .wait:
            if pending[part]?.delivery.session != delivery.session { pending[part]?.delivery = delivery }
            return []
        case .drop: return []
        case .reject(let error): return [reject(delivery, error)]
        }
    }

    /// A message passed its checks. It is to be stored now, unless there is an error to refuse it with.
    mutating func accepted(_ delivery: Delivery, _ checked: CheckedActivations, keptBytes: Int) -> WireError? {
        do throws(WireError) {
            let charge = try ledger.received(checked.byteCount, from: account(delivery))
            let samples = checked.samples.map { SampleReference(device: Int(delivery.part.device), index: Int($0.id)) }
            pending[delivery.part] = Pending(
                delivery: delivery, charge: charge,
                message: MessageBook.Message(
                    sequence: checked.sequence, samples: samples, cut: checked.cut, bytes: keptBytes))
            return nil
        } catch {
            return error
        }
    }

    /// A message failed a check.
    mutating func refused(_ delivery: Delivery, _ error: WireError) -> [Action] {
        let isDead = ingress.rejected(delivery.part, error: error)
        let device = name(of: delivery.part.device) ?? delivery.sender
        let dead: [Action] = [
            .keepDeadLetter(delivery, error),
            .tellObserver(
                .deadLetter(device: device, sequence: delivery.part.sequence, problem: error.problem)),
        ]
        return [reject(delivery, error)] + (isDead ? dead : [])
    }

    /// A part of a message is in the store, or not.
    ///
    /// - Throws: `StoreError` that concerns the whole store.
    mutating func stored(
        _ part: MessagePart, _ result: Result<StoreOutcome, StoreError>, now: Duration
    ) throws(StoreError) -> [Action] {
        guard let pending = pending.removeValue(forKey: part) else { return proceed() }
        ledger.roomBytes = room
        let isAnswerable = sessions[pending.delivery.sender] == pending.delivery.session
        switch result {
        case .success(let outcome):
            let credit = credit(for: pending)
            let isComplete = outcome == .complete
            ingress.stored(part, isComplete: isComplete)
            if isComplete {
                book.add(pending.message, of: part.device)
                schedule?.arrived(pending.message.samples, cut: pending.message.cut)
            }
            lastRefusal = nil
            let isReady = isComplete && pending.message.cut == settings.frozenBlocks
            return (isAnswerable ? [acknowledge(pending.delivery, credit)] : [])
                + (isReady ? forward(pending.message.samples) : []) + proceed()
        case .failure(.damaged(let path, let what)):
            // Of its parts, some that were stored earlier are not what they were: it has to come again as a whole. If
            // all of the store is damaged, forgetting fails too.
            ledger.refused(pending.charge)
            ingress.rejected(part, error: .storeFull(neededBytes: 0, freeBytes: 0))
            let actions: [Action] = [
                .forget(device: part.device, sequence: part.sequence),
                .tellObserver(
                    .damaged(
                        device: name(of: part.device) ?? "", sequence: part.sequence, problem: "\(path): \(what)")),
            ]
            return actions + proceed()
        case .failure(let error):
            guard let answer = error.wireError else { throw error }
            ledger.refused(pending.charge)
            let full = full(error, now: now)
            let refused = refused(pending.delivery, answer)
            return full + (isAnswerable ? refused : Array(refused.dropFirst())) + proceed()
        }
    }

    /// The bytes that come back. Those of an earlier session are void, unless a copy was paid for in this one.
    private mutating func credit(for pending: Pending) -> Int {
        let bytes = ledger.stored(pending.charge, pending.delivery.part)
        return ledger.isCurrent(pending.charge)
            ? bytes : ledger.creditAgain(pending.charge.bytes, for: pending.delivery.part, of: pending.charge.device)
    }

    private func account(_ delivery: Delivery) -> UInt32 {
        delivery.origin > 0 ? account(ofWorker: delivery.sender) ?? CreditLedger.handover : delivery.part.device
    }

    private mutating func counted(_ error: WireError) -> WireError {
        ingress.unreadable(error)
        return error
    }

    private func acknowledge(_ delivery: Delivery, _ credit: Int) -> Action {
        let ack = Body.Ack(
            sequence: delivery.part.sequence, creditBytes: UInt64(credit), part: delivery.part.part,
            origin: delivery.origin)
        return .reply(to: delivery.sender, session: delivery.session, .ack(ack))
    }

    private func reject(_ delivery: Delivery, _ error: WireError) -> Action {
        let part = delivery.part
        return .reply(
            to: delivery.sender, session: delivery.session,
            .reject(Body.Reject(sequence: part.sequence, error: error, part: part.part, origin: delivery.origin)))
    }

    private func reject(_ envelope: Envelope, _ error: WireError) -> Action {
        var reject = Body.Reject(sequence: 0, error: error)
        if case .activations(let activations) = envelope.body {
            reject = Body.Reject(
                sequence: activations.sequence, error: error, part: activations.part, origin: activations.origin)
        }
        return .reply(to: envelope.sender, session: envelope.session, .reject(reject))
    }
}

extension Body.Activations {
    /// Equal exactly for headers that say the same of the whole message, in this process.
    var description: Int {
        var hasher = Hasher()
        hasher.combine(sampleIDs)
        hasher.combine(lengths)
        hasher.combine(targetLengths)
        hasher.combine(targets)
        hasher.combine(cut)
        hasher.combine(rows)
        return hasher.finalize()
    }

    /// Bytes of its payload, when the header says the truth.
    var payloadBytes: Int {
        guard let rows = partRows else { return 0 }
        return PayloadCodec(rawValue: codec)?.byteCount(rows: rows.count, columns: Int(columns)) ?? 0
    }
}
