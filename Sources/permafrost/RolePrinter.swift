import Coordinator
import Device
import Diagnostics
import Gateway
import Logging
import Logs
import Runs
import Wire
import Worker

/// Shows what a role of a distributed run does: lines that stay for what changes, a status for what goes on. Everything
/// goes through the role's log, which knows of each event what it is called and holds.
final class RolePrinter: Sendable {
    let console: RoleLog
    let training: TrainingPrinter

    init(_ console: RoleLog) {
        self.console = console
        training = TrainingPrinter(console, recipePath: "RECIPE")
    }

    /// Of what is no more than information, the rest.
    private static let levels: [String: Logger.Level] = [
        "refused": .warning, "plan_refused": .warning, "replica_refused": .warning, "reconnecting": .warning,
        "coordinator_away": .warning, "away": .warning, "skipped": .warning, "store_full": .warning,
        "replica_late": .warning, "replica_behind": .warning, "stage_given_up": .warning, "damaged": .warning,
        "unavailable": .warning, "dead_letter": .error, "failed": .error,
    ]

    /// Logs an event with the lines that `show` prints.
    private func log(_ event: some Sendable, _ show: () -> Void) {
        console.event(event, level: { Self.levels[$0] ?? .info }, show: show)
    }

    /// Nobody answers yet.
    private func showWaiting(_ endpoint: String, _ reason: String?) {
        console.status("waiting   no coordinator answers at \(endpoint)" + (reason.map { ": \($0)" } ?? ""))
    }

    /// Shows what a device tells.
    func show(_ news: DeviceRun.News) { log(news) { text(news) } }

    private func text(_ news: DeviceRun.News) {
        switch news {
        case .invited(let run): console.set(run: run)
        case .waiting(let endpoint, let reason): showWaiting(endpoint, reason)
        case .over(let reason): console.line("left      \(reason)")
        case .prepared(let news): training.show(news)
        case .ready(let run, let samples, let seconds):
            console.line(
                "ready     \(run), \(Figures.count(samples, "sample"))  (\(Figures.duration(seconds)))")
        case .device(let event): show(event)
        }
    }

    private func show(_ event: DeviceEvent) {
        switch event {
        case .joined(let worker, let settled, let samples):
            console.line(
                "joined    \(worker), which has \(Figures.count(settled)) of \(Figures.count(samples)) samples")
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

    /// Shows what a worker tells.
    func show(_ news: WorkerRun.News) { log(news) { text(news) } }

    private func text(_ news: WorkerRun.News) {
        switch news {
        case .invited(let run): console.set(run: run)
        case .waiting(let endpoint, let reason): showWaiting(endpoint, reason)
        case .over(let reason): console.line("left      \(reason)")
        case .skipped(let checkpoint, let error): console.line("skipped   \(checkpoint): \(error.problem)")
        case .run(let event): training.show(event)
        case .worker(let event): show(event)
        }
    }

    private func show(_ event: WorkerEvent) {
        switch event {
        case .joined(let endpoint): console.line("joined    the coordinator; devices reach this worker at \(endpoint)")
        case .coordinatorAway(let reason): console.line("lost      the coordinator: \(reason); trying again")
        case .planned(let generation, let devices, let known):
            console.line("plan \(generation)    \(Figures.count(known)) of \(Figures.count(devices, "device")) known")
        case .planRefused(let generation, let reason): console.line("refused   plan \(generation): \(reason)")
        case .deviceArrived(let device): console.line("arrived   \(device)")
        case .storeFull(let problem): console.line("full      \(problem): devices wait until there is room")
        case .storeHasRoom: console.line("room      devices go on")
        case .deadLetter(let device, let sequence, let problem):
            console.line("dead      message \(sequence) of \(device): \(problem); see 'permafrost queue dead'")
        case .damaged(let device, let sequence, let problem):
            console.line("damaged   message \(sequence) of \(device): \(problem); its device is asked again")
        case .refused(let notice): console.line("\(notice)")
        case .following(let leader): console.line("replica   of \(leader): computes parts of its steps")
        case .computed(let step, let count):
            console.status("step \(step)  computed \(Figures.count(count)) of its micro-batches")
        case .followed: break
        case .replicaArrived(let id): console.line("replica   \(id) computes parts of the steps")
        case .replicaLate(let id, let step):
            console.line("late      \(id) owes its part of step \(step), which was computed here; it has to begin anew")
        case .replicaBehind(let id, let bytes):
            let size = Figures.bytes(Double(bytes))
            console.line("late      \(id) has not read \(size) of messages: it gets nothing more before it begins anew")
        case .replicaRefused(let id, let problem):
            console.line("refused   what \(id) computed: \(problem); it is computed here, and \(id) begins anew")
        case .stageGivenUp(let step, let id):
            console.line("stages    of step \(step) were given up, waiting for \(id); it is computed here")
        case .draining: console.line("draining  no more messages are taken")
        case .handingOver(let done, let count):
            console.status("handover  \(Figures.count(done)) of \(Figures.count(count)) messages and pieces")
        case .tookOver(let messages, let step):
            console.line("took over \(Figures.count(messages, "message")), after step \(Figures.count(step))")
        case .left(let outcome): console.line("left      \(outcome)")
        case .trainingBegan, .stepped, .finished, .figures: break
        }
    }

    /// Shows what a gateway tells.
    func show(_ event: GatewayEvent) { log(event) { text(event) } }

    private func text(_ event: GatewayEvent) {
        switch event {
        case .listening(let address): console.line("listening \(address)")
        case .opened(let client, let destination): console.line("opened    \(client) to \(destination.printable)")
        case .closed(let client, let destination, let seconds):
            console.line("closed    \(client) to \(destination.printable)  (\(Figures.duration(seconds)))")
        case .refused(let client, let destination, let reason, let problem):
            let place = destination.map { " to \($0.printable)" } ?? ""
            console.line("refused   \(client)\(place): \(problem ?? Self.text(reason))")
        }
    }

    private static func text(_ reason: GatewayRefusal) -> String {
        switch reason {
        case .notAllowed: "that is none of --allow"
        case .unreachable: "it cannot be reached"
        case .malformed: "it does not ask for a connection by SOCKS 5 without a password"
        case .unfinished: "it has not said where it wants to go"
        case .full: "there are as many connections as there may be"
        }
    }

    /// Shows what a coordinator tells.
    func show(_ news: CoordinatorRun.News) { log(news) { text(news) } }

    private func text(_ news: CoordinatorRun.News) {
        switch news {
        case .listening(let endpoint): console.line("listening \(endpoint)")
        case .run(let event): show(event)
        case .completed(let totals): console.line("completed \(Figures.count(Int(clamping: totals.steps), "step"))")
        }
    }

    private func show(_ event: CoordinatorEvent) {
        switch event {
        case .registered(let id, let samples):
            console.line("here      \(id.printable)" + (samples.map { ", \(Figures.count($0, "sample"))" } ?? ""))
        case .speaks(let id, let minor):
            console.line(
                "version   \(id.printable) speaks protocol \(Envelope.version(minor: minor)), this coordinator "
                    + Envelope.version(minor: Envelope.minorVersion))
        case .began: console.line("training  everybody is here")
        case .deviceProgress(_, let progress) where progress.publishedSamples == 0: break
        case .deviceProgress(let device, let progress):
            console.status("published \(Figures.count(Int(clamping: progress.publishedSamples))) samples of \(device)")
        case .step(let report):
            console.status(
                "step \(report.step)  epoch \(report.epoch)  loss \(Figures.decimal(report.loss, 4))  "
                    + (report.accuracy.isNaN ? "" : "acc \(Figures.decimal(report.accuracy, 2))"))
        case .planned(let generation, let reason): console.line("plan \(generation)    \(reason)")
        case .away(let id, let reason): console.line("away      \("\(id): \(reason)".printable); the run waits for it")
        case .returned(let id): console.line("back      \(id)")
        case .failed(let id, let error):
            console.line("failed    \("\(id): \(error.problem)".printable)\n          → \(error.remedy.printable)")
        case .refused(let notice): console.line("\(notice)")
        case .draining(let worker, let successor):
            console.line("draining  \(worker)" + (successor.map { "; \($0) takes over" } ?? "; nobody stands by"))
        case .handedOver(let from, let to): console.line("handover  \(from) to \(to): done")
        case .lingering(let ids, let seconds):
            let names = ids.prefix(5).joined(separator: ", ") + (ids.count > 5 ? " and \(ids.count - 5) more" : "")
            console.line("ended     stays up to \(Figures.duration(seconds)) until these have heard of it: \(names)")
        case .staying(let outcome):
            let end =
                switch outcome {
                case .completed(let totals): "complete after \(Figures.count(Int(clamping: totals.steps), "step"))"
                case .interrupted, .left: "stopped"
                case .failed(let error, _): "failed: \(error.problem.printable)"
                }
            console.line("ended     \(end); stays until it is stopped")
        }
    }
}
