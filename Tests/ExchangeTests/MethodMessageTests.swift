import Methods
import Randomness
import Testing
import Wire

@testable import Exchange

@Suite("Messages of methods as bytes")
struct MethodMessageTests {
    @Test("a message comes back from its header and its words as it was, in pieces of any size")
    func roundTrip() throws {
        let seed: UInt64 = 11
        var messages = RandomMethodMessages(seed: seed)
        for round in 0..<300 {
            let message = messages.message()
            let content = try decoded(message.content)
            let payload = message.payload
            let bytes = UnsafeRawBufferPointer(start: payload.base, count: 4 * payload.count)
            let size = 4 * Int.random(in: 1...64, using: &messages.chance)
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                UnsafeRawBufferPointer(rebasing: bytes[$0..<min($0 + size, bytes.count)])
            }
            let read = try withExtendedLifetime(payload) { try MethodMessage(content, payloads: pieces) }
            #expect(read == message, "seed \(seed), round \(round)")
        }
    }

    @Test("damaged headers are refused or read with as many words as they say, and none does harm")
    func mutations() throws {
        let seed: UInt64 = 12
        var messages = RandomMethodMessages(seed: seed)
        var read = 0, refused = 0
        for _ in 0..<1500 {
            let message = messages.message()
            let part = Body.MethodPart(place: .init(), parts: 1, checksum: 0, content: message.content)
            var header = Envelope(run: "r", sender: "d", body: .methodPart(part)).encode()
            for _ in 0..<Int.random(in: 1...3, using: &messages.chance) {
                header[Int.random(in: 0..<header.count, using: &messages.chance)] = UInt8.random(
                    in: 0...255, using: &messages.chance)
            }
            let payload = message.payload
            do throws(WireError) {
                guard case .methodPart(let part) = try Envelope.decode(header, limits: WireLimits()).body,
                    let content = part.content
                else { continue }
                _ = try MethodMessage(
                    content, payloads: [UnsafeRawBufferPointer(start: payload.base, count: 4 * payload.count)])
                read += 1
            } catch {
                refused += 1
            }
        }
        // Both outcomes must be common, or the damage tests nothing.
        #expect(read > 100 && refused > 100, "\(read) read, \(refused) refused")
    }

    @Test("what does not fit is refused with its number")
    func refusals() throws {
        let tensor = Body.MethodTensor(name: "a", rows: 2, columns: 3, hasIndices: true)
        expect(.unknownKind(99), content { $0.kind = 99 })
        expect(.numberOutOfRange(name: "step", value: 0), content { $0.step = 0 })
        expect(.numberOutOfRange(name: "version", value: 1 << 31), content { $0.version = 1 << 31 })
        expect(.wrongPayloadLength(bytes: 0, expected: 32), content { $0.tensors = [tensor] })
        expect(.nameRepeated("a"), content { $0.tensors = [tensor, tensor] })
        expect(
            .nameRepeated("x"), content { $0.scalars = [.init(name: "x", value: 1), .init(name: "x", value: 2)] })
        let huge = Body.MethodTensor(name: "a", rows: 1 << 30, columns: 1 << 30, hasIndices: true)
        #expect(throws: WireError.self) { try MethodMessage(content { $0.tensors = [huge] }, payloads: []) }
        expect(
            .countsDiffer(ids: 0, lengths: 1, targetLengths: 1),
            content { $0.samples = .init(sampleIDs: [], lengths: [1], targetLengths: [1], targets: [0]) })
        expect(
            .targetLengthOutOfRange(sample: 0, targets: 2, length: 1),
            content { $0.samples = .init(sampleIDs: [4], lengths: [1], targetLengths: [2], targets: [0, 0]) })
        expect(
            .targetOutOfRange(sample: 0, target: .max, limit: Int(Int32.max)),
            content { $0.samples = .init(sampleIDs: [4], lengths: [1], targetLengths: [1], targets: [.max]) })
    }

    @Test("as many bytes are counted without a socket as its frames have, for any size of parts")
    func bytes() throws {
        var messages = RandomMethodMessages(seed: 13)
        for partBytes in [16, 100, 1 << 20] {
            let message = messages.message()
            let outgoing = OutgoingMethodMessage(message)
            var sum = 0
            for part in 0..<outgoing.parts(partBytes: partBytes) {
                let (body, frame) = outgoing.part(at: .init(number: 300, part: part), partBytes: partBytes)
                let envelope = Envelope(run: "run", sender: "device-1", session: .max, body: .methodPart(body))
                sum += envelope.encode().count + (frame?.count ?? 0)
            }
            #expect(message.wireBytes(run: "run", sender: "device-1", number: 300, partBytes: partBytes) == sum)
        }
    }

    private func content(_ change: (inout Body.MethodContent) -> Void) -> Body.MethodContent {
        var content = MethodMessage(.update, step: 1).content
        change(&content)
        return content
    }

    private func expect(
        _ error: WireError, _ content: Body.MethodContent, location: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: error, sourceLocation: location) { try MethodMessage(content, payloads: []) }
    }

    private func decoded(_ content: Body.MethodContent) throws -> Body.MethodContent {
        let part = Body.MethodPart(place: .init(), parts: 1, checksum: 0, content: content)
        let bytes = Envelope(run: "r", sender: "d", body: .methodPart(part)).encode()
        guard case .methodPart(let read) = try Envelope.decode(bytes, limits: WireLimits()).body else { return content }
        return try #require(read.content)
    }
}
