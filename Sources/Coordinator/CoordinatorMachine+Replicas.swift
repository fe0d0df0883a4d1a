import Ledger

// Who computes parts of the owner's steps, or walks stages of them.
extension CoordinatorMachine {
    /// Lets those who are there help with the steps: who helps already goes on, others follow by id.
    mutating func chooseHelpers() {
        let before = roster.pipelines
        // The recipe of an earlier coordinator may have had more places.
        guard before.capacity > 1 || roster.workers.values.contains(where: { $0.state == .replica }),
            phase == .gathering || phase == .running
        else { return }
        let there = roster.workers.values.filter { worker in
            guard worker.id != roster.owner, worker.id != drain?.successor, !worker.isRevoked else { return false }
            // One that is not connected goes on when it is back in time.
            switch worker.state {
            case .replica: return true
            // It sends on what it has, and leaves.
            case .draining: return before.isHelper(worker.id)
            case .standby: return worker.session != nil
            default: return false
            }
        }.sorted { $0.id < $1.id }
        roster.pipelines.fill(
            owner: roster.owner, there.map(\.id), leaving: Set(there.filter { $0.state == .draining }.map(\.id)))
        let helpers = roster.pipelines.helpers
        let helped = before.helpers + there.filter { $0.state == .replica }.map(\.id)
        for id in Set(helped).subtracting(helpers).sorted() {
            reasons.append("\(id) does not help with steps any more")
            if roster.workers[id]?.state == .replica { setState(.standby, ofWorker: id) }
        }
        for id in helpers {
            guard let place = roster.pipelines.place(of: id), place != before.place(of: id) else { continue }
            let leader = roster.pipelines.leader(of: id) ?? "the worker that trains"
            reasons.append("\(id) helps with steps as \(place.text)")
            event(.info, id, "is \(place.text): computes parts of the steps of \(leader)")
        }
        for id in helpers where roster.workers[id]?.state == .standby { setState(.replica, ofWorker: id) }
    }

    /// Spreads devices over the workers that take steps, by their samples: nobody moves without need.
    mutating func chooseHomes() {
        guard let owner = roster.owner, phase == .gathering || phase == .running else { return }
        let homes = [owner] + roster.pipelines.helpers.filter { roster.workers[$0]?.state == .replica }
        let devices = roster.devices.filter { $0.samples != nil }
        guard homes.count > 1 || devices.contains(where: { ($0.home ?? $0.worker ?? owner) != owner }) else { return }
        let spread = DeviceSpread(
            devices.map {
                DeviceSpread.Device(
                    number: $0.number, samples: $0.samples ?? 0, home: $0.home ?? $0.worker,
                    isDone: $0.state == .finished)
            }, homes: homes)
        for (number, home) in spread.homes {
            roster.devices[number].home = home
            guard let before = roster.devices[number].worker, before != home else { continue }
            if reassigned[number] == nil { reassigned[number] = "\(home) takes its samples, and not \(before)" }
        }
    }

    /// A replica's address, or that of its leader, has changed: both are told with the next plan, and its devices too.
    mutating func replicaRegistered(_ id: String, hasMoved: Bool) {
        guard hasMoved else { return sendPlan(to: id) }
        let endpoint = roster.workers[id]?.endpoint ?? ""
        reasons.append("\(id) waits at \(endpoint)")
        reassignDevices(of: id, "its worker \(id) waits at \(endpoint)")
    }

    /// The devices of a worker get a new assignment.
    mutating func reassignDevices(of worker: String, _ reason: String) {
        for device in roster.devices where device.samples != nil && device.worker == worker {
            reassigned[device.number] = reason
        }
    }
}
