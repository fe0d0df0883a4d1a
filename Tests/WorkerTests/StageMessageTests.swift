import Models
import Pipeline
import Queueing
import Randomness
import Support
import Tensors
import Testing
import Wire

@testable import Methods
@testable import Worker

/// What a leader and its later stages believe of each other's messages.
@Suite("Messages of stages")
struct StageMessageTests {
    private static let width = 4
    private static let check = ActivationCheck(
        limits: WireLimits(), run: "run", width: width, maximumCut: 2, targetLimit: 5, maximumLength: 9)

    /// A step of three micro-batches on three stages.
    private struct Scene {
        let schedule: Schedule
        let microBatches = [[2, 3], [4], [1]].map { lengths in
            MicroBatch(lengths: lengths, targets: lengths.map { _ in [3] }) { _ in }
        }
        let parameters: TrainableParameters

        init() throws {
            let unit = StageCosts(forward: 1, backwardInput: 1, backwardWeights: 1)
            schedule = try Schedule.make(
                .zeroBubble1, costs: PipelineCosts(stages: [unit, unit, unit]), microBatches: 3)
            let model = try LanguageModel(source: RandomModelSource(layers: 6), maximumTokens: 16)
            parameters = TrainableParameters(
                layout: TrainableLayout.adapters(model.hyperparameters, blocks: 2..<6, rank: 1, alpha: 1))
        }

        func share(_ stage: Int) -> StageShare {
            StageShare(stage: stage, blocks: [2..<3, 3..<5, 5..<6][stage], schedule: schedule)
        }

        func order(_ stage: Int, isPart: Bool = false) -> [Body] {
            let step = StepMessages.step(
                7, microBatches, sums: 2, lossScale: 0.5, isPart: isPart, state: [("parameters", parameters)])
            return StageMessages.order(share(stage), of: step, digest: 9)
        }

        func count(_ stage: Int) -> Int { parameters.layout.range(ofStage: share(stage).blocks).count }
    }

    private static func intake(_ scene: Scene) -> StepIntake {
        StepIntake(check, parameters: scene.parameters.layout.count, stateCount: 1)
    }

    private static func take(
        _ intake: inout StepIntake, _ body: Body, _ payload: Frame? = nil
    ) throws -> StepIntake.Work? {
        try (payload.map { [$0] } ?? []).withBytes { try intake.take(body, run: "run", $0) }
    }

    /// Numbers that are all different.
    private static func storage(_ count: Int, from first: Float = 1) -> Storage {
        let values = Storage(count: count)
        for i in 0..<count { values.base[i] = first + Float(i) }
        return values
    }

    private static func floats(_ values: Storage) -> [Float] {
        values.matrix(rows: 1, columns: values.count).values
    }

    @Test(
        "an order arrives as it was given, and then streams from both sides, however they mix", arguments: [1, 2],
        [false, true])
    func order(stage: Int, isPart: Bool) throws {
        let scene = try Scene()
        var intake = Self.intake(scene), found: StageOrder?
        for body in scene.order(stage, isPart: isPart) {
            #expect(found == nil)
            if case .stage(let order) = try Self.take(&intake, body) { found = order }
        }
        let order = try #require(found)
        #expect(order.step == 7 && order.digest == 9 && order.sums == 2 && order.keepsSums == isPart)
        #expect(order.lossScale == 0.5 && order.share.stage == stage && order.share.blocks == scene.share(stage).blocks)
        #expect(order.share.schedule.stages[stage] == scene.schedule.stages[stage])
        #expect(order.microBatches.map(\.layout.tokens) == [5, 4, 1] && order.firstSequences == [0, 2, 3])
        #expect(order.microBatches[0].targets == (stage == 2 ? [[3], [3]] : [[0], [0]]))

        let activations = StageTensor(.activations, microBatch: 1, values: Self.storage(16))
        let gradient = StageTensor(.gradient, microBatch: 0, values: Self.storage(20, from: 100))
        for tensor in stage == 2 ? [activations] : [gradient, activations] {
            for (body, payload) in StageMessages.cut(tensor, step: 7) {
                guard case .stream(let found) = try Self.take(&intake, body, payload) else {
                    Issue.record("no stream")
                    continue
                }
                #expect(found.content == tensor.content && found.microBatch == tensor.microBatch)
                #expect(Self.floats(found.values) == Self.floats(tensor.values))
            }
        }
    }

    @Test(
        "an order in which a number is wrong is refused, or means something else: nothing else happens",
        arguments: 1...400 as ClosedRange<UInt64>)
    func mutatedOrders(seed: UInt64) throws {
        let scene = try Scene()
        var chance = SeededGenerator(seed: seed, stream: "stages/orders")
        var bodies = scene.order(1)
        let place = Int.random(in: 0..<bodies.count, using: &chance)
        let number: UInt32 = [0, 1, 2, 3, 4, 64, 65, 1024, 1025, .max].randomElement(using: &chance) ?? 0
        switch bodies[place] {
        case .stepOrder(var order):
            let words = [
                "", "F.0", "step", "F.0 B.0 W.0 step", "F0.1", "F.70000", "F.0 F.0 B.0 W.0 step", "W.0 B.0 F.0",
            ]
            switch Int.random(in: 0..<8, using: &chance) {
            case 0: order.stage?.stage = number
            case 1: order.stage?.stages = number
            case 2: order.stage?.firstBlock = number
            case 3: order.stage?.endBlock = number
            case 4: order.stage?.microBatches = number
            case 5: order.sums = number
            case 6: order.lossScale = .nan
            default: order.stage?.operations = words.randomElement(using: &chance) ?? ""
            }
            bodies[place] = .stepOrder(order)
        case .orderedMicroBatch(var microBatch):
            switch Int.random(in: 0..<5, using: &chance) {
            case 0: microBatch.number = number
            case 1: microBatch.lengths = [number]
            case 2: microBatch.targetLengths = [number]
            case 3: microBatch.targets = [number]
            default: (microBatch.lengths, microBatch.targetLengths, microBatch.targets) = ([], [], [])
            }
            bodies[place] = .orderedMicroBatch(microBatch)
        default: break
        }
        var intake = Self.intake(scene), found: StageOrder?
        do {
            for body in bodies { if case .stage(let order) = try Self.take(&intake, body) { found = order } }
        } catch is WireError { return }
        guard let order = found else { return }
        #expect(order.share.stage > 0 && order.share.blocks.lowerBound >= 2 && order.sums > 0)
        #expect(order.microBatches.count == order.share.schedule.microBatches)
    }

    @Test("a piece that no neighbour sends ends the stage", arguments: 0..<9)
    func hostileStreams(fault: Int) throws {
        let scene = try Scene(), stage = fault == 8 ? 2 : 1
        var intake = Self.intake(scene)
        for body in scene.order(stage) { _ = try Self.take(&intake, body) }
        let values = Self.storage(16)
        if fault == 0 { values.base[3] = .nan }
        let whole = StageTensor(fault == 8 ? .gradient : .activations, microBatch: 1, values: values)
        let (body, payload) = StageMessages.cut(whole, step: 7)[0]
        guard case .tensorPiece(var piece) = body else { return }
        var frames = [payload]
        switch fault {
        case 1: piece.index = 3
        case 2: piece.count = 20
        case 3: piece.offset = 4
        case 4: piece.step = 8
        case 5: piece.checksum ^= 1
        case 6: frames = []
        case 7: piece.kind = .sum
        default: break
        }
        #expect(throws: WireError.self) {
            try frames.withBytes { try intake.take(.tensorPiece(piece), run: "run", $0) }
        }
    }

    @Test("what belongs to an earlier step comes too late, and harms nobody")
    func late() throws {
        let scene = try Scene()
        var intake = Self.intake(scene)
        for body in scene.order(1) { _ = try Self.take(&intake, body) }
        let (body, payload) = StageMessages.cut(
            StageTensor(.gradient, microBatch: 40, values: Self.storage(3)), step: 6)[0]
        #expect(try Self.take(&intake, body, payload) == nil)
    }

    private struct Unexpected: Error {
        let what: String
    }

    // MARK: What the leader takes

    private static func crew(_ scene: Scene) -> StageCrew {
        StageCrew(
            step: 7,
            exchange: StageExchange(scene.share(0), microBatches: scene.microBatches, width: width) { _ in },
            members: [.init(id: "one", session: 1), .init(id: "two", session: 2)],
            gradientCounts: [scene.count(1), scene.count(2)],
            targetCounts: scene.microBatches.map(\.targetCount))
    }

    private static func take(
        _ crew: inout StageCrew, _ body: Body, _ payload: Frame?, from id: String
    ) throws -> StageCrew.Action? {
        try (payload.map { [$0] } ?? []).withBytes { payloads in
            switch body {
            case .tensorPiece(let piece): try crew.take(piece, payloads, from: id)
            case .stepPart(let part): try crew.take(part, from: id)
            default: nil
            }
        }
    }

    @Test("a leader sends on what goes between stages, keeps what is its own, and has all when all have ended")
    func crewWorks() throws {
        let scene = try Scene()
        var crew = Self.crew(scene)
        func send(_ tensor: StageTensor, from id: String) throws -> StageCrew.Action? {
            let (body, payload) = StageMessages.cut(tensor, step: 7)[0]
            return try Self.take(&crew, body, payload, from: id)
        }
        guard
            case .relay(to: .init(id: "two", session: 2)) = try send(
                StageTensor(.activations, microBatch: 0, values: Self.storage(20)), from: "one")
        else { throw Unexpected(what: "activations of stage 1 go to stage 2") }
        guard
            case .relay(to: .init(id: "one", session: 1)) = try send(
                StageTensor(.gradient, microBatch: 0, values: Self.storage(20)), from: "two")
        else { throw Unexpected(what: "gradients of stage 2 go to stage 1") }
        guard
            case .received(let gradient) = try send(
                StageTensor(.gradient, microBatch: 1, values: Self.storage(16)), from: "one")
        else { throw Unexpected(what: "gradients of stage 1 are the leader's") }
        #expect(gradient.microBatch == 1 && Self.floats(gradient.values) == Self.floats(Self.storage(16)))
        #expect(crew.waitedFor?.id == "two")
        for (stage, id) in [(1, "one"), (2, "two")] {
            #expect(crew.complete == nil)
            var intake = Self.intake(scene), order: StageOrder?
            for body in scene.order(stage) {
                if case .stage(let found) = try Self.take(&intake, body) { order = found }
            }
            let result = StageResult(
                gradient: Self.storage(scene.count(stage)),
                results: stage == 2 ? [2, 1, 0].map { .init(lossSum: Double($0), correct: $0) } : [])
            for (body, payload) in StageMessages.result(result, of: try #require(order), seconds: 1) {
                _ = try Self.take(&crew, body, payload, from: id)
            }
        }
        let complete = try #require(crew.complete)
        #expect(complete[1].results.map(\.correct) == [2, 1, 0] && complete[0].results.isEmpty && !crew.isLost)
        #expect(complete.map { $0.gradient.count } == [scene.count(1), scene.count(2)])
    }

    @Test("a leader refuses what a stage has no reason to send", arguments: 0..<9)
    func hostileCrew(fault: Int) throws {
        let scene = try Scene()
        var crew = Self.crew(scene)
        let (first, payload) = StageMessages.cut(
            StageTensor(.gradient, microBatch: 1, values: Self.storage(16)), step: 7)[0]
        guard case .tensorPiece(var piece) = first else { return }
        var body: Body?
        switch fault {
        case 0: piece.index = 3
        case 1: piece.index = .max
        case 2: piece.count = 12
        case 3: piece.step = 8
        case 4: piece.checksum ^= 1
        case 5: piece.kind = .state
        case 6: (piece.kind, piece.index) = (.sum, 2)
        case 7: (piece.kind, piece.index, piece.count) = (.sum, 1, .max)
        default:
            // All of its gradient, and losses that it cannot know.
            let pieces = TensorPieces.cut(Self.storage(scene.count(1)), kind: .sum, step: 7, index: 1)
            for (body, payload) in pieces { _ = try Self.take(&crew, body, payload, from: "one") }
            body = .stepPart(.init(step: 7, lossSums: [1], correct: [1], seconds: 1))
        }
        #expect(throws: WireError.self) {
            try Self.take(&crew, body ?? .tensorPiece(piece), body == nil ? payload : nil, from: "one")
        }
        #expect(crew.complete == nil)
    }

    @Test(
        "a leader refuses losses that no targets have",
        arguments: zip([[1, 1], [1, 1, -1], [.nan, 1, 1], [1, 1, 1]] as [[Double]], [0, 0, 0, UInt64.max]))
    func hostileLosses(lossSums: [Double], correct: UInt64) throws {
        let scene = try Scene()
        var crew = Self.crew(scene)
        let pieces = TensorPieces.cut(Self.storage(scene.count(2)), kind: .sum, step: 7, index: 2)
        for (body, payload) in pieces { _ = try Self.take(&crew, body, payload, from: "two") }
        let part = Body.StepPart(step: 7, lossSums: lossSums, correct: lossSums.map { _ in correct }, seconds: 1)
        #expect(throws: WireError.self) { try crew.take(part, from: "two") }
    }

    @Test("a stage that ends without its gradient has given up, and the others are not waited for")
    func givesUp() throws {
        let scene = try Scene()
        var crew = Self.crew(scene)
        let part = Body.StepPart(step: 7, lossSums: [], correct: [], seconds: 1)
        guard case .lost = try crew.take(part, from: "two") else { throw Unexpected(what: "it is lost") }
        #expect(crew.isLost && crew.complete == nil)
    }
}
