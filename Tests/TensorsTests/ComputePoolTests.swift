import Synchronization
import Tensors
import Testing

@Suite("Compute pool")
struct ComputePoolTests {
    @Test("every job runs once and results keep their order")
    func map() throws {
        let pool = ComputePool(threads: 3)
        #expect(try pool.map(100) { $0 * $0 } == (0..<100).map { $0 * $0 })
    }

    @Test("the first error by index is thrown after all jobs have ended")
    func errors() {
        struct Odd: Error, Equatable { let index: Int }
        let pool = ComputePool(threads: 2)
        #expect(throws: Odd(index: 1)) {
            try pool.map(10) { index in
                if index % 2 == 1 { throw Odd(index: index) }
            }
        }
    }

    @Test("pieces of a job run in order, before what was submitted later, and others may come between them")
    func pieces() {
        let pool = ComputePool(threads: 1, takesSubmitted: false)
        let order = Order()
        pool.submit(pieces: 3) { order.note("a\($0)") }
        pool.submit { order.note("b") }
        #expect(pool.takeSubmitted())
        pool.run(1) { _ in order.note("awaited") }
        while pool.takeSubmitted() {}
        #expect(order.noted == ["a0", "awaited", "a1", "a2", "b"])
    }

    @Test("free threads take all pieces of all jobs", arguments: [1, 3])
    func freeThreads(threads: Int) {
        let pool = ComputePool(threads: threads)
        let order = Order()
        let ended = Atomic(0)
        for job in 0..<20 {
            pool.submit(pieces: 5) { piece in
                order.note("\(job) \(piece)")
                ended.add(1, ordering: .releasing)
                pool.wake()
            }
        }
        pool.run(threads) { _ in pool.help { ended.load(ordering: .acquiring) == 100 } }
        for job in 0..<20 {
            #expect(order.noted.filter { $0.hasPrefix("\(job) ") } == (0..<5).map { "\(job) \($0)" })
        }
    }

    private final class Order: Sendable {
        private let notes = Mutex<[String]>([])

        var noted: [String] { notes.withLock(\.self) }

        func note(_ note: String) { notes.withLock { $0.append(note) } }
    }
}
