extension WorkerMachine {
    /// Whether something is under way that needs no coordinator.
    var isBusy: Bool {
        if case .checkpointing = phase { return true }
        return !isIdle || isAdopting || isPreparing
    }
}
