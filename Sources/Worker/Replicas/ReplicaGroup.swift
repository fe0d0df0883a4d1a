import Diagnostics
import Dispatch
import Methods
import Queueing
import Synchronization
import Tensors
import Wire

/// A leader's replicas: gives them parts of its steps, and takes what they computed. To its later stages, a replica is a
/// leader as well.
///
/// Steps are taken on one thread, messages come on another. No step ever depends on a replica: what does not come in time
/// is computed by the leader, to the same bits.
final class ReplicaGroup: StepSharing {
    /// Sends a message to a replica.
    typealias Send = @Sendable (_ replica: String, _ session: UInt64, Body, Frame?) -> Void

    /// Tells that a replica is given nothing more before it introduces itself again.
    typealias TellLate = @Sendable (_ replica: String, _ session: UInt64, ReplicaRoster.Lateness) -> Void

    struct State {
        var roster = ReplicaRoster()
        fileprivate var order: Order?
        /// Who walks the later stages of the step under way.
        var crew: StageCrew?
        /// The last step whose stages were given up: what comes of it may still be under way.
        var givenUpStep: Int?
        fileprivate var ownSeconds: Double?
        /// Of the step under way.
        fileprivate var microBatches = 0
        /// Of all steps that were taken.
        fileprivate var allMicroBatches = 0
        /// That each replica delivered in time.
        fileprivate var delivered: [String: Int] = [:]
    }

    /// What was given away of the step under way.
    fileprivate struct Order {
        let step: Int
        /// The micro-batches and sums of each replica that has not delivered.
        var open: [String: (microBatches: [Int], sums: [Int])]
        var assemblies: [String: TensorAssembly] = [:]
        var sums: [String: [(number: Int, values: Storage)]] = [:]
        var parts: [(id: String, part: SharedPart)] = []
        /// What trains, in numbers.
        let parameters: Int
        /// Of each micro-batch of the step.
        let targetCounts: [Int]
        let began: ContinuousClock.Instant
        /// Micro-batches that were not given away.
        let ownCount: Int
    }

    let state = Mutex(State())
    let hasNews = NewsSignal()
    private let width: Int
    private let sendNow: Send
    let tellLate: TellLate
    let gaveUp: @Sendable (_ step: Int, _ replica: String) -> Void

    /// - Parameters:
    ///   - width: of the model.
    ///   - send: called on any thread.
    ///   - tellLate: called on the thread of the steps.
    ///   - gaveUp: called when a step's stages were given up, with the one that was waited for.
    init(
        width: Int, send: @escaping Send, tellLate: @escaping TellLate,
        gaveUp: @escaping @Sendable (_ step: Int, _ replica: String) -> Void = { _, _ in }
    ) {
        self.width = width
        sendNow = send
        self.tellLate = tellLate
        self.gaveUp = gaveUp
    }

    // MARK: On any thread.

    /// Micro-batches of all steps so far, and of these, those that replicas computed.
    var counts: (all: Int, replicas: [String: Int]) { state.withLock { ($0.allMicroBatches, $0.delivered) } }

    func send(_ id: String, _ session: UInt64, _ body: Body, _ payload: Frame?) {
        if let payload { state.withLock { $0.roster.handedOver(payload.count, to: id, session: session) } }
        sendNow(id, session, body, payload)
    }

    // MARK: On the thread of the socket.

    /// These are later stages, in their order, as long as they are here.
    func arrange(stages: [String]) { state.withLock { $0.roster.stages = stages } }

    /// A payload has left the queue for a replica.
    func sent(_ bytes: Int, to id: String, session: UInt64) {
        state.withLock { $0.roster.sent(bytes, to: id, session: session) }
    }

    /// A replica has introduced itself: it gets the state with the next step.
    func joined(_ id: String, session: UInt64) {
        state.withLock { $0.roster.joined(id, session: session) }
        forget(id)
    }

    /// A replica has gone.
    func left(_ id: String) {
        state.withLock { $0.roster.left(id) }
        forget(id)
    }

    /// A replica sent a piece of a sum of gradients, or what its part came to; or a stage something for another one.
    ///
    /// - Parameter frame: of the payload, to be sent on.
    /// - Throws: `WireError`; the leader computes the part itself.
    func received(
        _ body: Body, _ payloads: [UnsafeRawBufferPointer], frame: Frame? = nil, from id: String, session: UInt64
    ) throws(WireError) {
        do throws(WireError) {
            let ofCrew = try state.withLock { state throws(WireError) in
                guard state.roster.isMember(id, session: session) else { throw .unknownSession }
                let ofCrew = try state.takeOfCrew(body, payloads, from: id)
                switch body {
                case .tensorPiece(let piece):
                    if ofCrew == nil { try state.order?.take(piece, payloads, from: id) }
                case .stepPart(let part): try state.take(part, from: id)
                default: throw .unexpectedMessage(body.name)
                }
                return ofCrew
            }
            if let (action, exchange) = ofCrew { perform(action, body, frame: frame, exchange: exchange) }
            hasNews.signal()
        } catch {
            left(id)
            throw error
        }
    }

    /// Nobody waits for it any more.
    private func forget(_ id: String) {
        let exchange = state.withLock { state -> StageExchange? in
            state.order?.open[id] = nil
            state.order?.assemblies[id] = nil
            guard state.crew?.has(id) == true else { return nil }
            state.crew?.lose()
            return state.crew?.exchange
        }
        exchange?.giveUp()
        hasNews.signal()
    }

    // MARK: On the thread of the steps.

    func begin(_ step: SharedStep) throws -> [Int] {
        let (joining, late, parts) = state.withLock { state in
            // What a step that failed has given away is given away anew.
            state.order = nil
            let (joining, late) = state.roster.begin(step.step)
            let parts =
                MicroBatchMessages.canHave(step)
                ? state.roster.divide(step.sums, step: step.step, ownSeconds: state.ownSeconds) : []
            state.order = parts.isEmpty ? nil : Order(step, parts)
            state.microBatches = step.microBatches.count
            return (joining, late, parts)
        }
        for (id, session, lateness) in late { tellLate(id, session, lateness) }
        if !joining.isEmpty { sendState(step, to: joining) }
        guard !parts.isEmpty else { return [] }
        let digest = step.digest
        for (id, session, sums) in parts {
            try order(step.microBatches(of: sums), of: step, digest: digest) { send(id, session, $0, $1) }
        }
        return parts.flatMap(\.sums)
    }

    func collect(_ step: Int, within limit: Duration) -> [SharedPart] {
        let deadline = ContinuousClock.now + limit
        state.withLock { state in
            guard let order = state.order else { return }
            state.ownSeconds = (ContinuousClock.now - order.began) / .seconds(1) / Double(max(1, order.ownCount))
        }
        while true {
            let isDone = state.withLock { $0.order?.open.isEmpty ?? true }
            let left = deadline - .now
            guard !isDone, left > .zero else { break }
            _ = hasNews.wait(for: left)
        }
        return state.withLock { state in
            guard let order = state.order else { return [] }
            state.order = nil
            for (id, part) in order.parts { state.delivered[id, default: 0] += part.results.count }
            return order.parts.map(\.part)
        }
    }

    func ended(_ step: Int, gradient: Matrix) {
        let replicas = state.withLock { state in
            state.allMicroBatches += state.microBatches
            return state.roster.active
        }
        guard !replicas.isEmpty else { return }
        let copy = gradient.copied()
        for (id, session) in replicas {
            for (body, payload) in TensorPieces.cut(copy, kind: .gradient, step: step, index: 0) {
                send(id, session, body, payload)
            }
        }
    }

    func replaced() {
        for (id, session, lateness) in state.withLock({ $0.roster.replaced() }) { tellLate(id, session, lateness) }
    }

    func sendState(_ step: SharedStep, to replicas: [(id: String, session: UInt64)]) {
        for (index, state) in step.state.enumerated() {
            let copy = state.values.flat.copied()
            for (id, session) in replicas {
                for (body, payload) in TensorPieces.cut(copy, kind: .state, step: step.step - 1, index: index) {
                    send(id, session, body, payload)
                }
            }
        }
    }

    private func order(
        _ numbers: [Int], of step: SharedStep, digest: UInt64, send: (Body, Frame?) -> Void
    ) throws {
        let firstSequences = step.firstSequences
        let order = Body.StepOrder(
            step: UInt64(step.step), sums: UInt32(step.sums),
            microBatches: numbers.map {
                Body.OrderedMicroBatch(number: UInt32($0), firstSequence: UInt32(firstSequences[$0]))
            }, lossScale: step.lossScale, digest: digest)
        send(.stepOrder(order), nil)
        for number in numbers {
            let microBatch = step.microBatches[number]
            for (body, payload) in try MicroBatchMessages.cut(microBatch, number: number, width: width) {
                send(body, payload)
            }
        }
    }
}

extension ReplicaGroup.State {
    /// What somebody's part came to, after all its sums.
    fileprivate mutating func take(_ part: Body.StepPart, from id: String) throws(WireError) {
        guard let step = Int(exactly: part.step), part.seconds.isFinite, part.seconds >= 0 else {
            throw .unexpectedMessage("StepPart of no step")
        }
        let seconds = part.seconds / Double(max(1, part.correct.count))
        // Late parts tell how fast somebody is, and nothing else.
        guard roster.delivered(id, step: step, seconds: seconds), let open = order?.open[id], order?.step == step else {
            return
        }
        guard order?.sums[id]?.count == open.sums.count else {
            throw .unexpectedMessage("StepPart without all of its sums")
        }
        let results = try part.results(ofTargets: open.microBatches.map { order?.targetCounts[$0] ?? 0 })
        let sums = order?.sums[id] ?? []
        order?.parts.append((id, SharedPart(sums: sums, results: Array(zip(open.microBatches, results)))))
        order?.open[id] = nil
    }
}

extension ReplicaGroup.Order {
    /// What these are given of a step.
    fileprivate init(_ step: SharedStep, _ parts: [ReplicaRoster.Part]) {
        self.step = step.step
        open = [:]
        for (id, _, sums) in parts { open[id] = (step.microBatches(of: sums), sums) }
        parameters = step.state[0].values.layout.count
        targetCounts = step.microBatches.map(\.targetCount)
        began = .now
        ownCount = step.microBatches.count - open.values.reduce(0) { $0 + $1.microBatches.count }
    }

    /// A piece of somebody's sums, which come one after another. Those of an earlier step come too late.
    fileprivate mutating func take(
        _ piece: Body.TensorPiece, _ payloads: [UnsafeRawBufferPointer], from id: String
    ) throws(WireError) {
        // Those of a stage that was given up come too late as well.
        let isPossible = open[id] == nil ? piece.kind != .state && piece.kind != .gradient : piece.kind == .sum
        guard isPossible, piece.step <= UInt64(step) else { throw .unexpectedMessage("TensorPiece") }
        guard piece.step == UInt64(step), let open = open[id] else { return }
        let done = sums[id, default: []].count
        guard done < open.sums.count, Int(piece.index) == open.sums[done] else {
            throw .unexpectedMessage("TensorPiece of a sum that was not ordered")
        }
        var assembly: TensorAssembly
        if let begun = assemblies[id] {
            assembly = begun
        } else {
            assembly = try TensorAssembly(piece, count: parameters)
        }
        try assembly.take(piece, payloads)
        assemblies[id] = assembly.isComplete ? nil : assembly
        if assembly.isComplete { sums[id, default: []].append((open.sums[done], assembly.values)) }
    }
}
