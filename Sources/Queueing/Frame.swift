import CZeroMQ

/// One part of a message: bytes that ZeroMQ, or an owner of ours, holds.
///
/// Unchecked, because a frame is handed on, never shared while it changes: any number of threads may read it, and
/// only the thread of a socket sends it, once, when nobody reads it any more.
public final class Frame: @unchecked Sendable {
    let message: UnsafeMutablePointer<zmq_msg_t>
    private(set) var isSent = false

    /// An empty frame, to be received into.
    init() {
        message = .allocate(capacity: 1)
        zmq_msg_init(message)
    }

    /// A frame with a copy of some bytes: right for headers.
    public init(_ bytes: [UInt8]) {
        message = .allocate(capacity: 1)
        precondition(zmq_msg_init_size(message, bytes.count) == 0, "no memory for a frame of \(bytes.count) bytes")
        if let target = zmq_msg_data(message) {
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: target, count: $0.count).copyMemory(from: $0) }
        }
    }

    /// A frame that shows an owner's bytes without a copy: right for payloads.
    ///
    /// The owner is kept until the bytes are with the receiver or on the network, and released on any thread. Its
    /// bytes must not move or change until then.
    public init(owner: any AnyObject & Sendable, bytes: UnsafeRawBufferPointer) {
        message = .allocate(capacity: 1)
        let hold = Unmanaged.passRetained(owner as AnyObject)
        let status = zmq_msg_init_data(
            message, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
            { _, hold in
                if let hold { Unmanaged<AnyObject>.fromOpaque(hold).release() }
            }, hold.toOpaque())
        precondition(status == 0, "no memory for a frame")
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// How many bytes there are. A frame that was sent has none left.
    public var count: Int { zmq_msg_size(message) }

    /// Lends the bytes, which live as long as the frame and are not copied.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withExtendedLifetime(self) { () throws(Failure) in try body(buffer) }
    }

    /// A copy of the bytes: right for headers.
    public var bytes: [UInt8] { withBytes { Array($0) } }

    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: zmq_msg_data(message), count: count) }

    /// What ZeroMQ knows of the connection that a received frame came by.
    func property(_ name: String) -> String? { zmq_msg_gets(message, name).map { String(cString: $0) } }

    /// Gives the bytes to ZeroMQ as a part of a message.
    ///
    /// - Returns: whether ZeroMQ took them; if not, they are still here.
    func send(on socket: UnsafeMutableRawPointer, flags: Int32) -> Bool {
        precondition(!isSent, "a frame can be sent once; make a new one from its owner to send it again")
        while zmq_msg_send(message, socket, flags) < 0 {
            guard zmq_errno() == EINTR else { return false }
        }
        isSent = true
        return true
    }
}

extension Collection where Element == Frame {
    /// Lends the bytes of several frames at once, without a copy.
    public func withBytes<Result, Failure: Error>(
        _ body: ([UnsafeRawBufferPointer]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withExtendedLifetime(self) { () throws(Failure) in try body(map(\.buffer)) }
    }
}
