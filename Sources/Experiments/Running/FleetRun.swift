import DequeModule
import Methods

/// A method's programs on the devices of a virtual clock: values are real, times are *simulated*.
///
/// Each device and the server handle one event at a time. What a program computes takes its time before what follows it
/// is sent; what arrives meanwhile waits.
struct FleetRun {
    enum Event: Sendable {
        case computed(device: Int, MethodMessage?)
        case left(device: Int)
        case acknowledged(device: Int)
        case arrived(MethodMessage, from: Int)
        case delivered(MethodMessage, to: Int)
        case served(ServerProgramAction?, flops: Double)
        case faded
    }

    private(set) var clock: VirtualClock<Event>
    private(set) var totals: RunTotals
    private let programs: ProgramSet
    private let speed: ServerSpeed
    private var band: SharedBand?
    private var inboxes: [Deque<DeviceProgramEvent>]
    private var serverInbox: Deque<(MethodMessage, Int)> = []
    /// Pieces of work under way.
    private var deviceWork: [Int]
    private var serverWork = 0
    /// Messages that devices have not taken yet.
    private var downloads = 0
    private var isFinished = false

    /// - Parameter ids: of the devices.
    init(
        _ programs: ProgramSet, devices: [VirtualDevice], ids: [String], channel: RadioChannel?, speed: ServerSpeed
    ) {
        self.programs = programs
        self.speed = speed
        clock = VirtualClock(devices: devices)
        totals = RunTotals(devices: ids)
        band = channel.map(SharedBand.init)
        inboxes = devices.map { _ in [] }
        deviceWork = devices.map { _ in 0 }
    }

    /// Runs until the server has finished and devices have taken all that it has sent them.
    ///
    /// - Parameters:
    ///   - shouldStop: asked before every event.
    ///   - completed: called when a step or a round has ended, before the server goes on.
    /// - Throws: `CancellationError`, `ExperimentError.standsStill`, or what a program or `completed` throws.
    mutating func run(shouldStop: () -> Bool, completed: (FleetRun) throws -> Void) throws {
        try perform(handle(.begin))
        try serve()
        while !isFinished || downloads > 0 {
            guard !shouldStop() else { throw CancellationError() }
            guard let event = clock.next() else { throw ExperimentError.standsStill(seconds: clock.now) }
            try take(event, completed)
        }
    }

    private mutating func take(_ event: Event, _ completed: (FleetRun) throws -> Void) throws {
        switch event {
        case .computed(let device, let message):
            deviceWork[device] -= 1
            if let message { upload(message, from: device) }
            try work(device)
        case .left(let device):
            shareBand(device, by: -1)
            // It is kept until the server has said that it is there.
            let seconds = programs.holdsUntilAcknowledged ? 2 * clock.devices[device].latencySeconds : 0
            clock.wake(after: seconds, then: .acknowledged(device: device))
        case .acknowledged(let device):
            inboxes[device].append(.drained)
            try work(device)
        case .arrived(let message, let device):
            if message.kind == .update {
                let seconds = totals.endRound(device, at: clock.now)
                programs.planner?.record(device, seconds: seconds)
            }
            serverInbox.append((message, device))
            try serve()
        case .delivered(let message, let device):
            if message.kind == .adapters { totals.beginRound(device, at: clock.now) }
            inboxes[device].append(.received(message))
            try work(device)
        case .served(let action, let flops):
            serverWork -= 1
            totals.serverFLOPs += flops
            try finish(action, completed)
            try serve()
        case .faded:
            band?.advance(at: clock.now)
            updateRates()
        }
    }

    // MARK: Devices

    /// Lets a device that has nothing under way take what it has received.
    private mutating func work(_ device: Int) throws {
        while deviceWork[device] == 0, let event = inboxes[device].popFirst() {
            if case .received = event { downloads -= 1 }
            var flops = 0.0
            for action in try programs.devices[device].handle(event) {
                switch action {
                case .computed(let work):
                    flops += programs.deviceCosts[device].flops(work)
                    totals.passes += programs.counting.tokens(work)
                case .send(let message):
                    compute(device, flops, message)
                    flops = 0
                }
            }
            if flops > 0 { compute(device, flops, nil) }
        }
    }

    private mutating func compute(_ device: Int, _ flops: Double, _ message: MethodMessage?) {
        deviceWork[device] += 1
        clock.compute(on: device, flops: flops, then: .computed(device: device, message))
    }

    private mutating func upload(_ message: MethodMessage, from device: Int) {
        // Whatever devices still send changes nothing any more.
        guard !isFinished else { return }
        shareBand(device, by: 1)
        let bytes = totals.record(message, device: device, isUp: true)
        clock.upload(
            from: device, bytes: bytes, left: .left(device: device), then: .arrived(message, from: device))
    }

    private mutating func shareBand(_ device: Int, by count: Int) {
        band?.change(device, by: count, at: clock.now)
        updateRates()
    }

    private mutating func updateRates() {
        guard var band else { return }
        band.shares = programs.planner?.shares
        for (device, rate) in band.rates { clock.setUplink(of: device, bytesPerSecond: rate) }
        if let seconds = band.secondsToNextBlock(at: clock.now) { clock.wake(after: seconds, then: .faded) }
        self.band = band
    }

    // MARK: Server

    /// Lets a server that has nothing under way take its next step, or what it has received.
    private mutating func serve() throws {
        while serverWork == 0, !isFinished {
            var actions = try handle(.idle)
            if actions.isEmpty {
                guard let (message, device) = serverInbox.popFirst() else { return }
                actions = try handle(.received(message, from: device))
            }
            try perform(actions)
        }
    }

    private func handle(_ event: ServerProgramEvent) throws -> [ServerProgramAction] {
        programs.planner?.now = clock.now
        return try programs.server.handle(event)
    }

    private mutating func perform(_ actions: [ServerProgramAction]) throws {
        var seconds = 0.0, flops = 0.0
        for action in actions {
            if case .computed(let work) = action {
                seconds += speed.seconds(work, trained: programs.serverTrains)
                flops += programs.serverCosts.flops(work)
                totals.passes += programs.counting.tokens(work)
            } else {
                serve(seconds, .served(action, flops: flops))
                (seconds, flops) = (0, 0)
            }
        }
        if seconds > 0 { serve(seconds, .served(nil, flops: flops)) }
    }

    private mutating func serve(_ seconds: Double, _ event: Event) {
        serverWork += 1
        clock.serve(seconds: seconds, then: event)
    }

    private mutating func finish(_ action: ServerProgramAction?, _ completed: (FleetRun) throws -> Void) throws {
        switch action {
        case .send(let message, let device):
            downloads += 1
            let bytes = totals.record(message, device: device, isUp: false)
            clock.download(to: device, bytes: bytes, then: .delivered(message, to: device))
        case .completed:
            totals.steps += 1
            try completed(self)
        case .finished: isFinished = true
        case .computed, nil: break
        }
    }
}
