import Foundation
import Synchronization
import Testing
import Wire

@testable import Queueing

@Suite("Links that outlive their connections", .timeLimit(.minutes(2)))
struct LinkTests {
    @Test("plain TCP is refused unless somebody says so, and within the process nothing is needed")
    func insecure() throws {
        let context = try ZeroMQContext()
        let server = try Channel(.router, context: context, run: "run", sender: "worker")
        #expect(throws: TransportError.insecure(endpoint: "tcp://127.0.0.1:*")) { try server.bind("tcp://127.0.0.1:*") }
        let link = Link(context: context, run: "run", sender: "device-1")
        #expect(throws: TransportError.insecure(endpoint: "tcp://127.0.0.1:1")) {
            try link.connect("tcp://127.0.0.1:1", security: .none)
        }
        let conversation = try Conversation(endpoint: "inproc://link", security: .none)
        let end = try conversation.add("device-1", security: .none)
        #expect(try conversation.until { try end.isAnswered() })
        #expect(end.events == [.connected])
    }

    @Test("every connection begins a session, which is in every message; what is of an earlier one is dropped")
    func sessions() throws {
        let conversation = try Conversation()
        let end = try conversation.add("device-1")
        #expect(try conversation.until { try end.isAnswered() })
        #expect(conversation.heard.allSatisfy { $0.session == end.link.session && $0.session != 0 })
        let first = end.link.session
        end.link.renewSession()
        #expect(end.link.session != first)
        // An answer to the session before, then one to this and one to none.
        end.answers = []
        for (time, session) in [(1, first), (2, end.link.session), (3, 0)] as [(UInt64, UInt64)] {
            #expect(try conversation.server.send(.heartbeatReply(time: time), session: session, to: "device-1"))
        }
        #expect(try conversation.until { end.answers.contains(3) })
        #expect(!end.answers.contains(1) && end.answers.contains(2))
    }

    @Test("nobody has to be there first, and a listener that comes back is found again with a new session")
    func comingBack() throws {
        let context = try ZeroMQContext()
        // Below the ports that the system gives to others meanwhile.
        let endpoint = "tcp://127.0.0.1:\(Int.random(in: 20_000..<30_000))"
        let link = Link(context: context, run: "run", sender: "device-1", timing: .quick)
        let end = LinkEnd(link)
        try link.connect(endpoint, security: .insecure)
        var poller = Poller()
        _ = poller.add(link)
        func until(_ holds: () -> Bool) throws -> Bool {
            for _ in 0..<1000 where !holds() {
                try poller.wait(milliseconds: 20)
                try end.work()
            }
            return holds()
        }
        #expect(try until { end.events.contains(.retrying) })
        #expect(try !link.isConnected && !link.send(.registerAgain), "nothing is kept for a connection to come")
        for round in 1...3 {
            var server: Conversation?
            // The listener before gives its port back a little after it was closed.
            #expect(
                try until {
                    server = server ?? (try? Conversation(context: context, endpoint: endpoint))
                    return end.sessions.count == round
                })
            server?.server.socket.close()
            #expect(try until { !link.isConnected })
            #expect(end.events.contains(.disconnected))
        }
        #expect(Set(end.sessions).count == 3)
    }

    @Test("a link goes on to another endpoint, its poller follows, and the bytes of both are counted")
    func moving() throws {
        let context = try ZeroMQContext()
        let one = try Conversation(context: context), other = try Conversation(context: context)
        let end = try one.add("device-1")
        #expect(try one.until { try end.isAnswered() })
        let bytes = end.link.bytesSent
        #expect(bytes > 0)
        try end.link.connect(other.endpoint, security: .insecure)
        #expect(try one.until { try other.within(.milliseconds(1)) { false } || end.sessions.count == 2 })
        end.answers = []
        #expect(try one.until { try other.within(.milliseconds(1)) { false } || end.isAnswered() })
        #expect(!other.heard.isEmpty && end.link.bytesSent > bytes)
    }

    @Test("an answer goes to whom it is for, and nobody speaks as another than he introduced himself as")
    func routes() throws {
        let conversation = try Conversation()
        let one = try conversation.add("device-1"), other = try conversation.add("device-2")
        #expect(try conversation.until { try one.isAnswered() })
        #expect(try conversation.until { try other.isAnswered() })
        #expect(try conversation.server.send(.heartbeatReply(time: 77), to: "device-2"))
        #expect(try conversation.until { other.answers.contains(77) })
        #expect(!one.answers.contains(77))
        #expect(try !conversation.server.send(.heartbeatReply(time: 1), to: "device-3"))

        let liar = try #require(Stranger.connected(to: conversation.endpoint))
        func say(_ sender: String, _ body: Body) {
            liar.say(ZMTP.message(Envelope(run: "run", sender: sender, body: body).encode()))
        }
        liar.say(ZMTP.greeting("NULL") + ZMTP.ready)
        // Who speaks before the handshake is done on both sides is thrown out.
        #expect(try conversation.until { conversation.server.connections.completed == 3 })
        say("device-4", .hello(.init(samples: 1)))
        say("device-1", .hello(.init(samples: 1)))
        say("device-4", .registerAgain)
        #expect(try conversation.until { conversation.heard.contains { $0.body == .registerAgain } })
        #expect(conversation.refused == [.unknownSender("device-1")])
        #expect(try conversation.server.send(.heartbeatReply(time: 78), to: "device-1"))
        #expect(try conversation.until { one.answers.contains(78) })
    }
}

@Suite("The line to the coordinator", .timeLimit(.minutes(1)))
struct ControlLinkTests {
    @Test("it measures the round trip, answers heartbeats, and asks to register on every connection and when told")
    func line() throws {
        let context = try ZeroMQContext()
        let server = try Conversation(context: context)
        let line = try ControlLink(
            context: context, run: "run", sender: "device-1", endpoint: server.endpoint, security: .insecure,
            timing: .quick, heartbeatInterval: .milliseconds(20), silenceLimit: .milliseconds(300))
        var poller = Poller()
        _ = poller.add(line.link)
        var events: [ControlLink.Event] = []
        var orders: [Body] = []
        func until(_ holds: () -> Bool) throws -> Bool {
            try server.until {
                try poller.wait(milliseconds: 0)
                while let event = try line.event() { events.append(event) }
                while let order = try line.order() { orders.append(order) }
                try line.keepAlive()
                return holds()
            }
        }
        #expect(try until { line.roundTrip != nil })
        #expect(events == [.register])
        #expect(line.lastHeard != nil)
        let session = line.link.session
        #expect(try server.server.send(.heartbeat(time: 7), to: "device-1"))
        #expect(try server.server.send(.registerAgain, to: "device-1"))
        #expect(try server.server.send(.stop(.init(reason: "end")), to: "device-1"))
        #expect(try until { server.heard.contains { $0.body == .heartbeatReply(time: 7) } && orders.count == 1 })
        #expect(try until { events == [.register, .register] })
        #expect(orders == [.stop(.init(reason: "end"))])
        #expect(line.link.session != session)
        // A coordinator that is connected and says nothing is asked again.
        server.answers = false
        #expect(try until { events.count >= 3 })
        #expect(events.allSatisfy { $0 == .register })
    }

    @Test("a role that fails while its coordinator is away waits for it, to say why")
    func farewell() throws {
        let context = try ZeroMQContext()
        let endpoint = "tcp://127.0.0.1:\(Int.random(in: 20_000..<30_000))"
        var server: Conversation? = try Conversation(context: context, endpoint: endpoint)
        let isAway = DispatchSemaphore(value: 0), hasLeft = DispatchSemaphore(value: 0), hasHeard = Mutex(false)
        Thread.detachNewThread {
            #expect(throws: LineFailure.self) {
                let line = try ControlLink(
                    context: context, run: "run", sender: "worker-1", endpoint: endpoint, security: .insecure,
                    timing: .quick, heartbeatInterval: .milliseconds(20), farewell: .seconds(60))
                try line.reportingFailure {
                    var poller = Poller()
                    _ = poller.add(line.link)
                    while try line.event() != .disconnected {
                        while try line.order() != nil {}
                        hasHeard.withLock { $0 = line.lastHeard != nil }
                        try line.keepAlive()
                        try poller.wait(milliseconds: 20)
                    }
                    isAway.signal()
                    throw LineFailure()
                }
            }
            hasLeft.signal()
        }
        // A coordinator that never answered is not waited for.
        #expect(try #require(server).until { hasHeard.withLock { $0 } })
        server?.server.socket.close()
        isAway.wait()
        server = nil
        // The port is given back a little after its listener was closed.
        var pause = Poller()
        for _ in 0..<1000 where server == nil {
            server = try? Conversation(context: context, endpoint: endpoint)
            try pause.wait(milliseconds: 20)
        }
        #expect(
            try #require(server).until {
                server?.heard.contains { if case .failure = $0.body { true } else { false } } == true
            })
        #expect(try #require(server).server.send(.stop(.init(reason: "it is known")), to: "worker-1"))
        hasLeft.wait()
    }
}

/// What keeps a role from going on.
private struct LineFailure: Error {}
