import Queueing
import Wire

/// The conversation with the worker.
extension DeviceMachine {
    /// The session is over, and with it the account and everything on its way in it.
    mutating func disconnected() {
        conversation = .none
        window.closed()
        hello.reset()
        pause.reset()
        refusal = nil
        starvingSince = nil
    }

    /// Introduces the device and waits for the answer.
    ///
    /// - Parameter isNewSession: whether the present session has just begun and was not used.
    mutating func greet(isNewSession: Bool, now: Duration) -> [Action] {
        conversation = .greeting
        window.closed()
        pause.reset()
        starvingSince = nil
        // Until it is answered: a message can be lost without the connection.
        hello.cancel()
        hello.plan(now: now)
        return [.hello(samples: lengths.count, isNewSession: isNewSession)]
    }

    mutating func welcomed(_ welcome: Body.Welcome, now: Duration) -> [Action] {
        switch conversation {
        case .none: return []
        // Nobody asked. Either it came twice, and must not give its credit twice; or the worker has lost something, and
        // both sides begin anew.
        case .welcome: return publication.isKept(in: welcome.settled) ? [] : greet(isNewSession: false, now: now)
        case .greeting: break
        }
        conversation = .welcome
        hasBeenWelcomed = true
        hasToldFinished = false
        hello.reset()
        refusal = nil
        window.opened(creditBytes: welcome.creditBytes, now: now)
        let limit = window.creditBytes > 0 ? min(settings.partBytes, window.creditBytes) : settings.partBytes
        let dropped = publication.welcomed(settled: welcome.settled, limit: limit)
        for sequence in dropped { window.forget(sequence) }
        let told = Action.tell(
            .joined(worker: assignment?.worker ?? "", settled: settledSamples, samples: lengths.count))
        return [told] + dropped.map { .forget(sequence: $0) } + proceed(now: now)
    }

    mutating func acknowledged(_ ack: Body.Ack, now: Duration) -> [Action] {
        guard conversation == .welcome else { return [] }
        window.heard(now: now)
        guard let (part, bytes) = window.acknowledged(ack) else { return [] }
        uplink.acknowledged(bytes)
        // There is room again.
        pause.reset()
        refusal = nil
        guard publication.acknowledged(part.sequence) else { return proceed(now: now) }
        window.forget(part.sequence)
        return [.forget(sequence: part.sequence)] + proceed(now: now)
    }

    mutating func rejected(_ reject: Body.Reject, now: Duration) -> [Action] {
        guard conversation != .none else { return [] }
        window.heard(now: now)
        switch ProtocolError(rawValue: reject.number) {
        case .unknownSession?, .creditExceeded?:
            // The worker began anew, or the accounts differ, as when a grant came twice.
            return conversation == .welcome ? greet(isNewSession: false, now: now) : []
        case let error? where reject.sequence == 0:
            let failure = PublishError.rejected(
                sequence: 0, attempts: 1, number: reject.number, text: reject.text)
            if error.retry == .never { return fail(.publishing(failure)) }
            // The worker may not know the device yet: Hello will be repeated.
            if conversation == .greeting { refusal = reject.text }
            return []
        case let error? where error.retry == .later:
            pause.plan(now: now)
            refusal = reject.text
            let part = PublishWindow.Part(sequence: reject.sequence, index: reject.part)
            window.postponed(part, until: pause.due ?? now)
            return []
        default:
            switch window.rejected(reject, now: now) {
            case .send(let sending): return publish(sending)
            case .fail(let error): return fail(.publishing(error))
            case .ignore: return []
            }
        }
    }

    mutating func tick(now: Duration) -> [Action] {
        if hello.isDue(now: now), conversation == .greeting { return greet(isNewSession: false, now: now) }
        if pause.isDue(now: now) { refusal = nil }
        if let since = starvingSince, since + settings.acknowledgementTimeout <= now {
            return starved(now: now)
        }
        guard conversation == .welcome else { return [] }
        let again = window.retransmissions(now: now).flatMap { publish($0) }
        return again + proceed(now: now)
    }

    /// Sends what is ready as far as there is credit, computes one group ahead, and finishes when nothing is left.
    mutating func proceed(now: Duration) -> [Action] {
        guard hasBeenWelcomed else { return [] }
        var actions: [Action] = []
        let isWelcome = conversation == .welcome
        if isWelcome {
            roomBytes = window.accountBytes
            let limit = min(settings.partBytes, roomBytes)
            let speed = uplink.bytesPerSecond
            while roomBytes > 0, pause.due == nil,
                let next = publication.next(limit: {
                    PartSize.bytes(limit: limit, uplinkBytesPerSecond: speed, headerBytes: $0)
                }), window.canSend(bytes: next.bytes)
            {
                publication.sentNext()
                actions.append(.publish(window.sent(next.part, bytes: next.bytes, now: now), parts: next.parts))
            }
        }
        if !publication.isComputing, !publication.hasUnsent, publication.heldBytes <= roomBytes,
            let group = publication.takePending()
        {
            let codec = assignment.flatMap { PayloadCodec(rawValue: $0.codec) }
            actions.append(.compute(group, cut: Int(assignment?.cut ?? 0), codec: codec))
        }
        if isWelcome, publication.isSettled, !hasToldFinished {
            hasToldFinished = true
            actions.append(.finish(messages: publication.messageCount, samples: lengths.count))
            if !settings.staysUntilStopped {
                end()
                actions.append(.end)
            }
        }
        let isStarving =
            isWelcome && pause.due == nil && publication.hasUnsent && window.unacknowledgedCount == 0
        starvingSince = isStarving ? starvingSince ?? now : nil
        return actions
    }

    /// Nothing has been on its way for the time-out, and no credit came. A grant may have been lost: the answer to
    /// Hello repeats it.
    private mutating func starved(now: Duration) -> [Action] {
        if let row = publication.nextRowBytes, window.creditBytes > 0, row > window.creditBytes {
            return fail(.device(.rowBeyondCredit(bytes: row, creditBytes: window.creditBytes)))
        }
        return greet(isNewSession: false, now: now)
    }

    private func publish(_ sending: PublishWindow.Sending) -> [Action] {
        guard let parts = publication.parts(of: sending.part.sequence) else { return [] }
        return [.publish(sending, parts: parts)]
    }
}
