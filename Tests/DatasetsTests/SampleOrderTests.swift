import Datasets
import Testing

@Suite("The order of samples")
struct SampleOrderTests {
    @Test("an epoch visits every sample once", arguments: 1...5 as ClosedRange<UInt64>)
    func permutation(seed: UInt64) {
        let counts = [3, 0, 17, 1, 40]
        let order = SampleOrder.global(seed: seed, counts: counts, epoch: 1)
        let all = counts.indices.flatMap { device in
            (0..<counts[device]).map { SampleReference(device: device, index: $0) }
        }
        #expect(order.count == all.count)
        #expect(Set(order) == Set(all))
    }

    @Test("restricted to one device, the global order is the order that device computes alone")
    func restriction() {
        let counts = [30, 5, 80, 1]
        for epoch in 1...3 {
            let order = SampleOrder.global(seed: 11, counts: counts, epoch: epoch)
            for (device, count) in counts.enumerated() {
                let own = SampleOrder.deviceOrder(seed: 11, device: device, count: count, epoch: epoch)
                #expect(order.filter { $0.device == device }.map(\.index) == own)
            }
        }
    }

    @Test("a device's order does not depend on the other devices")
    func independence() {
        let few = SampleOrder.global(seed: 11, counts: [20, 4], epoch: 1)
        let many = SampleOrder.global(seed: 11, counts: [20, 400, 9], epoch: 1)
        #expect(few.filter { $0.device == 0 } == many.filter { $0.device == 0 })
    }

    @Test("epochs, seeds and devices have orders of their own")
    func different() {
        let one = SampleOrder.deviceOrder(seed: 1, device: 0, count: 50, epoch: 1)
        #expect(one == SampleOrder.deviceOrder(seed: 1, device: 0, count: 50, epoch: 1))
        #expect(one != SampleOrder.deviceOrder(seed: 2, device: 0, count: 50, epoch: 1))
        #expect(one != SampleOrder.deviceOrder(seed: 1, device: 1, count: 50, epoch: 1))
        #expect(one != SampleOrder.deviceOrder(seed: 1, device: 0, count: 50, epoch: 2))
        let mixes = (1...2).map { SampleOrder.global(seed: 1, counts: [9, 9], epoch: $0).map(\.device) }
        #expect(mixes[0] != mixes[1])
    }

    @Test("every sample is equally likely at every place")
    func uniform() {
        // 24,000 epochs of 5 samples: each of the 25 cells expects 4,800 with a standard deviation of 62.
        let counts = [3, 2]
        let epochs = 24_000
        var cells: [SampleReference: [Int]] = [:]
        for epoch in 0..<epochs {
            for (place, sample) in SampleOrder.global(seed: 5, counts: counts, epoch: epoch).enumerated() {
                cells[sample, default: [0, 0, 0, 0, 0]][place] += 1
            }
        }
        #expect(cells.count == 5)
        for (sample, places) in cells {
            #expect(places.allSatisfy { abs($0 - epochs / 5) < 300 }, "\(sample): \(places)")
        }
    }

    @Test("every stretch of the order mixes the devices by data size")
    func mixture() {
        let order = SampleOrder.global(seed: 3, counts: [6_000, 3_000, 1_000], epoch: 1)
        for start in stride(from: 0, to: 10_000, by: 2_500) {
            let stretch = order[start..<start + 2_500]
            for (device, share) in [0.6, 0.3, 0.1].enumerated() {
                let held = Double(stretch.filter { $0.device == device }.count) / 2_500
                #expect(abs(held - share) < 0.05)
            }
        }
    }

    @Test("batches keep the order and every element; only the last may be short", arguments: [0, 1, 7, 8, 9, 64])
    func batches(count: Int) {
        let elements = Array(0..<count)
        let batches = Batches.cut(elements, size: 8)
        #expect(Array(batches.joined()) == elements)
        #expect(batches.dropLast().allSatisfy { $0.count == 8 })
        #expect(batches.allSatisfy { (1...8).contains($0.count) })
    }
}
