/// One message without its payload: who sends it, for which run, and what it says.
public struct Envelope: Sendable, Equatable {
    /// The major version of the contract, the only one that this side speaks.
    public static let protocolVersion: UInt32 = 1

    /// The minor version: one more for whatever is added. The other side may speak any.
    public static let minorVersion: UInt32 = 2

    /// Major and minor version as people write them.
    ///
    /// - Parameter minor: of whoever speaks, in this major version.
    public static func version(minor: UInt32) -> String { "\(protocolVersion).\(minor)" }

    /// The run the message belongs to.
    public var run: String

    /// The device, worker or coordinator that sends it.
    public var sender: String

    /// 1 when the message is first sent, one more each time it is sent again.
    public var attempt: UInt32

    /// The conversation it belongs to, drawn anew by the side that connects whenever it introduces itself; 0 for none.
    public var session: UInt64

    /// What it says.
    public var body: Body

    /// A message in the current protocol version. Ids are texts without NUL.
    public init(run: String, sender: String, attempt: UInt32 = 1, session: UInt64 = 0, body: Body) {
        self.session = session
        self.run = run
        self.sender = sender
        self.attempt = attempt
        self.body = body
    }
}
