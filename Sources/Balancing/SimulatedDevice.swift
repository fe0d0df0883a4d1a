import Foundation
import Randomness

/// A device on the virtual clock: it computes its messages one after another and sends each as soon as its own credit
/// allows, while it computes the next.
struct SimulatedDevice {
    let id: String
    let kind: Int
    let messages: Int
    let samples: Int
    let groupSize: Int
    let tokensPerSample: Double
    let secondsPerBlockToken: Double
    let uplinkBytesPerSecond: Double
    let roundTripSeconds: Double
    let bytesPerToken: Double
    /// Nothing is computed or sent outside.
    let availability: Availability
    /// From then on it computes slower, by a factor.
    let slowAt: Double
    let slowFactor: Double

    var cut: Int {
        didSet { totals.cut = cut }
    }
    var creditBytes = 0
    /// Payload bytes that are not acknowledged.
    var pendingBytes = 0
    /// Messages that were handed to the wire.
    var sent = 0
    /// Whether the next message is computed and waits for credit.
    var waitsForCredit = false
    /// The cut of the message that is computed or waits.
    private(set) var computedCut = 0
    /// When its last message so far was stored.
    var lastArrival = 0.0
    /// What the device reports.
    private(set) var totals = BalancePolicy.DeviceTotals()
    private var wireFreeAt = 0.0
    private var noise: SeededGenerator

    init(_ member: FleetMember, of fleet: Fleet, cut: Int) {
        let parent = fleet.classes[member.kind]
        kind = member.kind
        id = member.id
        samples = parent.samples
        groupSize = max(1, fleet.publishBatch)
        messages = (parent.samples + groupSize - 1) / groupSize
        tokensPerSample = parent.tokensPerSample
        secondsPerBlockToken = member.secondsFactor / parent.blockTokensPerSecond
        uplinkBytesPerSecond = parent.uplinkBytesPerSecond * member.uplinkFactor
        roundTripSeconds = parent.roundTripSeconds
        bytesPerToken = fleet.model.bytesPerToken
        availability = member.availability
        slowAt = member.slowAt
        slowFactor = parent.slowFactor
        self.cut = cut
        totals.cut = cut
        noise = member.generator
    }

    /// Samples that the server has.
    var publishedSamples: Int { totals.publishedSamples }

    /// Samples of a message.
    func samples(of message: Int) -> Int { min(groupSize, samples - message * groupSize) }

    /// Tokens of a message.
    func tokens(of message: Int) -> Double { Double(samples(of: message)) * tokensPerSample }

    /// Payload bytes of a message.
    func bytes(of message: Int) -> Int { Int(tokens(of: message) * bytesPerToken) }

    /// Whether a message of so many bytes may be sent. One that is larger than the whole credit goes alone, in parts.
    func maySend(_ bytes: Int) -> Bool { pendingBytes == 0 || pendingBytes + bytes <= creditBytes }

    /// A message is in the server's store.
    mutating func acknowledged(_ message: Int) {
        pendingBytes -= bytes(of: message)
        totals.publishedSamples += samples(of: message)
        totals.publishedTokens += tokens(of: message)
    }

    /// When the next message is computed, if that begins now.
    mutating func computing(from now: Double, deviation: Double) -> Double {
        let tokens = tokens(of: sent)
        computedCut = cut
        let factor = exp(deviation * noise.normal()) * (now >= slowAt ? slowFactor : 1)
        let seconds = tokens * Double(cut) * secondsPerBlockToken * factor
        totals.computeSeconds += seconds
        totals.blockTokens += tokens * Double(cut)
        return availability.end(of: seconds, from: now)
    }

    /// When a message that is handed to the wire now has arrived.
    mutating func sending(_ message: Int, from now: Double, deviation: Double) -> Double {
        let bytes = Double(bytes(of: message))
        let seconds = bytes / uplinkBytesPerSecond * exp(deviation * noise.normal())
        wireFreeAt = availability.end(of: seconds, from: max(wireFreeAt, now))
        totals.uplinkBytesPerSecond = bytes / seconds
        totals.roundTripSeconds = roundTripSeconds
        return wireFreeAt + roundTripSeconds / 2
    }
}
