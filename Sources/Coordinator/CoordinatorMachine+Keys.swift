import Ledger

// Who is let in, as the operator says.
extension CoordinatorMachine {
    /// Keys were enrolled or revoked. The worker learns the devices' keys with the next plan.
    mutating func keysChanged(_ keys: [KeyRecord]) -> [Action] {
        var changed: [String] = []
        for key in keys {
            let isRevoked = key.revoked != nil
            switch (key.role, roster.number(of: key.id)) {
            case (.device, let number?):
                let device = roster.devices[number]
                guard device.key != key.publicKey || device.isRevoked != isRevoked else { continue }
                roster.devices[number].key = key.publicKey
                roster.devices[number].isRevoked = isRevoked
                changed.append(key.id)
                if isRevoked, !device.isRevoked {
                    shutOut(key.id)
                    setState(.failed, ofDevice: number)
                }
            case (.worker, nil) where roster.workers[key.id] != nil && roster.workers[key.id]?.isRevoked != isRevoked:
                roster.workers[key.id]?.isRevoked = isRevoked
                guard isRevoked else { continue }
                shutOut(key.id)
                setState(.failed, ofWorker: key.id)
            default: continue
            }
        }
        if let first = changed.first {
            reasons.append(
                changed.count == 1 ? "the key of \(first) has changed" : "\(changed.count) keys have changed")
        }
        defer { actions = [] }
        return actions
    }

    private mutating func shutOut(_ id: String) {
        roster.endSession(of: id)
        liveness.forget(id)
        roster.expecting.remove(id)
        event(.warning, id, "its key was revoked")
    }
}
