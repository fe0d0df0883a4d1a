import Balancing

/// What the virtual clock knows of a device.
public struct VirtualDevice: Sendable, Equatable {
    /// Its name in reports.
    public var name: String
    /// Floating-point operations a second.
    public var flopsPerSecond: Double
    /// Payload bytes a second.
    public var uplinkBytesPerSecond: Double
    /// Payload bytes a second.
    public var downlinkBytesPerSecond: Double
    /// From its link's end to the server, or from the server to its link.
    public var latencySeconds: Double
    /// It computes and sends at no other time.
    public var availability: Availability
    /// From then on it computes `slowFactor` times longer; infinity for never.
    public var slowAt: Double
    /// At least 1.
    public var slowFactor: Double
    /// What it draws while it computes or sends, nil when nobody knows.
    public var watts: Double?

    /// A device that is there all the time unless something else is said.
    public init(
        name: String, flopsPerSecond: Double, uplinkBytesPerSecond: Double, downlinkBytesPerSecond: Double,
        latencySeconds: Double = 0, availability: Availability = .init(), slowAt: Double = .infinity,
        slowFactor: Double = 1, watts: Double? = nil
    ) {
        self.name = name
        self.flopsPerSecond = flopsPerSecond
        self.uplinkBytesPerSecond = uplinkBytesPerSecond
        self.downlinkBytesPerSecond = downlinkBytesPerSecond
        self.latencySeconds = latencySeconds
        self.availability = availability
        self.slowAt = slowAt
        self.slowFactor = slowFactor
        self.watts = watts
    }

    /// A fleet's devices, class by class.
    ///
    /// - Parameter precision: of the numbers that devices compute with; a class that does not say its FLOP/s never
    ///   computes, and `FleetFile` refuses it.
    public static func all(of fleet: Fleet, precision: Fleet.Precision) -> [VirtualDevice] {
        fleet.members.map { member in
            let kind = fleet.classes[member.kind]
            let uplink = kind.uplinkBytesPerSecond * member.uplinkFactor
            let downlink = kind.downlinkBytesPerSecond.map { $0 * member.uplinkFactor }
            return VirtualDevice(
                name: member.id, flopsPerSecond: (kind.flopsPerSecond(precision) ?? 0) / member.secondsFactor,
                uplinkBytesPerSecond: uplink, downlinkBytesPerSecond: downlink ?? uplink,
                latencySeconds: kind.roundTripSeconds / 2, availability: member.availability, slowAt: member.slowAt,
                slowFactor: kind.slowFactor, watts: kind.watts)
        }
    }
}
