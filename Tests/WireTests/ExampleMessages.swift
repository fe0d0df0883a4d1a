import Diagnostics
import Wire

/// One message of every kind in which every field has a value of its own, always the same.
enum ExampleMessages {
    static let all: [Envelope] = (data + control + plans + reports + steps + methods).enumerated().map { place, body in
        Envelope(
            run: "movies-20261121", sender: "device-1", attempt: 2, session: 0x0102_0304_0506_0708 + UInt64(place),
            body: body)
    }

    private static let data: [Body] = [
        .hello(.init(samples: 300)),
        .activations(activations),
        .finished(.init(messages: 41, samples: 300)),
        .handoverFile(
            .init(sequence: 5, step: 60, name: "optimizer.safetensors", offset: 1 << 20, bytes: 3 << 20, checksum: 77)),
        .credit(.init(bytes: 4096)),
        .ack(.init(sequence: 7, creditBytes: 8192, part: 1, origin: 3)),
        .reject(.init(sequence: 8, number: 25, text: "The payload’s checksum is another one", part: 2, origin: 4)),
        .stop(.init(reason: "the run is complete")),
        .welcome(.init(creditBytes: 1 << 22, settled: [1...40, 42...42], compressions: [1])),
    ]

    private static var activations: Body.Activations {
        var activations = Body.Activations(
            sequence: 9, sampleIDs: [17, 4], lengths: [3, 2], targetLengths: [1, 2], targets: [0, 1, 300], cut: 6,
            codec: 2, rows: 5, columns: 768, checksum: 0x44BC_2CF5_AD77_0999, part: 1, parts: 2, origin: 5)
        activations.compression = 1
        return activations
    }

    private static let control: [Body] = [
        .register(
            .init(
                role: .worker, samples: 300, threads: 4, endpoint: "tcp://10.0.0.5:7071",
                endpointKey: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", step: 60, messages: 41,
                memoryBytes: 2 << 30, codecs: [1, 2, 3], columns: 768, minor: 1)),
        .deviceProgress(progress),
        .workerFinished(finished),
        .failure(.init(exitCode: 60, problem: "The run folder cannot be written", remedy: "Free some disk space")),
        .heartbeat(time: 123_456_789),
        .heartbeatReply(time: 123_456_790),
        .recipeRequest(.worker),
        .goodbye(reason: "the run is complete"),
        .registerAgain,
    ]

    private static var progress: Body.DeviceProgress {
        var progress = Body.DeviceProgress(
            publishedSamples: 250, tokens: 9000, computeNanoseconds: 1_500_000_000, bytesUp: 11, bytesDown: 12,
            finished: true)
        progress.blockTokens = 54_000
        progress.uplinkBytesPerSecond = 1.25e6
        progress.roundTripSeconds = 0.031
        progress.cut = 6
        progress.generation = 13
        progress.peakMemoryBytes = 14
        return progress
    }

    private static var finished: Body.WorkerFinished {
        var finished = Body.WorkerFinished(
            steps: 376, epochs: 2, tokens: 160_042, samples: 600, seconds: 166.5, bytesUp: 15, bytesDown: 16)
        finished.drained = true
        finished.frozenForwardSeconds = 0.017
        return finished
    }

    private static let plans: [Body] = [
        .assignment(
            .init(
                cut: 6, workerEndpoint: "tcp://10.0.0.5:7071", seed: 18, generation: 19, number: 2, epoch: 3,
                worker: "worker-1", workerKey: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", samples: 1200, codec: 2)),
        .runPlan(
            .init(
                devices: [.init(device: "device-1", samples: 300, cut: 6, key: "a key", creditBytes: 20)], seed: 21,
                generation: 22, predecessor: "worker-0", predecessorKey: "b key", leader: peer(1),
                replicas: [peer(2), peer(3)], stages: [peer(4)])),
        .drain(.init(successor: "worker-2", successorEndpoint: "tcp://10.0.0.6:7071", successorKey: "c key")),
        .stepRecorded(step: 23),
        .stepsWanted(after: 24),
        .recordedSteps(
            .init(after: 24, steps: [.init(step: 25, sampleIDs: [26, 1 << 32 | 27])], isComplete: true)),
        .runRecipe(.init(recipe: "name: movies\n", number: 3)),
        .handedOver(.init(step: 28, messages: 29)),
    ]

    private static func peer(_ number: Int) -> Body.WorkerPeer {
        .init(worker: "worker-\(number)", endpoint: "tcp://10.0.0.\(number):7071", key: "key \(number)")
    }

    private static let reports: [Body] = [.stepReport(stepReport), .queueReport(queueReport)]

    private static var stepReport: Body.StepReport {
        var report = Body.StepReport(
            step: 30, epoch: 2, loss: 0.4017, accuracy: 0.8, learningRate: 1e-3, tokens: 31, samples: 32, seconds: 0.33,
            queueDepth: 34, bytesUp: 35)
        report.sampleIDs = [36, 1 << 32 | 37]
        report.adapterDigest = 38
        return report
    }

    private static var queueReport: Body.QueueReport {
        var report = Body.QueueReport(
            devices: [
                .init(
                    device: "device-1", samples: 39, messages: 40, bytes: 41, pendingBytes: 42, creditBytes: 43,
                    duplicates: 44, redelivered: 45, dead: 46)
            ],
            storeBytes: 47, storeCapacity: 48, isFull: true, advanceSeconds: 4.9, advanceBlockTokens: 50,
            stepSeconds: 5.1, stepTokens: 52, refusals: [.init(reason: "unknownKey", count: 53, last: "device-9")])
        report.frozenForwardSeconds = 0.054
        report.pipeline = PipelineSummary(
            schedule: "zero-bubble", predictedBubble: 0.055, measuredBubble: 0.056,
            stages: [
                .init(
                    blocks: [7, 9], bubble: 0.057, forwardSeconds: 0.058, backwardInputSeconds: 0.059,
                    backwardWeightsSeconds: 0.06, stashedMicroBatches: 61, stashedBytes: 62)
            ])
        report.shares = [.init(worker: "worker-1", microBatches: 63)]
        (report.queuedMessages, report.oldestAgeSeconds, report.bytesReceived, report.bytesSent) = (87, 8.8, 89, 90)
        report.codecBytes = [.init(codec: .int8, bytes: 91)]
        report.newestStep = StepOperations(
            step: 92,
            stages: [
                .init(
                    stage: 1,
                    operations: [.init(op: .backwardWeights, microBatch: 93, startSeconds: 9.4, endSeconds: 9.5)])
            ])
        return report
    }

    private static let steps: [Body] = [
        .stepOrder(
            .init(
                step: 64, sums: 2, microBatches: [microBatch], lossScale: 0.125, digest: 65,
                stage: .init(
                    stage: 1, stages: 3, firstBlock: 3, endBlock: 6, microBatches: 2, fusesBackward: true,
                    operations: "F.0 F.1 B.0 W.0 B.1 W.1 step", keepsSums: true))),
        .stepPart(.init(step: 66, lossSums: [1.5, 2.25], correct: [3, 4], seconds: 0.67)),
        .tensorPiece(.init(kind: .streamGradient, step: 68, index: 69, offset: 70, count: 71, checksum: 72)),
        .orderedMicroBatch(microBatch),
    ]

    private static let microBatch = Body.OrderedMicroBatch(
        number: 1, firstSequence: 2, lengths: [3, 4], targetLengths: [1, 2], targets: [5, 6, 7])

    private static let methods: [Body] = [
        .methodGreeting(.init(life: 73, next: .init(number: 74, part: 75))),
        .methodPart(
            .init(
                place: .init(number: 76, part: 1), parts: 2, checksum: 77,
                content: .init(
                    kind: 9, step: 78, version: 79, pair: 80, isPlus: true,
                    samples: .init(sampleIDs: [81], lengths: [82], targetLengths: [1], targets: [83]),
                    scalars: [.init(name: "loss", value: 0.84)],
                    tensors: [.init(name: "layers.0.q.A", rows: 8, columns: 64, hasIndices: true)]))),
        .methodReceived(next: .init(number: 85, part: 86)),
    ]
}
