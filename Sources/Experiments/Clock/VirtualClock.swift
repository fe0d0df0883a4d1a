import Balancing

/// *Simulated* time of a method's run: computing takes operations ÷ rate of the device, a message takes bytes ÷ current
/// rate + latency, the server its measured seconds. Values and gradients are real; only the time is not.
///
/// A program asks for work and takes what is done, one event after another:
///
/// ```swift
/// clock.compute(on: 3, flops: 2e9, then: .forwardDone(3))
/// while let event = clock.next() { … }
/// ```
///
/// Each device has a processor, an uplink and a downlink, and each of them does one thing after another, in the order in
/// which it was asked; the server likewise. Outside its windows a device's three pause. Latency is the network's: it
/// passes meanwhile, and holds nothing up. The same calls give the same run.
public struct VirtualClock<Event: Sendable>: Sendable {
    private enum Occurrence: Sendable {
        case ended(lane: Int, prediction: Int)
        case delivered(Event)
        case slowed(device: Int)
    }

    /// The devices, by place.
    public let devices: [VirtualDevice]
    /// Seconds from the begin to the last event.
    public private(set) var now = 0.0
    /// What is done so far.
    public private(set) var timeline: Timeline
    /// Events that are still to come. When `next` gives nil and there are some, their links stand still.
    public private(set) var outstanding = 0
    private var queue = EventQueue<Occurrence>()
    private var lanes: [Lane<Event>]

    /// A clock at 0.
    public init(devices: [VirtualDevice]) {
        self.devices = devices
        timeline = Timeline(devices: devices.count)
        lanes =
            devices.flatMap { device in
                [device.flopsPerSecond, device.uplinkBytesPerSecond, device.downlinkBytesPerSecond]
                    .map { Lane(rate: $0, availability: device.availability) }
            } + [Lane(rate: 1, availability: Availability())]
        for (place, device) in devices.enumerated() where device.slowAt.isFinite {
            queue.schedule(.slowed(device: place), at: device.slowAt)
        }
    }

    /// A device computes; the event comes when it is done.
    public mutating func compute(on device: Int, flops: Double, then event: Event) {
        add(.init(amount: flops, event: event), to: Timeline.lane(.compute, of: device))
    }

    /// A device sends to the server; the event comes when the server has everything.
    ///
    /// - Parameter left: comes when the device has sent everything.
    public mutating func upload(from device: Int, bytes: Int, left: Event? = nil, then event: Event) {
        add(message(bytes, device, left: left, event), to: Timeline.lane(.up, of: device))
    }

    /// The server sends to a device; the event comes when the device has everything.
    public mutating func download(to device: Int, bytes: Int, then event: Event) {
        add(message(bytes, device, event), to: Timeline.lane(.down, of: device))
    }

    /// The server works for so many seconds, as measured; the event comes when it is done.
    public mutating func serve(seconds: Double, then event: Event) {
        add(.init(amount: seconds, event: event), to: lanes.count - 1)
    }

    /// The event comes after so many seconds, whatever else happens: a time limit, or the channel's next block.
    public mutating func wake(after seconds: Double, then event: Event) {
        outstanding += 1
        queue.schedule(.delivered(event), at: now + max(0, seconds))
    }

    /// From now on a device's uplink carries so many bytes a second, also of the message that is on it.
    ///
    /// - Parameter bytesPerSecond: at least 0; at 0 nothing moves.
    public mutating func setUplink(of device: Int, bytesPerSecond: Double) {
        change(Timeline.lane(.up, of: device), rate: bytesPerSecond)
    }

    /// Advances to the next event. Nil when none can come any more.
    public mutating func next() -> Event? {
        while outstanding > 0, let (time, occurrence) = queue.next() {
            switch occurrence {
            case .delivered(let event):
                now = time
                outstanding -= 1
                return event
            case .slowed(let device):
                now = time
                let lane = Timeline.lane(.compute, of: device)
                change(lane, rate: lanes[lane].rate / devices[device].slowFactor)
            case .ended(let lane, let prediction):
                guard lanes[lane].prediction == prediction else { continue }
                now = time
                if let event = end(lane) { return event }
            }
        }
        return nil
    }

    /// The first job of a lane is done: its event, unless that has still to travel.
    private mutating func end(_ lane: Int) -> Event? {
        let began = lanes[lane].began
        guard let job = lanes[lane].finish(at: now) else { return nil }
        timeline.add(job.amount, lanes[lane].availability.stretches(from: began, to: now), lane: lane)
        predict(lane)
        guard job.latencySeconds == 0, job.left == nil else {
            queue.schedule(.delivered(job.event), at: now + job.latencySeconds)
            if job.left != nil { outstanding -= 1 }
            return job.left
        }
        outstanding -= 1
        return job.event
    }

    private func message(_ bytes: Int, _ device: Int, left: Event? = nil, _ event: Event) -> Lane<Event>.Job {
        .init(amount: Double(bytes), latencySeconds: devices[device].latencySeconds, left: left, event: event)
    }

    private mutating func add(_ job: Lane<Event>.Job, to lane: Int) {
        precondition(job.amount >= 0 && job.amount.isFinite, "an amount of work")
        outstanding += job.left == nil ? 1 : 2
        if lanes[lane].add(job, at: now) { predict(lane) }
    }

    private mutating func change(_ lane: Int, rate: Double) {
        precondition(rate >= 0 && rate.isFinite, "a rate")
        lanes[lane].change(rate: rate, at: now)
        predict(lane)
    }

    private mutating func predict(_ lane: Int) {
        guard let end = lanes[lane].predictedEnd() else { return }
        queue.schedule(.ended(lane: lane, prediction: lanes[lane].prediction), at: end)
    }
}
