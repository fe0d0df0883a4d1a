import Dispatch
import Methods
import Queueing
import Wire

// Replicas as later stages of the leader's steps, or of a replica's part of them.
extension ReplicaGroup: StageSharing {
    func begin(_ step: SharedStep, shares: [StageShare], exchange: StageExchange) -> Bool {
        let layout = step.state[0].values.layout
        let (joining, late, crew) = state.withLock { state in
            let (joining, late) = state.roster.begin(step.step)
            // A step has parts one after another, whose pieces look the same.
            let isPossible = state.givenUpStep != step.step && MicroBatchMessages.canHave(step)
            let members = isPossible ? state.roster.crew(of: shares.count, step: step.step) : nil
            state.crew = members.map { members in
                StageCrew(
                    step: step.step, exchange: exchange,
                    members: members.map { StageCrew.Member(id: $0.id, session: $0.session) },
                    gradientCounts: shares.map {
                        layout.range(ofStage: $0.blocks).count * (step.keepsSums ? step.sums : 1)
                    },
                    targetCounts: step.microBatches.map(\.targetCount))
            }
            return (joining, late, state.crew)
        }
        for (id, session, lateness) in late { tellLate(id, session, lateness) }
        if !joining.isEmpty { sendState(step, to: joining) }
        guard let crew else { return false }
        let digest = step.digest
        for (member, share) in zip(crew.members, shares) {
            for body in StageMessages.order(share, of: step, digest: digest) {
                send(member.id, member.session, body, nil)
            }
        }
        return true
    }

    func send(_ tensor: StageTensor, step: Int) {
        let next = state.withLock { state in state.crew?.step == step ? state.crew?.members.first : nil }
        guard let next else { return }
        for (body, payload) in StageMessages.cut(tensor, step: step) { send(next.id, next.session, body, payload) }
    }

    func collect(_ step: Int, silence: Duration) -> [StageResult]? {
        while true {
            let (isLost, found) = state.withLock { ($0.crew?.isLost ?? true, $0.crew?.complete) }
            if isLost || found != nil { return isLost ? nil : found }
            // Every message of a member is news.
            guard hasNews.wait(for: silence) else { return nil }
        }
    }

    func close(_ step: Int) {
        let lost = state.withLock { state -> StageCrew? in
            defer { state.crew = nil }
            guard let crew = state.crew, crew.complete == nil else { return nil }
            state.givenUpStep = step
            return crew
        }
        if let member = lost?.waitedFor { gaveUp(step, member.id) }
    }

    // MARK: On the thread of the socket.

    /// Does what a member's message leads to.
    func perform(_ action: StageCrew.Action, _ body: Body, frame: Frame?, exchange: StageExchange) {
        switch action {
        case .relay(let member):
            send(member.id, member.session, body, frame)
            exchange.heard()
        case .received(let tensor): exchange.receive(tensor)
        case .heard: exchange.heard()
        case .lost: exchange.giveUp()
        }
    }
}

extension ReplicaGroup.State {
    /// What a member of the crew has sent; nil where no step is under way that it is a stage of.
    mutating func takeOfCrew(
        _ body: Body, _ payloads: [UnsafeRawBufferPointer], from id: String
    ) throws(WireError) -> (StageCrew.Action, StageExchange)? {
        guard let exchange = crew?.exchange, crew?.has(id) == true else { return nil }
        let action: StageCrew.Action?
        switch body {
        case .tensorPiece(let piece): action = try crew?.take(piece, payloads, from: id)
        case .stepPart(let part): action = try crew?.take(part, from: id)
        default: throw .unexpectedMessage(body.name)
        }
        return action.map { ($0, exchange) }
    }
}
