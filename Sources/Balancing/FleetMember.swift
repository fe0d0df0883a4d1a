import Foundation
import Randomness

/// One device of a fleet, with what chance gave it. The same seed gives the same device, whatever plays it.
public struct FleetMember: Sendable {
    /// The class's name and the device's number in it.
    public let id: String
    /// The class's place in the fleet.
    public let kind: Int
    /// How many times longer than its class's it computes.
    public let secondsFactor: Double
    /// How many times faster than its class's its uplink is.
    public let uplinkFactor: Double
    /// When it is there.
    public let availability: Availability
    /// From then on it computes slower, by the class's factor; infinity when it never does.
    public let slowAt: Double
    /// For what varies in the course of a run.
    let generator: SeededGenerator

    init(_ kind: Int, number: Int, of fleet: Fleet) {
        let parent = fleet.classes[kind]
        var generator = SeededGenerator(seed: fleet.seed, stream: "fleet/\(parent.name)-\(number)")
        self.kind = kind
        id = "\(parent.name)-\(number)"
        secondsFactor = exp(parent.spread * generator.normal())
        uplinkFactor = exp(parent.spread * generator.normal())
        let joinsAt = parent.lateSeconds * generator.uniform()
        let isAway = generator.uniform() < parent.awayShare
        availability = Availability(
            windows: parent.windows, periodSeconds: parent.windowPeriodSeconds, joinsAt: joinsAt,
            away: isAway ? parent.awayAfterSeconds..<(parent.awayAfterSeconds + parent.awaySeconds) : nil)
        slowAt = generator.uniform() < parent.slowShare ? parent.slowAfterSeconds : .infinity
        self.generator = generator
    }
}

extension Fleet {
    /// Every device, class by class.
    public var members: [FleetMember] {
        classes.indices.flatMap { kind in
            (0..<classes[kind].count).map { FleetMember(kind, number: $0 + 1, of: self) }
        }
    }
}
