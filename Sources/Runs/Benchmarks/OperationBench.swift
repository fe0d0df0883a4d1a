import Queueing
import Randomness
import Tensors

/// What products reach of the most that any library does here, and what one fused operation costs on one core: beside the plain reference, and beside a copy of the bytes that it reads and
/// writes, below which nothing can be that does not stay in the caches.
public struct OperationBench {
    /// The rows that operations run on.
    public struct Shape: Sendable {
        /// Sequences.
        public var sequences: Int
        /// Tokens of each.
        public var tokens: Int
        /// Width of the residual stream.
        public var width: Int
        /// Query, key and value heads.
        public var heads: Int
        /// Width of the feed-forward layer.
        public var feedForward: Int

        /// GPT-2 small by default.
        public init(sequences: Int = 4, tokens: Int = 128, width: Int = 768, heads: Int = 12, feedForward: Int = 3072) {
            self.sequences = sequences
            self.tokens = tokens
            self.width = width
            self.heads = heads
            self.feedForward = feedForward
        }
    }

    /// Seconds of one operation, each the median of some rounds.
    public struct Row: Encodable, Sendable {
        /// What it is called.
        public let operation: String
        /// Bytes that it must read and write, each counted once.
        public let bytes: Int
        /// With the fastest kernels that this processor runs.
        public let seconds: Double
        /// With those that any processor runs.
        public let reference: Double
        /// Of a copy that reads and writes as many bytes together.
        public let copy: Double
    }

    /// A large product's rate.
    public struct Product: Encodable, Sendable {
        /// F or B of a layer, and its widths; packed where its weights are laid out once for F alone.
        public let product: String
        /// How its weights are kept.
        public let weights: WeightType
        /// Operations a second.
        public let rate: Double
        /// Of the best library's on large square matrices, and of all products here.
        public let shareOfPeak: Double
    }

    /// Everything that was measured.
    public struct Report: Encodable, Sendable {
        /// Products, by how weights are kept.
        public let products: [Product]
        /// Fused operations.
        public let operations: [Row]
    }

    private let shape: Shape
    private let rounds: Int

    /// A bench of so many rounds.
    public init(_ shape: Shape = Shape(), rounds: Int) {
        self.shape = shape
        self.rounds = rounds
    }

    /// Measures everything.
    public func measure() -> Report {
        Report(products: WeightType.multiplied.flatMap(products), operations: operations())
    }

    private func products(_ weights: WeightType) -> [Product] {
        let room = ProductRoom(shape, weights)
        let rates = room.products.map { product in
            (name: product.name, rate: Double(product.operations) / median(product.run))
        }
        let squares = room.squares.map { Double($0.operations) / median($0.run) }
        let peak = (squares + rates.map(\.rate)).max() ?? .infinity
        return rates.map {
            Product(product: $0.name, weights: weights, rate: $0.rate, shareOfPeak: $0.rate / peak)
        }
    }

    private func operations() -> [Row] {
        let room = OperationRoom(shape)
        return room.operations.map { operation in
            let source = room.copySource, target = room.copyTarget, half = operation.bytes / 2
            return Row(
                operation: operation.name, bytes: operation.bytes, seconds: median { operation.run(.best) },
                reference: median { operation.run(.portable) },
                copy: median {
                    var left = half
                    while left > 0 {
                        let part = min(left, source.count * MemoryLayout<Float>.stride)
                        UnsafeMutableRawPointer(target.base).copyMemory(from: source.base, byteCount: part)
                        left -= part
                    }
                })
        }
    }

    private func median(_ work: () -> Void) -> Double {
        work()
        let seconds = (0..<rounds).map { _ in
            let clock = RoleClock()
            work()
            return clock.now.seconds
        }
        return seconds.sorted()[rounds / 2]
    }
}
