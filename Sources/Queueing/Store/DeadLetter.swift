import Foundation

/// A message that was given up after it was refused too often: enough of it to find out why.
public struct DeadLetter: Sendable, Hashable {
    /// Bytes of the header that are kept.
    public static let headerLimit = 64 << 10

    /// The device's id.
    public let deviceID: String
    /// The device's number in the run's plan.
    public let device: UInt32
    /// The message's number.
    public let sequence: UInt64
    /// The protocol error number of the last refusal.
    public let errorNumber: UInt32
    /// What was wrong, in words.
    public let error: String
    /// When it was given up, to the millisecond.
    public let date: Date
    /// The first bytes of the message's header as they came.
    public let header: [UInt8]

    /// A message that is given up now or at `date`. Of the header, `headerLimit` bytes are kept.
    public init(
        deviceID: String, device: UInt32, sequence: UInt64, errorNumber: UInt32, error: String, date: Date = Date(),
        header: [UInt8]
    ) {
        self.deviceID = deviceID
        self.device = device
        self.sequence = sequence
        self.errorNumber = errorNumber
        self.error = error
        self.date = Date(millisecondsSince1970: date.millisecondsSince1970)
        self.header = Array(header.prefix(Self.headerLimit))
    }
}

extension Date {
    /// Dates are kept as whole milliseconds. A date beyond them is kept as 1970.
    var millisecondsSince1970: Int64 { Int64(exactly: (timeIntervalSince1970 * 1000).rounded()) ?? 0 }

    init(millisecondsSince1970 milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}
