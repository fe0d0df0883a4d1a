import Balancing
import Foundation
import Randomness

/// Uplinks over the air: path loss, Rayleigh block fading, and a bandwidth that devices share.
///
/// In block t, device n has the ratio of signal to noise SNR_n · g_n(t), with g exponentially distributed with mean 1,
/// the power of a Rayleigh amplitude. With the share β_n of the bandwidth W it sends β_n W log₂(1 + SNR_n g_n(t)) bits
/// a second (Shannon). A device sends with the same power in every hertz that it has, so that its ratio does not
/// depend on its share (as in arXiv 2505.00333). Blocks and devices are independent; the downlink does not fade.
public struct RadioChannel: Sendable {
    /// The bandwidth of all together.
    public let bandwidthHertz: Double
    /// The time for which fading stays as it is.
    public let blockSeconds: Double
    /// The mean ratio of signal to noise of each device, as a factor.
    public let meanSNR: [Double]
    private let seed: UInt64

    /// A channel of devices with these mean ratios.
    public init(bandwidthHertz: Double, blockSeconds: Double, meanSNR: [Double], seed: UInt64) {
        precondition(bandwidthHertz > 0 && blockSeconds > 0 && meanSNR.allSatisfy { $0 > 0 }, "a channel")
        self.bandwidthHertz = bandwidthHertz
        self.blockSeconds = blockSeconds
        self.meanSNR = meanSNR
        self.seed = seed
    }

    /// A fleet's channel; nil when it has no radio, or a class without a distance.
    public init?(_ fleet: Fleet) {
        guard let bandwidth = fleet.radio.bandwidthHertz else { return nil }
        var ratios: [Double] = []
        for kind in fleet.classes {
            guard let metres = kind.distanceMetres else { return nil }
            ratios += Array(repeating: fleet.radio.meanSNR(metres: metres), count: kind.count)
        }
        self.init(
            bandwidthHertz: bandwidth, blockSeconds: fleet.radio.blockSeconds, meanSNR: ratios, seed: fleet.seed)
    }

    /// The block in which a time lies.
    public func block(at seconds: Double) -> Int { Int((seconds / blockSeconds).rounded(.down)) }

    /// Seconds from a time to the next block.
    public func secondsToNextBlock(from seconds: Double) -> Double {
        max(0, Double(block(at: seconds) + 1) * blockSeconds - seconds)
    }

    /// g of a device in a block: always the same for the same seed.
    public func powerGain(of device: Int, block: Int) -> Double {
        var generator = SeededGenerator(seed: seed, stream: "radio/\(device)/\(block)")
        return -log(1 - generator.uniform())
    }

    /// Bits a second for each hertz in a block.
    public func efficiency(of device: Int, block: Int) -> Double {
        log2(1 + meanSNR[device] * powerGain(of: device, block: block))
    }

    /// Bytes a second of every device in a block.
    ///
    /// - Parameter shares: of the bandwidth, one for each device, none negative, at most 1 together.
    public func bytesPerSecond(block: Int, shares: [Double]) -> [Double] {
        precondition(shares.count == meanSNR.count && shares.allSatisfy { $0 >= 0 }, "a share for each device")
        precondition(shares.reduce(0, +) <= 1 + 1e-9, "no more bandwidth than there is")
        return shares.enumerated().map { device, share in
            share == 0 ? 0 : share * bandwidthHertz * efficiency(of: device, block: block) / 8
        }
    }

    /// The mean of `efficiency` over all blocks, in closed form: e^(1/SNR) E₁(1/SNR) / ln 2 (Alouini and Goldsmith, 1999).
    public func meanEfficiency(of device: Int) -> Double {
        scaledExponentialIntegral(1 / meanSNR[device]) / log(2)
    }
}

extension Fleet.Radio {
    /// The mean ratio of signal to noise at a distance, as a factor: the reference, times (d₀/d)^exponent.
    public func meanSNR(metres: Double) -> Double {
        pow(10, referenceSNRDecibels / 10) * pow(referenceMetres / metres, pathLossExponent)
    }
}
