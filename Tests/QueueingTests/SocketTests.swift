import Dispatch
import Foundation
import Queueing
import Testing
import Wire

@Suite("Sockets", .timeLimit(.minutes(1)))
struct SocketTests {
    /// A frame that shows memory nobody else holds.
    private func frame(count: Int, released: WakeSignal) -> Frame {
        let memory = Slab(count: count, released: released)
        return Frame(owner: memory, bytes: memory.bytes)
    }

    @Test(
        "a payload reaches the other side and its owner is released", arguments: ["inproc://zero", "tcp://127.0.0.1:*"])
    func zeroCopy(endpoint: String) throws {
        let context = try ZeroMQContext()
        let released = try WakeSignal()
        let (router, dealer) = try pair(context, endpoint)
        let count = 300_000
        #expect(try dealer.send([Frame([1, 2]), frame(count: count, released: released)]))
        let message = try #require(try next(router))
        #expect(message.frames.map(\.count) == [2, count])
        message.frames[1].withBytes { bytes in
            #expect(bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0) })
        }
        if endpoint.hasPrefix("inproc") {
            // Within a process the receiver reads the very memory of the sender.
            #expect(!released.drain())
        }
        _ = consume message
        #expect(try isSignalled(released))
    }

    @Test("a payload that is never sent is released too")
    func unsent() throws {
        let released = try WakeSignal()
        _ = frame(count: 10, released: released)
        #expect(released.drain())
    }

    @Test("a received frame can be read on another thread after its socket is closed")
    func handedOver() throws {
        let context = try ZeroMQContext()
        let (router, dealer) = try pair(context, "tcp://127.0.0.1:*")
        #expect(try dealer.send([Frame([UInt8](repeating: 7, count: 100_000))]))
        let frame = try #require(try next(router)).frames[0]
        router.close()
        dealer.close()
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            #expect(frame.withBytes { $0.count == 100_000 && $0.allSatisfy { $0 == 7 } })
            done.signal()
        }
        #expect(done.wait(timeout: .now() + 30) == .success)
    }

    @Test(
        "each side counts the bytes of headers and payloads, and not the routing id",
        arguments: ["inproc://count", "tcp://127.0.0.1:*"])
    func counters(endpoint: String) throws {
        let context = try ZeroMQContext()
        let (router, dealer) = try pair(context, endpoint)
        #expect(try dealer.send([Frame([1, 2, 3]), Frame([UInt8](repeating: 0, count: 50))]))
        let message = try #require(try next(router))
        let peer = try #require(message.peer)
        #expect(peer == PeerIdentity("device-1"))
        #expect(try router.send([Frame([9])], to: peer))
        _ = try #require(try next(dealer))
        #expect(dealer.bytesSent == 53 && dealer.bytesReceived == 1)
        #expect(router.bytesSent == 1 && router.bytesReceived == 53)
    }

    @Test("frames beyond the limit are dropped and counted, and the next message is whole")
    func excess() throws {
        let context = try ZeroMQContext()
        let (router, dealer) = try pair(context, "inproc://excess")
        #expect(try dealer.send((0..<20).map { Frame([UInt8($0)]) }))
        #expect(try dealer.send([Frame([77])]))
        let message = try #require(try next(router))
        #expect(message.frames.map(\.bytes) == (0..<8).map { [UInt8($0)] })
        #expect(message.excessFrames == 12)
        #expect(try #require(try next(router)).frames.map(\.bytes) == [[77]])
        #expect(router.bytesReceived == 21)
    }

    @Test("sending to somebody who is not there says so and leaves the socket usable")
    func unreachable() throws {
        let context = try ZeroMQContext()
        let (router, dealer) = try pair(context, "inproc://unreachable")
        let stranger = PeerIdentity("device-9")
        #expect(throws: TransportError.peerUnreachable(endpoint: "inproc://unreachable", peer: stranger)) {
            try router.send([Frame([1])], to: stranger)
        }
        #expect(try router.send([Frame([2])], to: PeerIdentity("device-1")))
        #expect(try #require(try next(dealer)).frames[0].bytes == [2])
    }

    @Test("when too many messages wait, the next one is not taken and can be sent later")
    func highWaterMark() throws {
        let context = try ZeroMQContext()
        var options = SocketOptions(identity: PeerIdentity("device-1"))
        options.highWaterMark = 2
        let (router, dealer) = try pair(context, "inproc://full", options: options)
        var sent = 0
        while sent < 100, try dealer.send([Frame([UInt8(sent)]), Frame([0])]) { sent += 1 }
        #expect(sent == 4)
        let waiting = [Frame([99]), Frame([0])]
        #expect(try !dealer.send(waiting))
        #expect(waiting.map(\.count) == [1, 1])
        for number in 0..<4 {
            #expect(try #require(try next(router)).frames[0].bytes == [UInt8(number)])
        }
        var poller = Poller()
        let source = poller.add(dealer, for: .writable)
        try poller.wait(milliseconds: 30_000)
        #expect(poller.ready(source) == .writable)
        #expect(try dealer.send(waiting))
        #expect(try #require(try next(router)).frames[0].bytes == [99])
    }

    @Test("a frame from the network above the limit is not received, and the peer can go on")
    func oversized() throws {
        let context = try ZeroMQContext()
        let router = try Socket(.router, context: context, options: options(maximumFrameBytes: 1000))
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let dealer = try Socket(.dealer, context: context, options: options(maximumFrameBytes: 1 << 20))
        try dealer.connect(endpoint)
        #expect(try dealer.send([Frame([UInt8](repeating: 0, count: 1001))]))
        #expect(try dealer.send([Frame([5])]))
        // The connection is made anew; what was already on its way may be lost with it, so say it until it is heard.
        var heard: Socket.Message?
        for _ in 0..<300 where heard == nil {
            heard = try next(router, milliseconds: 100)
            if heard == nil { _ = try dealer.send([Frame([5])]) }
        }
        #expect(heard?.frames.map(\.bytes) == [[5]])
    }

    @Test("endpoints that cannot be are refused with their name")
    func endpoints() throws {
        let context = try ZeroMQContext()
        let socket = try Socket(.router, context: context, options: options(maximumFrameBytes: 1000))
        #expect(throws: TransportError.self) { try socket.bind("nonsense") }
        #expect(throws: TransportError.self) { try socket.connect("tcp://127.0.0.1:none") }
        let endpoint = try socket.bind("tcp://127.0.0.1:*")
        let second = try Socket(.router, context: context, options: options(maximumFrameBytes: 1000))
        do {
            try second.bind(endpoint)
            #expect(Bool(false), "one port was bound twice")
        } catch {
            #expect(error.problem.contains(endpoint))
            #expect(error.exitCode == .transportFailed)
        }
        socket.close()
        #expect(throws: TransportError.socketClosed(endpoint: endpoint)) { try socket.receive() }
    }

    @Test("threads of one process meet through a pair of sockets")
    func pairs() throws {
        let context = try ZeroMQContext()
        let one = try Socket(.pair, context: context)
        try one.bind("inproc://pair")
        let other = try Socket(.pair, context: context)
        try other.connect("inproc://pair")
        #expect(try one.receive() == nil)
        #expect(try other.send([Frame(Array("hello".utf8)), Frame([])]))
        #expect(try #require(try next(one)).frames.map(\.bytes) == [Array("hello".utf8), []])
    }

    @Test("a wake signal from another thread ends the wait, and many signals are one")
    func wake() throws {
        let signal = try WakeSignal()
        var poller = Poller()
        let source = poller.add(fileDescriptor: signal.fileDescriptor)
        try poller.wait(milliseconds: 0)
        #expect(poller.ready(source) == [])
        Thread.detachNewThread { for _ in 0..<100_000 { signal.signal() } }
        try poller.wait(milliseconds: 30_000)
        #expect(poller.ready(source) == .readable)
        #expect(signal.drain())
    }

    private func isSignalled(_ signal: WakeSignal) throws -> Bool {
        var poller = Poller()
        let source = poller.add(fileDescriptor: signal.fileDescriptor)
        try poller.wait(milliseconds: 30_000)
        return poller.ready(source) == .readable
    }

    private func options(maximumFrameBytes: Int) -> SocketOptions {
        var options = SocketOptions()
        options.maximumFrameBytes = maximumFrameBytes
        options.security = .insecure
        return options
    }
}

/// A router and a dealer that are connected: the router has heard of the dealer.
func pair(
    _ context: ZeroMQContext, _ endpoint: String, options: SocketOptions? = nil
) throws -> (router: Socket, dealer: Socket) {
    var options = options ?? SocketOptions(identity: PeerIdentity("device-1"))
    options.security = .insecure
    let dealerOptions = options
    options.identity = nil
    let router = try Socket(.router, context: context, options: options)
    let bound = try router.bind(endpoint)
    let dealer = try Socket(.dealer, context: context, options: dealerOptions)
    try dealer.connect(bound)
    return (router, dealer)
}

/// The next message, waiting for it at most the given time.
func next(_ socket: Socket, milliseconds: Int = 30_000) throws -> Socket.Message? {
    var poller = Poller()
    _ = poller.add(socket)
    try poller.wait(milliseconds: milliseconds)
    return try socket.receive()
}
