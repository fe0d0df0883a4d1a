import Coordinator
import Device
import Runs
import Worker

/// Shows what a role of a distributed run does: lines that stay for what changes, a status for what goes on.
final class RolePrinter: Sendable {
    let console: Console
    let training: TrainingPrinter

    init(_ console: Console) {
        self.console = console
        training = TrainingPrinter(console, recipePath: "RECIPE")
    }

    /// Nobody answers yet.
    func showWaiting(_ endpoint: String, _ reason: String?) {
        console.status("waiting   no coordinator answers at \(endpoint)" + (reason.map { ": \($0)" } ?? ""))
    }

    /// Shows what a device tells.
    func show(_ news: DeviceRun.News) {
        switch news {
        case .waiting(let endpoint, let reason): showWaiting(endpoint, reason)
        case .ready(let run, let samples, let seconds):
            console.line(
                "ready     \(run), \(Figures.count(samples, "sample"))  (\(Figures.duration(seconds)))")
        case .device(let event): show(event)
        }
    }

    private func show(_ event: DeviceEvent) {
        switch event {
        case .joined(let worker, let settled, let samples):
            console.line("joined    \(worker), which has \(Figures.count(settled)) of \(Figures.count(samples)) samples")
        case .assigned(let cut, let generation, let worker):
            console.line("assigned  cut \(cut), worker \(worker)  (plan \(generation))")
        case .published(let samples, let count):
            let text = "published \(Figures.count(samples)) of \(Figures.count(count)) samples"
            if samples == count { console.line(text) } else { console.status(text) }
        case .waiting(let wait): console.status("waiting   \(text(wait))")
        case .reconnecting(let role): console.line("lost      the connection to the \(role.rawValue); trying again")
        case .refused(let role, let reason): console.line("refused   by the \(role.rawValue): \(reason)")
        case .stopped(let reason): console.line("left      \(reason)")
        }
    }

    private func text(_ wait: DeviceEvent.Wait) -> String {
        switch wait {
        case .assignment: "for a part of the plan"
        case .worker(let id, let reason): "for \(id) to answer" + (reason.map { ": \($0)" } ?? "")
        case .credit: "for credit"
        case .room(let reason): "for room at the worker: \(reason)"
        case .stop: "everything is published; stays until the run ends"
        }
    }
}
