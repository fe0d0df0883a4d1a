import Diagnostics
import Randomness
import Wire

/// Messages of every kind with contents drawn at random.
struct RandomMessages {
    static let kinds = 35

    var chance: SeededGenerator

    init(seed: UInt64) { chance = SeededGenerator(seed: seed, stream: "wire/messages") }

    mutating func envelope(kind: Int) -> Envelope {
        Envelope(run: text(), sender: text(), attempt: chance.next32(), session: chance.next(), body: body(kind: kind))
    }

    private mutating func body(kind: Int) -> Body {
        switch kind {
        case 0: .hello(.init(samples: chance.next()))
        case 1: .activations(activations())
        case 2: .finished(.init(messages: chance.next(), samples: chance.next()))
        case 3: .credit(.init(bytes: chance.next()))
        case 4:
            .ack(
                .init(
                    sequence: chance.next(), creditBytes: chance.next(), part: chance.next32(),
                    origin: chance.next32()))
        case 5:
            .reject(
                .init(
                    sequence: chance.next(), number: chance.next32(), text: text(), part: chance.next32(),
                    origin: chance.next32()))
        case 6: .stop(.init(reason: text()))
        case 7:
            .register(
                .init(
                    role: Bool.random(using: &chance) ? .device : .worker, samples: chance.next(),
                    threads: chance.next32(), endpoint: text(), endpointKey: text(), step: chance.next(),
                    messages: chance.next(), memoryBytes: chance.next(),
                    codecs: (0..<Int.random(in: 0...5, using: &chance)).map { _ in chance.next32() >> 1 },
                    columns: chance.next32()))
        case 8:
            .deviceProgress(
                .init(
                    publishedSamples: chance.next(), tokens: chance.next(), computeNanoseconds: chance.next(),
                    bytesUp: chance.next(), bytesDown: chance.next(), finished: Bool.random(using: &chance)))
        case 9:
            .stepReport(
                .init(
                    step: chance.next(), epoch: chance.next32(), loss: chance.normal(), accuracy: chance.uniform(),
                    learningRate: chance.uniform(), tokens: chance.next(), samples: chance.next(),
                    seconds: chance.uniform(), queueDepth: chance.next(), bytesUp: chance.next()))
        case 10:
            .workerFinished(
                .init(
                    steps: chance.next(), epochs: chance.next32(), tokens: chance.next(), samples: chance.next(),
                    seconds: chance.uniform(), bytesUp: chance.next(), bytesDown: chance.next()))
        case 11:
            .failure(
                .init(exitCode: Int32(bitPattern: chance.next32()), problem: text(), remedy: text()))
        case 12: .heartbeat(time: chance.next())
        case 13:
            .assignment(
                .init(
                    cut: chance.next32(), workerEndpoint: text(), seed: chance.next(), generation: chance.next(),
                    number: chance.next32(), epoch: chance.next32(), worker: text(), workerKey: text(),
                    samples: chance.next(), codec: UInt32.random(in: 0...9, using: &chance)))
        case 14: .runPlan(plan())
        case 15:
            .welcome(
                .init(
                    creditBytes: chance.next(), settled: ranges(),
                    compressions: (0..<Int.random(in: 0...3, using: &chance)).map { _ in chance.next32() >> 1 }))
        case 16:
            .handoverFile(
                .init(
                    sequence: chance.next(), step: chance.next(), name: text(), offset: chance.next(),
                    bytes: chance.next(), checksum: chance.next()))
        case 17: .heartbeatReply(time: chance.next())
        case 18: .recipeRequest(Bool.random(using: &chance) ? .device : .worker)
        case 19: .queueReport(queueReport())
        case 20: .goodbye(reason: text())
        case 21: .handedOver(.init(step: chance.next(), messages: chance.next()))
        case 22: .drain(.init(successor: text(), successorEndpoint: text(), successorKey: text()))
        case 23: .stepRecorded(step: chance.next())
        case 24: .runRecipe(.init(recipe: text(), number: chance.next32()))
        case 25: .registerAgain
        case 26:
            .stepOrder(
                .init(
                    step: chance.next(), sums: chance.next32(),
                    microBatches: (0..<Int.random(in: 0...9, using: &chance)).map { _ in orderedMicroBatch() },
                    lossScale: Float(chance.normal()), digest: chance.next(),
                    stage: Bool.random(using: &chance) ? stageShare() : nil))
        case 27:
            .stepPart(
                .init(
                    step: chance.next(),
                    lossSums: (0..<Int.random(in: 0...9, using: &chance)).map { _ in chance.normal() },
                    correct: (0..<Int.random(in: 0...9, using: &chance)).map { _ in chance.next() },
                    seconds: chance.uniform()))
        case 28: .stepsWanted(after: chance.next())
        case 29: .recordedSteps(recordedSteps())
        case 30: .orderedMicroBatch(orderedMicroBatch())
        case 31: .methodGreeting(.init(life: chance.next(), next: place()))
        case 32: .methodReceived(next: place())
        case 33:
            .methodPart(
                .init(
                    place: place(), parts: chance.next32(), checksum: chance.next(),
                    content: Bool.random(using: &chance) ? methodContent() : nil))
        default:
            .tensorPiece(
                .init(
                    kind: Body.TensorPiece.Kind.allCases.randomElement(using: &chance) ?? .state, step: chance.next(),
                    index: chance.next32(), offset: chance.next(), count: chance.next(), checksum: chance.next()))
        }
    }

    private mutating func orderedMicroBatch() -> Body.OrderedMicroBatch {
        var numbers: [UInt32] { (0..<Int.random(in: 0...20, using: &chance)).map { _ in chance.next32() } }
        return .init(
            number: chance.next32(), firstSequence: chance.next32(), lengths: numbers, targetLengths: numbers,
            targets: numbers)
    }

    private mutating func stageShare() -> Body.StageShare {
        .init(
            stage: chance.next32(), stages: chance.next32(), firstBlock: chance.next32(), endBlock: chance.next32(),
            microBatches: chance.next32(), fusesBackward: Bool.random(using: &chance), operations: "F.0 B.0 W.0 step")
    }

    private mutating func place() -> Body.MethodPlace { .init(number: chance.next(), part: chance.next32()) }

    private mutating func methodContent() -> Body.MethodContent {
        var numbers: [UInt32] { (0..<Int.random(in: 0...20, using: &chance)).map { _ in chance.next32() } }
        return .init(
            kind: UInt32.random(in: 0...12, using: &chance), step: chance.next32(), version: chance.next32(),
            pair: chance.next32(), isPlus: Bool.random(using: &chance),
            samples: Bool.random(using: &chance)
                ? .init(sampleIDs: numbers, lengths: numbers, targetLengths: numbers, targets: numbers) : nil,
            scalars: (0..<Int.random(in: 0...5, using: &chance)).map { _ in
                .init(name: text(), value: Float(chance.normal()))
            },
            tensors: (0..<Int.random(in: 0...9, using: &chance)).map { _ in
                .init(
                    name: text(), rows: chance.next32(), columns: chance.next32(),
                    hasIndices: Bool.random(using: &chance))
            })
    }

    private mutating func activations() -> Body.Activations {
        let count = Int.random(in: 0...40, using: &chance)
        var activations = Body.Activations(
            sequence: chance.next(), sampleIDs: (0..<count).map { _ in chance.next() },
            lengths: (0..<count).map { _ in chance.next32() }, targetLengths: (0..<count).map { _ in chance.next32() },
            targets: (0..<Int.random(in: 0...200, using: &chance)).map { _ in chance.next32() }, cut: chance.next32(),
            codec: UInt32.random(in: 0...3, using: &chance), rows: chance.next32(),
            columns: chance.next32(), checksum: chance.next(), part: chance.next32(), parts: chance.next32(),
            origin: chance.next32())
        activations.compression = UInt32.random(in: 0...2, using: &chance)
        return activations
    }

    private mutating func ranges() -> [ClosedRange<UInt64>] {
        (0..<Int.random(in: 0...20, using: &chance)).map { _ in
            let ends = [chance.next(), chance.next()].sorted()
            return ends[0]...ends[1]
        }
    }

    private mutating func queueReport() -> Body.QueueReport {
        let devices = (0..<Int.random(in: 0...9, using: &chance)).map { _ in
            Body.DeviceQueue(
                device: text(), samples: chance.next(), messages: chance.next(), bytes: chance.next(),
                pendingBytes: chance.next(), creditBytes: chance.next(), duplicates: chance.next(),
                redelivered: chance.next(), dead: chance.next())
        }
        var report = Body.QueueReport(
            devices: devices, storeBytes: chance.next(), storeCapacity: chance.next(),
            isFull: Bool.random(using: &chance), advanceSeconds: chance.uniform(),
            advanceBlockTokens: chance.next(), stepSeconds: chance.uniform(), stepTokens: chance.next(),
            refusals: (0..<Int.random(in: 0...9, using: &chance)).map { _ in
                Body.Refused(reason: text(), count: chance.next(), last: text())
            })
        report.frozenForwardSeconds = chance.uniform()
        report.pipeline = Bool.random(using: &chance) ? pipeline() : nil
        report.shares = (0..<Int.random(in: 0...3, using: &chance)).map { _ in
            Body.WorkerShare(worker: text(), microBatches: chance.next())
        }
        report.queuedMessages = chance.next()
        report.oldestAgeSeconds = chance.uniform()
        report.bytesReceived = chance.next()
        report.bytesSent = chance.next()
        report.codecBytes = PayloadCodec.allCases.map { Body.CodecBytes(codec: $0, bytes: chance.next()) }
        report.newestStep = Bool.random(using: &chance) ? newestStep() : nil
        return report
    }

    private mutating func newestStep() -> StepOperations {
        StepOperations(
            step: Int(chance.next32()),
            stages: (0..<Int.random(in: 0...3, using: &chance)).map { _ in
                StepOperations.Stage(
                    stage: Int(chance.next32()),
                    operations: StepOperations.Kind.allCases.map {
                        StepOperations.Operation(
                            op: $0, microBatch: Int(chance.next32()), startSeconds: chance.uniform(),
                            endSeconds: chance.uniform())
                    })
            })
    }

    private mutating func pipeline() -> PipelineSummary {
        PipelineSummary(
            schedule: text(), predictedBubble: chance.uniform(), measuredBubble: chance.uniform(),
            stages: (0..<Int.random(in: 0...5, using: &chance)).map { _ in
                PipelineSummary.Stage(
                    blocks: [Int(chance.next32()), Int(chance.next32())], bubble: chance.uniform(),
                    forwardSeconds: chance.uniform(), backwardInputSeconds: chance.uniform(),
                    backwardWeightsSeconds: chance.uniform(), stashedMicroBatches: Int(chance.next32()),
                    stashedBytes: Int(chance.next32()))
            })
    }

    private mutating func recordedSteps() -> Body.RecordedSteps {
        let steps = (0..<Int.random(in: 0...20, using: &chance)).map { _ in
            Body.RecordedStep(
                step: chance.next(), sampleIDs: (0..<Int.random(in: 0...9, using: &chance)).map { _ in chance.next() })
        }
        return Body.RecordedSteps(after: chance.next(), steps: steps, isComplete: Bool.random(using: &chance))
    }

    private mutating func plan() -> Body.RunPlan {
        let count = Int.random(in: 0...20, using: &chance)
        return Body.RunPlan(
            devices: (0..<count).map { _ in
                .init(
                    device: text(), samples: chance.next(), cut: chance.next32(), key: text(),
                    creditBytes: chance.next())
            },
            seed: chance.next(), generation: chance.next(), predecessor: text(), predecessorKey: text(),
            leader: Bool.random(using: &chance) ? peer() : nil,
            replicas: (0..<Int.random(in: 0...4, using: &chance)).map { _ in peer() },
            stages: (0..<Int.random(in: 0...4, using: &chance)).map { _ in peer() })
    }

    private mutating func peer() -> Body.WorkerPeer {
        Body.WorkerPeer(worker: text(), endpoint: text(), key: text())
    }

    /// Up to 24 characters of one to four UTF-8 bytes.
    private mutating func text() -> String {
        let alphabet = Array("aZ09 _-/:.\"\n\u{7F}éßλ中🙂")
        let count = Int.random(in: 0...24, using: &chance)
        return String((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &chance)] })
    }
}

extension SeededGenerator {
    mutating func next32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
}
