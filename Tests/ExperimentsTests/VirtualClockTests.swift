import Balancing
import Experiments
import Randomness
import Testing

@Suite("The virtual clock")
struct VirtualClockTests {
    private static let seed: UInt64 = 61

    private func device(
        flops: Double = 100, up: Double = 10, down: Double = 20, latency: Double = 0,
        _ change: (inout VirtualDevice) -> Void = { _ in }
    ) -> VirtualDevice {
        var device = VirtualDevice(
            name: "d", flopsPerSecond: flops, uplinkBytesPerSecond: up, downlinkBytesPerSecond: down,
            latencySeconds: latency)
        change(&device)
        return device
    }

    /// Runs to the end: each event and its time.
    private func events<Event>(_ clock: inout VirtualClock<Event>) -> [(time: Double, event: Event)] {
        var found: [(Double, Event)] = []
        while let event = clock.next() { found.append((clock.now, event)) }
        return found
    }

    @Test("one device's step is computing, uplink, server and downlink one after another, with a latency each way")
    func oneDevice() {
        var clock = VirtualClock<String>(devices: [device(latency: 0.25)])
        clock.compute(on: 0, flops: 300, then: "computed")
        var times: [Double] = []
        while let event = clock.next() {
            times.append(clock.now)
            switch event {
            case "computed": clock.upload(from: 0, bytes: 50, then: "arrived")
            case "arrived": clock.serve(seconds: 1.5, then: "served")
            case "served": clock.download(to: 0, bytes: 40, then: "updated")
            default: break
            }
        }
        #expect(times == [3, 8.25, 9.75, 12])
        let timeline = clock.timeline
        #expect(timeline.track(.compute, of: 0).spans == [0..<3] && timeline.track(.compute, of: 0).amount == 300)
        #expect(timeline.track(.up, of: 0).spans == [3..<8] && timeline.track(.up, of: 0).amount == 50)
        #expect(timeline.server.spans == [8.25..<9.75] && timeline.track(.down, of: 0).spans == [9.75..<11.75])
        #expect(timeline.busy(0) == [0..<8, 9.75..<11.75])
        #expect(timeline.idle(0, until: 12) == [8..<9.75, 11.75..<12])
        #expect(timeline.joules(0, watts: 2) == 20)
    }

    @Test("who asks is told when a message has left, a latency before it arrives")
    func left() {
        for latency in [0.0, 0.5] {
            var clock = VirtualClock<String>(devices: [device(latency: latency)])
            clock.upload(from: 0, bytes: 50, left: "left", then: "arrived")
            #expect(clock.outstanding == 2)
            #expect(events(&clock).map(\.event) == ["left", "arrived"])
            #expect(clock.now == 5 + latency && clock.outstanding == 0)
        }
    }

    @Test("messages that are computed while others are sent overlap: first both, then the slower of the two")
    func overlaps() {
        for (flops, bytes) in [(100.0, 30), (400, 20), (200, 20)] {
            var clock = VirtualClock<Int>(devices: [device(latency: 0.5)])
            for message in 0..<7 { clock.compute(on: 0, flops: flops, then: message) }
            var arrived: [Int] = []
            while let event = clock.next() {
                if event < 100 {
                    clock.upload(from: 0, bytes: bytes, then: 100 + event)
                } else {
                    arrived.append(event - 100)
                }
            }
            let compute = flops / 100, send = Double(bytes) / 10
            #expect(abs(clock.now - (compute + send + 6 * max(compute, send) + 0.5)) < 1e-9)
            #expect(arrived == Array(0..<7))
        }
    }

    @Test("a round of many devices ends with its slowest, and the server then begins")
    func round() {
        var generator = SeededGenerator(seed: Self.seed, stream: "round")
        for _ in 0..<20 {
            let devices = (0..<9).map { _ in
                device(
                    flops: 1 + 100 * generator.uniform(), up: 1 + 10 * generator.uniform(),
                    latency: generator.uniform())
            }
            var clock = VirtualClock<Int>(devices: devices)
            for place in devices.indices { clock.compute(on: place, flops: 500, then: place) }
            var arrived = 0
            while let event = clock.next() {
                if event < 9 {
                    clock.upload(from: event, bytes: 77, then: 9)
                } else if event == 9 {
                    arrived += 1
                    if arrived == 9 { clock.serve(seconds: 2, then: 10) }
                }
            }
            let slowest =
                devices.map {
                    500 / $0.flopsPerSecond + 77 / $0.uplinkBytesPerSecond + $0.latencySeconds
                }.max() ?? 0
            #expect(abs(clock.now - (slowest + 2)) < 1e-9)
        }
    }

    @Test("outside its windows a device neither computes nor sends, and goes on where it was")
    func windows() {
        var clock = VirtualClock<String>(devices: [
            device { $0.availability = Availability(windows: [.init(from: 0, to: 10)], periodSeconds: 20) }
        ])
        clock.compute(on: 0, flops: 2500, then: "computed")
        clock.upload(from: 0, bytes: 120, then: "sent")
        let found = events(&clock)
        #expect(found.map(\.time) == [22, 45] && found.map(\.event) == ["sent", "computed"])
        #expect(clock.timeline.track(.compute, of: 0).spans == [0..<10, 20..<30, 40..<45])
        #expect(clock.timeline.track(.up, of: 0).spans == [0..<10, 20..<22])
        #expect(clock.timeline.idle(0, until: 50) == [10..<20, 30..<40, 45..<50])
    }

    @Test("a changed rate counts from then on, also for the message on the link; at 0 nothing arrives")
    func rates() {
        var clock = VirtualClock<String>(devices: [device(up: 10)])
        clock.upload(from: 0, bytes: 100, then: "arrived")
        clock.wake(after: 4, then: "faster")
        clock.wake(after: 5, then: "stop")
        clock.wake(after: 9, then: "go on")
        var times: [String: Double] = [:]
        while let event = clock.next() {
            times[event] = clock.now
            let rates = ["faster": 30.0, "stop": 0, "go on": 15]
            if let rate = rates[event] { clock.setUplink(of: 0, bytesPerSecond: rate) }
        }
        // 40 bytes in 4 s, 30 in the fifth, the other 30 in 2 s more.
        #expect(times["arrived"] == 11)

        clock.setUplink(of: 0, bytesPerSecond: 0)
        clock.upload(from: 0, bytes: 1, then: "never")
        #expect(clock.next() == nil && clock.outstanding == 1)
    }

    @Test("a device that becomes slower takes the rest of its work so many times longer")
    func slower() {
        var clock = VirtualClock<Int>(devices: [
            device {
                $0.slowAt = 2
                $0.slowFactor = 4
            }
        ])
        clock.compute(on: 0, flops: 500, then: 1)
        #expect(clock.next() == 1 && clock.now == 14)
    }

    @Test("what happens at the same time comes in the order in which it was asked for")
    func ties() {
        var clock = VirtualClock<Int>(devices: (0..<5).map { _ in device() })
        for place in [3, 1, 4, 0, 2] { clock.compute(on: place, flops: 200, then: place) }
        clock.wake(after: 2, then: 5)
        #expect(events(&clock).map(\.event) == [3, 1, 4, 0, 2, 5])
    }

    /// A program of random work: devices come and go, links change.
    private func random(_ draw: Int) -> (clock: VirtualClock<Int>, log: [String], excess: Double) {
        var generator = SeededGenerator(seed: Self.seed, stream: "random/\(draw)")
        let devices = (0..<4).map { _ in
            let windows = [Availability.Window(from: 0, to: 3 + 5 * generator.uniform()), .init(from: 9, to: 11)]
            return device(flops: 10 + 90 * generator.uniform(), up: 5, latency: generator.uniform()) {
                $0.availability = Availability(
                    windows: generator.uniform() < 0.5 ? windows : [], periodSeconds: 12,
                    joinsAt: 5 * generator.uniform(), away: generator.uniform() < 0.5 ? 20..<30 : nil)
            }
        }
        var clock = VirtualClock<Int>(devices: devices)
        var changes = devices.map { [(time: 0.0, rate: $0.uplinkBytesPerSecond)] }
        var sent = Array(repeating: 0.0, count: 4), excess = -Double.infinity
        var log: [String] = []
        for place in 0..<4 {
            for _ in 0..<10 { clock.compute(on: place, flops: 200 * generator.uniform(), then: place) }
            for step in 0..<20 { clock.wake(after: Double(step) * 3.7 + generator.uniform(), then: 10 + place) }
        }
        while let event = clock.next() {
            log.append("\(event) at \(clock.now)")
            let place = event % 10
            if event < 10 {
                clock.upload(from: place, bytes: 20, then: 20 + place)
            } else if event < 20 {
                let rate = Double(Int.random(in: 0...3, using: &generator)) * 4 + 0.5
                clock.setUplink(of: place, bytesPerSecond: rate)
                changes[place].append((clock.now, rate))
            } else {
                sent[place] += 20
                let ends = changes[place].dropFirst().map(\.time) + [clock.now]
                let most = zip(changes[place], ends).reduce(0) { sum, part in
                    sum + part.0.rate * devices[place].availability.seconds(from: part.0.time, to: part.1)
                }
                excess = max(excess, sent[place] - most)
            }
        }
        return (clock, log, excess)
    }

    @Test("no link ever carried more than rate times the time in which its device was there, and everything arrives")
    func conserves() {
        for draw in 0..<30 {
            let (clock, log, excess) = random(draw)
            #expect(excess < 1e-6, "draw \(draw)")
            #expect(clock.outstanding == 0 && log.count == 4 * 40)
            for place in 0..<4 {
                let compute = clock.timeline.track(.compute, of: place)
                let most = compute.seconds * clock.devices[place].flopsPerSecond
                #expect(abs(compute.amount - most) < 1e-6 * most)
                #expect(clock.timeline.track(.up, of: place).amount == 200)
                let idle = clock.timeline.idle(place, until: clock.now) + clock.timeline.busy(place)
                let covered = idle.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
                #expect(abs(covered - max(clock.now, clock.timeline.busy(place).last?.upperBound ?? 0)) < 1e-6)
            }
        }
    }

    @Test("the same calls give the same run, and time never goes back")
    func repeats() {
        let (first, second) = (random(3), random(3))
        #expect(first.log == second.log && first.clock.timeline == second.clock.timeline)
        let times = first.log.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
        #expect(times == times.sorted() && times.count == first.log.count)
    }

    @Test("a fleet's devices have its classes' figures, and of a precision that says nothing those of four bytes")
    func fleet() throws {
        var board = try #require(Fleet.DeviceClass.builtIn(named: "single-board"))
        (board.count, board.spread, board.downlinkBytesPerSecond) = (2, 0, nil)
        var module = try #require(Fleet.DeviceClass.builtIn(named: "jetson"))
        (module.count, module.spread) = (1, 0)
        var fleet = Fleet()
        fleet.classes = [board, module]
        let devices = VirtualDevice.all(of: fleet, precision: .bf16)
        #expect(devices.map(\.name) == ["single-board-1", "single-board-2", "jetson-1"])
        #expect(devices.map(\.flopsPerSecond) == [22.9e9, 22.9e9, 1228e9])
        #expect(devices[0].downlinkBytesPerSecond == devices[0].uplinkBytesPerSecond)
        #expect(devices[2].downlinkBytesPerSecond > devices[2].uplinkBytesPerSecond)
        #expect(devices[2].latencySeconds == 0.021 / 2)
        fleet.classes[0].spread = 0.2
        let drawn = VirtualDevice.all(of: fleet, precision: .fp32)
        #expect(drawn[0].flopsPerSecond != drawn[1].flopsPerSecond)
        #expect(drawn == VirtualDevice.all(of: fleet, precision: .fp32))
    }
}
