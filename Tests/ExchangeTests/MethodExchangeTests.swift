import Methods
import Queueing
import Randomness
import Testing
import Wire

@testable import Exchange

@Suite("Messages that arrive once and in order")
struct MethodExchangeTests {
    /// What crosses between two sides, as bytes would.
    private enum Crossing {
        case part(Body.MethodPart, payload: [UInt8]?)
        case received(Body.MethodPlace)
    }

    @Test("of one device only so many messages wait, and so many bytes of them")
    func waiting() {
        var settings = MethodExchange.Settings()
        settings.limits.methodBytes = 100
        var device = ServedDevice(id: "a", exchange: MethodExchange(settings))
        func message(bytes: Int) -> ReceivedMethodMessage {
            let content = Body.MethodContent(
                kind: 1, step: 1, version: 0, pair: 0, isPlus: false, samples: nil, scalars: [], tensors: [])
            return ReceivedMethodMessage(content: content, payloads: [Frame([UInt8](repeating: 0, count: bytes))])
        }
        device.queued(message(bytes: 60))
        #expect(device.hasRoom)
        device.queued(message(bytes: 60))
        #expect(!device.hasRoom)
        device.handled(message(bytes: 60))
        for _ in 0..<15 {
            #expect(device.hasRoom)
            device.queued(message(bytes: 0))
        }
        #expect(!device.hasRoom)
    }

    @Test("every message arrives once and in order, whatever is lost, doubled, late or cut off", arguments: 1...12)
    func lossy(seed: UInt64) throws {
        var messages = RandomMethodMessages(seed: seed)
        var chance = SeededGenerator(seed: seed, stream: "exchange/faults")
        var settings = MethodExchange.Settings()
        settings.partBytes = 64
        settings.windowParts = 5
        settings.acknowledgementTimeout = .seconds(1)
        var sender = MethodExchange(settings), receiver = MethodExchange(settings)
        let sent = (0..<40).map { _ in messages.message() }
        for message in sent { sender.send(OutgoingMethodMessage(message)) }
        // Without a new connection only the time-out brings back what was lost.
        let reconnects = seed % 2 == 0 ? 0.02 : 0
        var arrived: [MethodMessage] = [], crossing: [Crossing] = []
        var now = Duration.zero
        while !sender.isDrained {
            now += .milliseconds(100)
            try #require(now < .seconds(4000), "seed \(seed) does not end")
            if !sender.isOpen || chance.uniform() < reconnects {
                // A connection ends with what is on it, and both sides introduce themselves on the next one.
                crossing = []
                sender.closed()
                try sender.opened(at: receiver.expected, now: now)
            }
            sender.tick(now: now)
            while let (part, payload, _) = sender.next() {
                crossing.append(.part(part, payload: payload?.bytes))
                sender.sent(now: now)
            }
            for crossed in crossing.splitAtRandom(&chance) {
                let copies = chance.uniform() < 0.1 ? 0 : chance.uniform() < 0.1 ? 2 : 1
                for _ in 0..<copies {
                    switch crossed {
                    case .received(let place): try sender.received(upTo: place, now: now)
                    case .part(let part, let payload):
                        let arrival = try receiver.take(part, payloads: payload.map { [Frame($0)] } ?? [])
                        if case .message(let message) = arrival { arrived.append(try message.message()) }
                        crossing.append(.received(receiver.expected))
                    }
                }
            }
        }
        #expect(arrived == sent, "seed \(seed)")
    }

    @Test("a greeting that is repeated on one connection brings back nothing that was sent, and one on the next does")
    func greetings() throws {
        var messages = RandomMethodMessages(seed: 9)
        var sender = MethodExchange()
        for _ in 0..<2 { sender.send(OutgoingMethodMessage(messages.message())) }
        try sender.opened(at: .init(), now: .zero)
        var sent = 0
        while sender.next() != nil {
            sender.sent(now: .zero)
            sent += 1
        }
        try sender.opened(at: .init(), now: .zero)
        #expect(sent >= 2 && sender.next() == nil)
        try sender.opened(at: .init(number: 2), now: .zero)
        #expect(sender.next() == nil && !sender.isDrained)
        sender.closed()
        try sender.opened(at: .init(number: 2), now: .zero)
        #expect(sender.next()?.part.place == .init(number: 2))
        #expect(throws: WireError.self) { try sender.opened(at: .init(number: 4), now: .zero) }
    }

    @Test("a part that does not fit is refused with its number, and the right one is still expected")
    func refusals() throws {
        var settings = MethodExchange.Settings()
        settings.partBytes = 16
        var exchange = MethodExchange(settings)
        var messages = RandomMethodMessages(seed: 4)
        var message = messages.message()
        while message.payload.count < 12 { message = messages.message() }
        let outgoing = OutgoingMethodMessage(message)
        let (first, _) = outgoing.part(at: .init(), partBytes: 16)
        let bytes = outgoing.part(at: .init(), partBytes: 16).1?.bytes ?? []
        func refuse(_ error: WireError, _ payloads: [Frame], _ change: (inout Body.MethodPart) -> Void) {
            var part = first
            change(&part)
            #expect(throws: error) { try exchange.take(part, payloads: payloads) }
        }
        refuse(.payloadMissing, []) { _ in }
        refuse(.tooManyFrames(found: 2, expected: 1), [Frame(bytes), Frame(bytes)]) { _ in }
        refuse(.wrongPayloadLength(bytes: 3, expected: bytes.count), [Frame([1, 2, 3])]) { _ in }
        refuse(.checksumMismatch(stated: 7, computed: first.checksum), [Frame(bytes)]) { $0.checksum = 7 }
        refuse(.partsDiffer(sequence: 1), [Frame(bytes)]) { $0.content = nil }
        let words = message.payload.count
        refuse(.partOutOfRange(part: 0, parts: 0, rows: UInt32(words)), [Frame(bytes)]) { $0.parts = 0 }
        refuse(.partOutOfRange(part: 0, parts: .max, rows: UInt32(words)), [Frame(bytes)]) { $0.parts = .max }
        refuse(.numberOutOfRange(name: "step", value: 0), [Frame(bytes)]) { $0.content?.step = 0 }
        #expect(exchange.expected == .init())
        guard case .part = try exchange.take(first, payloads: [Frame(bytes)]) else {
            Issue.record("the right part was not taken")
            return
        }
        // The second part has another content, or belongs to another division.
        var (second, frame) = outgoing.part(at: .init(number: 1, part: 1), partBytes: 16)
        second.content = first.content
        #expect(throws: WireError.partsDiffer(sequence: 1)) {
            try exchange.take(second, payloads: frame.map { [$0] } ?? [])
        }
        second.content = nil
        second.parts += 1
        #expect(throws: WireError.self) { try exchange.take(second, payloads: frame.map { [$0] } ?? []) }
        frame = nil
    }

    @Test("a place to which nothing was sent cannot be acknowledged")
    func foreignPlace() throws {
        var exchange = MethodExchange()
        exchange.send(OutgoingMethodMessage(MethodMessage(.turn, step: 1)))
        #expect(throws: WireError.numberOutOfRange(name: "place", value: 3)) {
            try exchange.received(upTo: .init(number: 3), now: .zero)
        }
        #expect(throws: WireError.numberOutOfRange(name: "place", value: 1)) {
            try exchange.received(upTo: .init(number: 1, part: 1), now: .zero)
        }
        try exchange.received(upTo: .init(number: 2), now: .zero)
        #expect(exchange.isDrained)
    }
}

extension Array {
    /// Takes out some elements, in an order in which some overtake others.
    fileprivate mutating func splitAtRandom(_ chance: inout SeededGenerator) -> [Element] {
        var taken: [Element] = [], left: [Element] = []
        for element in self {
            if chance.uniform() < 0.7 { taken.append(element) } else { left.append(element) }
        }
        self = left
        return taken
    }
}
