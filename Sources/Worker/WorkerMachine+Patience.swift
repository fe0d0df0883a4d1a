extension WorkerMachine {
    /// Whether something is under way that needs no coordinator.
    var isBusy: Bool {
        if case .checkpointing = phase { return true }
        let isBeginning = hasBegun && schedule == nil && history == nil
        return !isIdle || isAdopting || isBeginning
    }
}
