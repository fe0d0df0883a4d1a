import Balancing
import Foundation
import Testing

@testable import Experiments

@Suite("The radio channel")
struct RadioChannelTests {
    private static let seed: UInt64 = 62
    private static let blocks = 0..<40_000
    private static let channel = RadioChannel(
        bandwidthHertz: 1e6, blockSeconds: 0.5, meanSNR: [0.1, 1, 10, 1000], seed: seed)

    @Test(
        "the integral agrees with tables, on both sides of where series and fraction meet",
        arguments: [
            (0.01, 4.037929576538114), (0.1, 1.822923958419391), (1, 0.219383934395520), (2, 0.048900510708061),
            (10, 4.156968929685324e-6),
        ])
    func integral(_ x: Double, _ expected: Double) {
        #expect(abs(scaledExponentialIntegral(x) * exp(-x) / expected - 1) < 1e-10)
    }

    @Test("the integral is continuous, and finite where E₁ underflows")
    func integralEverywhere() {
        #expect(abs(scaledExponentialIntegral(1) / scaledExponentialIntegral(1.000000000001) - 1) < 1e-10)
        #expect(abs(scaledExponentialIntegral(1e6) * 1e6 - 1) < 1e-5)
    }

    @Test("the mean rate over many blocks is e^(1/SNR) E₁(1/SNR) / ln 2 within 2 %", arguments: 0..<4)
    func ergodic(_ device: Int) {
        let sum = Self.blocks.reduce(0) { $0 + Self.channel.efficiency(of: device, block: $1) }
        #expect(abs(sum / Double(Self.blocks.count) / Self.channel.meanEfficiency(of: device) - 1) < 0.02)
    }

    @Test("a rate is missed as often as 1 − exp(−(2^rate − 1)/SNR) says", arguments: [0.1, 0.5, 1, 4])
    func outage(_ rate: Double) {
        let count = Double(Self.blocks.count)
        for device in 0..<4 {
            let missed = Self.blocks.count { Self.channel.efficiency(of: device, block: $0) < rate }
            let expected = 1 - exp(-(pow(2, rate) - 1) / Self.channel.meanSNR[device])
            let deviation = (expected * (1 - expected) / count).squareRoot()
            #expect(abs(Double(missed) / count - expected) < 4 * deviation + 1 / count)
        }
    }

    @Test("fading stays within a block, and says nothing of the next one or of another device")
    func coherence() {
        let channel = Self.channel
        #expect(channel.block(at: 0.49) == 0 && channel.block(at: 0.5) == 1 && channel.block(at: 7.3) == 14)
        #expect(abs(channel.secondsToNextBlock(from: 7.3) - 0.2) < 1e-9)
        let gains = (0..<2).map { device in Self.blocks.map { channel.powerGain(of: device, block: $0) } }
        #expect(gains[0][5] == channel.powerGain(of: 0, block: 5) && Set(gains[0]).count == Self.blocks.count)
        let pairs = [
            Array(zip(gains[0], gains[0].dropFirst())), Array(zip(gains[0], gains[1])),
        ]
        for pair in pairs {
            // Gains have mean and variance 1, so that this mean is their correlation.
            let correlation = pair.reduce(0) { $0 + ($1.0 - 1) * ($1.1 - 1) } / Double(pair.count)
            #expect(abs(correlation) < 4 / Double(pair.count).squareRoot())
        }
        let other = RadioChannel(bandwidthHertz: 1e6, blockSeconds: 0.5, meanSNR: [1], seed: Self.seed + 1)
        #expect(other.powerGain(of: 0, block: 5) != gains[0][5])
    }

    @Test("shares divide the bandwidth: rates are proportional to them, and a device without a share sends nothing")
    func shares() {
        let channel = Self.channel
        let rates = channel.bytesPerSecond(block: 9, shares: [0.5, 0.25, 0, 0.25])
        let alone = (0..<4).map { device in
            channel.bytesPerSecond(block: 9, shares: (0..<4).map { $0 == device ? 1 : 0 })[device]
        }
        #expect(rates[2] == 0 && abs(rates[0] / alone[0] - 0.5) < 1e-12 && abs(rates[3] / alone[3] - 0.25) < 1e-12)
        #expect(abs(alone[1] - 1e6 * channel.efficiency(of: 1, block: 9) / 8) < 1e-6)
    }

    @Test("a fleet's distances give the mean ratios: ten times as far is 35 dB less at an exponent of 3.5")
    func pathLoss() throws {
        var fleet = Fleet()
        fleet.radio.bandwidthHertz = 2e6
        fleet.classes = [(2, 100.0), (1, 1000)].map {
            var kind = Fleet.DeviceClass()
            (kind.count, kind.distanceMetres) = $0
            return kind
        }
        let channel = try #require(RadioChannel(fleet))
        let decibels = channel.meanSNR.map { 10 * log10($0) }
        #expect(zip(decibels, [20, 20, -15]).allSatisfy { abs($0 - $1) < 1e-9 })
        fleet.classes[1].distanceMetres = nil
        #expect(RadioChannel(fleet) == nil)
    }

    @Test("on the clock, a message takes the blocks that its fading demands, and never more bits than they carry")
    func fading() {
        let channel = Self.channel
        var clock = VirtualClock<Int>(devices: [
            .init(name: "d", flopsPerSecond: 1, uplinkBytesPerSecond: 0, downlinkBytesPerSecond: 0)
        ])
        clock.upload(from: 0, bytes: 100_000, then: -1)
        clock.wake(after: 0, then: 0)
        while let block = clock.next(), block >= 0 {
            clock.setUplink(of: 0, bytesPerSecond: channel.bytesPerSecond(block: block, shares: [1, 0, 0, 0])[0])
            clock.wake(after: channel.blockSeconds, then: block + 1)
        }
        let last = channel.block(at: clock.now)
        let capacity = (0...last).map { channel.bytesPerSecond(block: $0, shares: [1, 0, 0, 0])[0] * 0.5 }
        #expect(capacity.reduce(0, +) >= 100_000 && capacity.dropLast().reduce(0, +) < 100_000)
    }
}
