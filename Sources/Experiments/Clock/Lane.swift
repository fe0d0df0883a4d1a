import Balancing
import DequeModule

/// Something that does one piece of work after another: a processor, an uplink, a downlink, the server.
struct Lane<Event: Sendable>: Sendable {
    struct Job: Sendable {
        /// Operations, bytes, or seconds of the server.
        let amount: Double
        /// From the end of the work to the event.
        let latencySeconds: Double
        /// Comes at the end of the work, where somebody wants to know of it beside the event.
        let left: Event?
        let event: Event

        init(amount: Double, latencySeconds: Double = 0, left: Event? = nil, event: Event) {
            self.amount = amount
            self.latencySeconds = latencySeconds
            self.left = left
            self.event = event
        }
    }

    let availability: Availability
    /// Amount a second, at least 0.
    private(set) var rate: Double
    /// Counts the predictions of an end. Only the newest counts: a changed rate makes earlier ones wrong.
    private(set) var prediction = 0
    private(set) var jobs = Deque<Job>()
    /// When the first job began.
    private(set) var began = 0.0
    private var remaining = 0.0
    /// `remaining` is of this time.
    private var knownAt = 0.0

    init(rate: Double, availability: Availability) {
        self.rate = rate
        self.availability = availability
    }

    /// Takes a job. True when the lane was idle: then it begins at once.
    mutating func add(_ job: Job, at now: Double) -> Bool {
        jobs.append(job)
        guard jobs.count == 1 else { return false }
        begin(at: now)
        return true
    }

    /// The first job is done; the next one begins.
    mutating func finish(at now: Double) -> Job? {
        let job = jobs.popFirst()
        begin(at: now)
        return job
    }

    /// What is left of the first job goes on at another rate.
    mutating func change(rate: Double, at now: Double) {
        remaining = max(0, remaining - self.rate * availability.seconds(from: knownAt, to: now))
        knownAt = now
        self.rate = rate
    }

    /// When the first job ends unless the rate changes; nil without a job, or while nothing moves.
    mutating func predictedEnd() -> Double? {
        prediction += 1
        guard !jobs.isEmpty, rate > 0 || remaining == 0 else { return nil }
        return availability.end(of: remaining == 0 ? 0 : remaining / rate, from: knownAt)
    }

    private mutating func begin(at now: Double) {
        began = now
        knownAt = now
        remaining = jobs.first?.amount ?? 0
    }
}
