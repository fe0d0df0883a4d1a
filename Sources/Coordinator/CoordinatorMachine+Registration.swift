import Ledger
import Wire

// How devices and workers come in.
extension CoordinatorMachine {
    mutating func answerRecipe(_ role: Body.Role, _ sender: String, session: UInt64) {
        let number = roster.number(of: sender)
        guard (number != nil) == (role == .device) else { return refuse(sender, role, session: session) }
        let recipe = Body.RunRecipe(recipe: settings.recipe, number: UInt32(clamping: number ?? 0))
        actions.append(.send(to: sender, session: session, .runRecipe(recipe)))
    }

    mutating func registered(_ register: Body.Register, _ sender: String, session: UInt64, now: Duration) {
        let number = roster.number(of: sender)
        guard !sender.isEmpty, (number != nil) == (register.role == .device) else {
            return refuse(sender, register.role, session: session)
        }
        if let number {
            deviceRegistered(register, number, session: session, now: now)
        } else {
            workerRegistered(register, sender, session: session, now: now)
        }
    }

    private mutating func deviceRegistered(
        _ register: Body.Register, _ number: Int, session: UInt64, now: Duration
    ) {
        let device = roster.devices[number]
        guard !device.isRevoked else { return reject(device.id, session: session, .notEnrolled(device.id)) }
        if let reason = unfitness(of: device, samples: register.samples) {
            return unfit(device, reason, session: session, now: now)
        }
        let isKnown = device.samples != nil
        roster.devices[number].session = session
        roster.expecting.insert(device.id)
        roster.devices[number].samples = Int(told: register.samples)
        roster.devices[number].memoryBytes = register.memoryBytes > 0 ? Int(told: register.memoryBytes) : nil
        roster.devices[number].lastHeard = now
        roster.devices[number].hasNews = true
        negotiateCodec(register, number)
        balance(roster.devices[number])
        if device.state != .finished || settings.losses != .fail { liveness.heard(device.id, now: now) }
        if device.state != .finished { roster.devices[number].state = .publishing }
        record(.deviceJoined(roster.devices[number].record(run: settings.run)))
        welcome(device.id, samples: roster.devices[number].samples, isKnown: isKnown, wasAway: device.isMissing)
        follow(minor: register.minor, of: device.id)
        guard !tellIfStopping(device.id) else { return }
        if !isKnown { reasons.append("\(device.id) holds \(register.samples) samples") }
        if device.generation == 0 {
            reassigned[number] = "the first assignment"
        } else if reassigned[number] == nil {
            send(.assignment(assignment(of: number)), to: device.id)
        }
    }

    private mutating func workerRegistered(
        _ register: Body.Register, _ id: String, session: UInt64, now: Duration
    ) {
        let known = roster.workers[id]
        guard known?.isRevoked != true else { return reject(id, session: session, .notEnrolled(id)) }
        guard known != nil || roster.workers.count < Self.maximumWorkers else {
            return refuse(id, .worker, session: session)
        }
        var worker = known ?? Roster.Worker(id: id)
        let hasMoved = worker.endpoint != register.endpoint || worker.key != register.endpointKey
        let isLeaving = worker.state == .drained && !worker.hasLeft && id != roster.owner
        worker.session = session
        worker.endpoint = register.endpoint
        worker.key = register.endpointKey
        worker.hasLeft = isLeaving
        if roster.owner == nil { roster.owner = id }
        let isDrainedReplica = worker.state == .draining && roster.pipelines.isHelper(id)
        if !isLeaving, !isDrainedReplica {
            worker.state =
                id != roster.owner
                ? roster.pipelines.isHelper(id) ? .replica : .standby : drain != nil ? .draining : .training
        }
        roster.workers[id] = worker
        roster.expecting.insert(id)
        liveness.heard(id, now: now)
        record(.workerJoined(worker.record(run: settings.run)))
        welcome(id, samples: nil, isKnown: known != nil, wasAway: known?.state == .away || known?.state == .failed)
        follow(minor: register.minor, of: id)
        guard !tellIfStopping(id) else { return }
        if isLeaving { return send(.stop(Body.Stop(reason: "another worker has taken over")), to: id) }
        if id == roster.owner { return ownerRegistered(hasMoved: hasMoved) }
        standbyRegistered(id, isKnown: known != nil, hasMoved: hasMoved)
    }

    private mutating func ownerRegistered(hasMoved: Bool) {
        guard let worker = roster.training else { return }
        if hasMoved {
            reasons.append("\(worker.id) waits at \(worker.endpoint)")
            reassignDevices(of: worker.id, "its worker \(worker.id) waits at \(worker.endpoint)")
        } else {
            sendPlan(to: worker.id)
        }
        if drain != nil { nameSuccessor(again: true) }
    }

    private mutating func standbyRegistered(_ id: String, isKnown: Bool, hasMoved: Bool) {
        if roster.pipelines.isHelper(id) {
            replicaRegistered(id, hasMoved: hasMoved)
            if roster.workers[id]?.state == .draining { send(.drain(Body.Drain()), to: id) }
            return
        }
        guard drain != nil else {
            // It may have been a replica, and another one took its place while it was away.
            return isKnown && roster.pipelines.capacity > 1 ? sendPlan(to: id) : ()
        }
        if drain?.successor == id {
            sendPlan(to: id)
            if hasMoved { tellDrain() }
        } else {
            nameSuccessor(again: false)
        }
    }

    private mutating func welcome(_ id: String, samples: Int?, isKnown: Bool, wasAway: Bool) {
        if !isKnown {
            event(.info, id, samples.map { "registered with \($0) samples" } ?? "registered")
            notify(.registered(id: id, samples: samples))
        } else if wasAway {
            event(.info, id, "is back")
            notify(.returned(id: id))
        }
    }

    /// While a fleet is upgraded, versions differ.
    private mutating func follow(minor: UInt32, of id: String) {
        guard minors[id, default: Envelope.minorVersion] != minor else { return }
        minors[id] = minor
        event(.info, id, "speaks protocol \(Envelope.version(minor: minor))")
        notify(.speaks(id: id, minor: minor))
    }

    /// Whoever comes while the run ends is told so.
    private mutating func tellIfStopping(_ id: String) -> Bool {
        guard case .stopping = phase else { return false }
        send(.stop(Body.Stop(reason: "the run ends")), to: id)
        return true
    }

    /// Somebody who is not part of the plan, or not in this role.
    private mutating func refuse(_ sender: String, _ role: Body.Role, session: UInt64) {
        if role == .worker || roster.workers[sender] != nil {
            return reject(sender, session: session, .wrongRole(sender))
        }
        let names = roster.devices.prefix(20).map(\.id).joined(separator: ", ")
        let more = roster.devices.count > 20 ? " and \(roster.devices.count - 20) more" : ""
        let text = "no device of the run is called \(sender); its devices are \(names)\(more)"
        let body = Body.Reject(sequence: 0, number: WireError.unknownSender(sender).number, text: text)
        actions.append(.send(to: sender, session: session, .reject(body)))
    }

    private mutating func reject(_ sender: String, session: UInt64, _ error: WireError) {
        actions.append(.send(to: sender, session: session, .reject(Body.Reject(sequence: 0, error: error))))
    }

    private func unfitness(of device: Roster.Device, samples: UInt64) -> String? {
        if samples == 0 { return "it has no samples" }
        let limit = WireLimits().deviceSamples
        if samples > limit { return "it states \(samples) samples, at most \(limit) are possible" }
        guard let before = device.samples, before != Int(samples) else { return nil }
        return "it has \(samples) samples now and had \(before) when the run was planned"
    }

    private mutating func unfit(_ device: Roster.Device, _ reason: String, session: UInt64, now: Duration) {
        let error = CoordinatorError.deviceUnfit(device: device.id, reason: reason)
        setState(.failed, ofDevice: device.number)
        guard settings.losses == .wait || (settings.losses == .end && generation == 0) else {
            return failed(error, now: now)
        }
        event(.error, device.id, error.problem)
        let body = Body.Reject(
            sequence: 0, number: WireError.unknownSender(device.id).number, text: "\(error.problem). \(error.remedy)")
        actions.append(.send(to: device.id, session: session, .reject(body)))
        roster.endSession(of: device.id)
        notify(.failed(id: device.id, error))
    }
}

extension Roster.Device {
    /// Whether the run waited for it.
    var isMissing: Bool { state == .away || state == .failed }
}
