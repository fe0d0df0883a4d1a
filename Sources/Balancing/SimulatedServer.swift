/// The server on the virtual clock: all workers as one, which does one thing at a time. A step comes first if its
/// samples are there, then missing frozen blocks in the order of arrival.
struct SimulatedServer {
    /// Missing frozen blocks of one message.
    struct Missing {
        var device: Int
        var message: Int
        var blocks: Int
    }

    /// One thing that the server does.
    enum Work {
        case step(tokens: Double)
        case advance(Missing, blockTokens: Double)
    }

    private let batch: Int
    private let epochs: Int
    private let groupSize: Int
    private let tokensPerSample: [Double]
    /// The first epoch's samples in the order of training, by device.
    private let order: [Int]
    /// The mean tokens of a sample, in later epochs, whose samples are all there.
    private let meanTokens: Double
    private var ready: [[Bool]]
    private var missing: [Missing] = []
    private var firstMissing = 0
    private var place = 0
    private var seen = 0
    private var turns: [Int]
    private var epoch = 1
    /// Samples that steps have trained, in all epochs, and in the first one by device.
    private(set) var trainedSamples = 0
    private(set) var trainedOnce: [Int]
    /// FNV-1a over the devices of the first epoch's samples as they are trained.
    private(set) var orderDigest: UInt64 = 0xCBF2_9CE4_8422_2325

    init(devices: [SimulatedDevice], order: [Int], batch: Int, epochs: Int) {
        self.order = order
        self.batch = max(1, batch)
        self.epochs = max(1, epochs)
        groupSize = devices.first?.groupSize ?? 1
        tokensPerSample = devices.map(\.tokensPerSample)
        let tokens = devices.reduce(0) { $0 + Double($1.samples) * $1.tokensPerSample }
        meanTokens = order.isEmpty ? 0 : tokens / Double(order.count)
        ready = devices.map { Array(repeating: false, count: $0.messages) }
        turns = Array(repeating: 0, count: devices.count)
        trainedOnce = turns
    }

    /// Whether every epoch is trained.
    var isFinished: Bool { epoch > epochs || order.isEmpty }

    /// A message is in the store after `cut` of the frozen blocks.
    mutating func arrived(device: Int, message: Int, missingBlocks: Int) {
        if missingBlocks == 0 {
            ready[device][message] = true
        } else {
            missing.append(Missing(device: device, message: message, blocks: missingBlocks))
        }
    }

    /// What to do now, nil when there is nothing. The samples of a step count as trained from its begin.
    mutating func next(tokens: (Missing) -> Double) -> Work? {
        if let step = nextStep() { return step }
        guard firstMissing < missing.count else { return nil }
        defer { firstMissing += 1 }
        let work = missing[firstMissing]
        return .advance(work, blockTokens: tokens(work) * Double(work.blocks))
    }

    /// Missing blocks have been run.
    mutating func ended(_ work: Work) {
        if case .advance(let missing, _) = work { ready[missing.device][missing.message] = true }
    }

    private mutating func nextStep() -> Work? {
        guard !isFinished else { return nil }
        let end = min(place + batch, order.count)
        if epoch == 1 {
            while seen < end, ready[order[seen]][turns[order[seen]] / groupSize] {
                turns[order[seen]] += 1
                seen += 1
            }
            guard seen == end else { return nil }
        }
        let count = end - place
        var tokens = Double(count) * meanTokens
        if epoch == 1 {
            tokens = order[place..<end].reduce(0) { $0 + tokensPerSample[$1] }
            for device in order[place..<end] {
                trainedOnce[device] += 1
                orderDigest = (orderDigest ^ UInt64(device)) &* 0x0000_0100_0000_01B3
            }
        }
        trainedSamples += count
        place = end
        if place == order.count { (epoch, place) = (epoch + 1, 0) }
        return .step(tokens: tokens)
    }
}
