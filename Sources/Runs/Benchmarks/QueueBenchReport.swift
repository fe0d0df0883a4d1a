/// What was measured. Rates are decimal bytes of payload a second, memory is in bytes, medians are of all rounds.
public struct QueueBenchReport: Encodable, Sendable {
    /// Publishers are simulated, messages are not.
    public let publishers = "simulated: random activations, real messages over tcp on this machine"
    /// Processors that were there.
    public let processors: Int
    /// How fast activations are stored.
    public var ingest: Ingest?
    /// Memory with a stopped worker.
    public var bounds: Bounds?
    /// Many devices with small activations.
    public var devices: Devices?
    /// What ended the measuring early; what there was until then is here.
    public var error: ErrorAnswer?

    init(processors: Int) { self.processors = processors }

    /// Whether every memory limit held.
    public var isWithinBounds: Bool { bounds.map { $0.worker.isWithin && $0.devices.isWithin } ?? true }

    /// Rates of one round, in bytes a second.
    public struct Round: Encodable, Sendable {
        /// A file that grows and is synced after each group's bytes.
        public let disk: Double
        /// A worker with a durable store.
        public let durable: Double
        /// The same with CURVE.
        public let durableCurve: Double
        /// The same frames by ZeroMQ alone.
        public let transfer: Double
        /// The same, and the receiver keeps every frame, as a store does.
        public let keptTransfer: Double
        /// A worker with a store in memory, which it has had from the system before.
        public let memory: Double
        /// The same with CURVE.
        public let memoryCurve: Double
        /// A worker with a store in memory, which it gets from the system meanwhile.
        public let freshMemory: Double
    }

    /// How fast activations are stored.
    public struct Ingest: Encodable, Sendable {
        /// Devices that publish.
        public let devices: Int
        /// Payload bytes of a message.
        public let messageBytes: Int
        /// Payload bytes of a round.
        public let roundBytes: Int
        /// In turns.
        public let rounds: [Round]
        /// Of each rate.
        public let medians: Round
        /// Of each round's rate to the disk's; at least 0.60 is asked for.
        public let medianDurableToDisk: Double
        /// Of each round's rate in memory to the transfer's; at least 0.70 is asked for.
        public let medianMemoryToTransfer: Double
        /// Of each round's rate in fresh memory to the transfer's whose frames are kept: in fresh memory as well.
        public let medianFreshMemoryToKeptTransfer: Double
        /// Of each round's rate in fresh memory to that of the transfer that needs none.
        public let medianFreshMemoryToTransfer: Double
        /// What CURVE leaves of a durable ingest's rate.
        public let medianDurableCurveToPlain: Double
        /// What CURVE leaves of an ingest's rate into memory.
        public let medianMemoryCurveToPlain: Double

        init(_ shape: QueueBenchShape, _ rounds: [Round]) {
            func median(of value: (Round) -> Double) -> Double { Runs.median(rounds.map(value)) }
            devices = shape.devices
            messageBytes = shape.messageBytes
            roundBytes = shape.totalBytes
            self.rounds = rounds
            medians = Round(
                disk: median(of: \.disk), durable: median(of: \.durable), durableCurve: median(of: \.durableCurve),
                transfer: median(of: \.transfer), keptTransfer: median(of: \.keptTransfer),
                memory: median(of: \.memory), memoryCurve: median(of: \.memoryCurve),
                freshMemory: median(of: \.freshMemory))
            medianDurableToDisk = median { $0.durable / $0.disk }
            medianMemoryToTransfer = median { $0.memory / $0.transfer }
            medianFreshMemoryToKeptTransfer = median { $0.freshMemory / $0.keptTransfer }
            medianFreshMemoryToTransfer = median { $0.freshMemory / $0.transfer }
            medianDurableCurveToPlain = median { $0.durableCurve / $0.durable }
            medianMemoryCurveToPlain = median { $0.memoryCurve / $0.memory }
        }
    }

    /// Resident memory of a process and what it may be.
    public struct Memory: Encodable, Sendable {
        /// The most that was ever resident.
        public let peakBytes: Int
        /// Credits of all devices, and 64 MiB. There is no model.
        public let limitBytes: Int
        /// Whether the peak is below the limit.
        public let isWithin: Bool

        init(peakBytes: Int, creditBytes: Int) {
            self.peakBytes = peakBytes
            limitBytes = creditBytes + 64 << 20
            isWithin = peakBytes < limitBytes
        }
    }

    /// Memory with a worker that is stopped while all devices publish.
    public struct Bounds: Encodable, Sendable {
        /// Devices that publish, all in one process.
        public let publishers: Int
        /// Payload bytes that each may have on their way.
        public let creditBytesPerDevice: Int
        /// How long the worker was stopped.
        public let stoppedSeconds: Double
        /// The most payload bytes that were on their way, until it went on.
        public let stoppedBytes: Int
        /// Payload bytes that were acknowledged before, and after it went on; nothing was on its way in the end.
        public let acknowledgedBytes: Int
        /// The worker's process, until everything was acknowledged.
        public let worker: Memory
        /// The process of all devices together: each alone has less.
        public let devices: Memory
    }

    /// Acknowledged messages, and the time from sending one to its acknowledgement.
    public struct Answers: Encodable, Sendable {
        /// Messages that were acknowledged in the time.
        public let messages: Int
        /// Messages a second.
        public let messagesPerSecond: Double
        /// Half of all acknowledgements came sooner.
        public let p50Milliseconds: Double
        /// 99 of 100 acknowledgements came sooner.
        public let p99Milliseconds: Double

        init(_ latencies: [Double], seconds: Double) {
            let sorted = latencies.sorted()
            messages = sorted.count
            messagesPerSecond = Double(sorted.count) / seconds
            p50Milliseconds = 1000 * quantile(0.5, of: sorted)
            p99Milliseconds = 1000 * quantile(0.99, of: sorted)
        }
    }

    /// Many devices with small activations and a durable store.
    public struct Devices: Encodable, Sendable {
        /// Devices, all in one process.
        public let devices: Int
        /// Payload bytes of a message.
        public let messageBytes: Int
        /// How long it took until all were connected and welcomed.
        public let connectSeconds: Double
        /// Each sends the next message as soon as the one before is acknowledged.
        public let saturated: Answers
        /// Each sends a message a second.
        public let paced: Answers
        /// What the worker's process grew by while all connected, for each of them.
        public let workerBytesPerDevice: Int
        /// The worker's process at its largest.
        public let workerPeakBytes: Int
        /// The process of all devices at its largest.
        public let devicesPeakBytes: Int
    }
}

/// Of numbers in ascending order; 0 of none.
func quantile(_ part: Double, of sorted: [Double]) -> Double {
    sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
}

func median(_ values: [Double]) -> Double { quantile(0.5, of: values.sorted()) }
