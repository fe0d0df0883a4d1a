import Foundation
import Testing

@testable import Queueing

@Suite("Memory of kept payloads")
struct KeptMemoryTests {
    private static let page = Int(getpagesize())

    @Test("memory is filled once, aligned, and nobody else's, whatever its size")
    func filling() {
        var memory = KeptMemory()
        let sizes = [1, 100, 70_000, 65_536, 369_640, KeptMemory.slabBytes, 300_001, KeptMemory.slabBytes + 1, 90_001]
        let kept = (sizes + sizes).enumerated().map { index, size in
            memory.take(size) { $0.initializeMemory(as: UInt8.self, repeating: UInt8(index)) }
        }
        for (index, held) in kept.enumerated() {
            #expect(held.bytes.count == (sizes + sizes)[index])
            #expect(UInt(bitPattern: held.bytes.baseAddress) % 64 == 0)
            #expect(held.bytes.allSatisfy { $0 == UInt8(index) }, "\(held.bytes.count) bytes")
        }
    }

    @Test("what nobody holds any more goes back to the system, while its neighbours stay as they are")
    func givingBack() throws {
        var memory = KeptMemory()
        let size = 300_000
        var kept: [HeldBytes?] = (0..<40).map { index in
            memory.take(size) { $0.initializeMemory(as: UInt8.self, repeating: UInt8(index)) }
        }
        let places = kept.map { $0.map { Int(bitPattern: $0.bytes.baseAddress) } ?? 0 }
        #expect(places.allSatisfy { residentPages($0, size) >= size / Self.page - 1 })
        for index in kept.indices where index % 3 != 0 { kept[index] = nil }
        for index in kept.indices {
            // A slab without any payload is not mapped any more; none of these is.
            if let held = kept[index] {
                #expect(held.bytes.allSatisfy { $0 == UInt8(index) })
            } else {
                #expect(residentPages(places[index], size) == 0, "payload \(index)")
            }
        }
    }

    @Test("reserved memory is there before it is filled, and what comes after it is found when it is needed")
    func reserving() {
        var memory = KeptMemory(reservedBytes: KeptMemory.slabBytes + 1)
        var taken: [HeldBytes] = []
        // Two slabs are reserved.
        for index in 0..<6 {
            let half = KeptMemory.slabBytes / 2
            let held = memory.take(half) { bytes in
                let resident = residentPages(Int(bitPattern: bytes.baseAddress), half)
                #expect(index < 4 ? resident == half / Self.page : resident < half / Self.page)
                bytes.initializeMemory(as: UInt8.self, repeating: 1)
            }
            taken.append(held)
        }
        #expect(taken.count == 6)
    }

    /// Whole pages of a range of addresses that are in memory.
    private func residentPages(_ address: Int, _ count: Int) -> Int {
        let first = (address + Self.page - 1) / Self.page, end = (address + count) / Self.page
        var states = [UInt8](repeating: 0, count: end - first)
        let start = UnsafeMutableRawPointer(bitPattern: first * Self.page)
        #expect(mincore(start, (end - first) * Self.page, &states) == 0)
        return states.count { $0 & 1 == 1 }
    }
}
