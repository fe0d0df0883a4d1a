import Balancing
import Experiments
import Testing

/// Fleet, costs and clock together: programs as small as can be, against their closed forms.
@Suite("Methods on a fleet")
struct MethodRoundTests {
    private static let samples = 40

    private static func devices() throws -> [VirtualDevice] {
        var fleet = Fleet()
        fleet.classes = try ["single-board", "phone", "laptop"].map {
            var kind = try #require(Fleet.DeviceClass.builtIn(named: $0))
            kind.count = 2
            return kind
        }
        return VirtualDevice.all(of: fleet, precision: .fp32)
    }

    private static func costs(_ method: ComparedMethod) throws -> MethodCosts {
        let pass = try PassCosts.smallGPT2()
        return MethodCosts(
            method, .init(pass: pass, cut: 3, frozenBlocks: 3, targets: 1, outputs: 2, keptPairs: 4))
    }

    @Test("a FedLoRA round lasts as long as its slowest device computes, sends and receives, and the others are idle")
    func federated() throws {
        let devices = try Self.devices(), costs = try Self.costs(.fedlora)
        let counts: [CostUnit: Int] = [.visit: Self.samples, .round: 1]
        let flops = costs.deviceFlops.total(counts)
        let up = Int(costs.bytes(isUpload: true, counts)), down = Int(costs.bytes(isUpload: false, counts))
        enum Event { case computed(Int), arrived(Int), averaged, updated }
        var clock = VirtualClock<Event>(devices: devices)
        for place in devices.indices { clock.compute(on: place, flops: flops, then: .computed(place)) }
        var arrived = 0
        while let event = clock.next() {
            switch event {
            case .computed(let place): clock.upload(from: place, bytes: up, then: .arrived(place))
            case .arrived:
                arrived += 1
                if arrived == devices.count { clock.serve(seconds: 0.5, then: .averaged) }
            case .averaged: for place in devices.indices { clock.download(to: place, bytes: down, then: .updated) }
            case .updated: break
            }
        }
        let sent = devices.map { flops / $0.flopsPerSecond + Double(up) / $0.uplinkBytesPerSecond + $0.latencySeconds }
        let received = devices.map { Double(down) / $0.downlinkBytesPerSecond + $0.latencySeconds }
        #expect(abs(clock.now - ((sent.max() ?? 0) + 0.5 + (received.max() ?? 0))) < 1e-6)
        for (place, device) in devices.enumerated() {
            let busy = flops / device.flopsPerSecond + Double(up) / device.uplinkBytesPerSecond
            let idle = clock.timeline.idle(place, until: clock.now).reduce(0) { $0 + $1.upperBound - $1.lowerBound }
            let loading = Double(down) / device.downlinkBytesPerSecond
            #expect(abs(idle - (clock.now - busy - loading)) < 1e-6)
            #expect(clock.timeline.track(.up, of: place).amount == Double(up))
        }
    }

    @Test("SplitFrozen's devices compute the next sample while they send: the slower of the two is what their time is")
    func splitFrozen() throws {
        let devices = try Self.devices(), costs = try Self.costs(.splitfrozen)
        let flops = costs.deviceFlops[.sample], bytes = Int(costs.bytes(isUpload: true, [.sample: 1]))
        var clock = VirtualClock<(isComputed: Bool, place: Int)>(devices: devices)
        for place in devices.indices {
            for _ in 0..<Self.samples { clock.compute(on: place, flops: flops, then: (true, place)) }
        }
        var last = Array(repeating: 0.0, count: devices.count)
        while let event = clock.next() {
            if event.isComputed {
                clock.upload(from: event.place, bytes: bytes, then: (false, event.place))
            } else {
                last[event.place] = clock.now
            }
        }
        for (place, device) in devices.enumerated() {
            let compute = flops / device.flopsPerSecond, send = Double(bytes) / device.uplinkBytesPerSecond
            let expected = compute + send + Double(Self.samples - 1) * max(compute, send) + device.latencySeconds
            #expect(abs(last[place] - expected) < 1e-6)
            #expect(clock.timeline.track(.down, of: place).seconds == 0)
        }
    }
}
