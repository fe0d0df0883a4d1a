/// Which stage hands what to which: frozen blocks in the order of stages, then trainable blocks in the order of stages.
///
/// Both chains may use the same stages. A micro-batch then passes them twice: first through all frozen blocks, from the
/// first stage that has some to the last, and then, from the first stage that trains, through the trainable ones.
struct StageChain {
    let stages: [StageBlocks]
    let firstTrainable: Int?
    let lastFrozen: Int?
    private let nextFrozenOf: [Int?]
    private let previousFrozenOf: [Int?]
    private let nextTrainableOf: [Int?]
    private let previousTrainableOf: [Int?]

    init(_ stages: [StageBlocks]) {
        self.stages = stages
        let frozen = stages.indices.filter { stages[$0].frozen }
        let trainable = stages.indices.filter { stages[$0].trainable }
        firstTrainable = trainable.first
        lastFrozen = frozen.last
        nextFrozenOf = stages.indices.map { stage in frozen.first { $0 > stage } }
        previousFrozenOf = stages.indices.map { stage in frozen.last { $0 < stage } }
        nextTrainableOf = stages.indices.map { stage in trainable.first { $0 > stage } }
        previousTrainableOf = stages.indices.map { stage in trainable.last { $0 < stage } }
    }

    /// An operation of the same micro-batch and step that must be done before another one may begin.
    struct Input {
        var stage: Int
        var kind: StageOperation.Kind
    }

    /// What an operation reads from another stage's operation; nil when it reads from its own stage or the store alone.
    /// Its stage can be the operation's own, for F behind F0.
    func input(of kind: StageOperation.Kind, stage: Int, fusesBackward: Bool) -> Input? {
        switch kind {
        case .frozenForward: previousFrozen(stage).map { Input(stage: $0, kind: .frozenForward) }
        case .forward:
            if let previous = previousTrainable(stage) {
                Input(stage: previous, kind: .forward)
            } else {
                lastFrozen.map { Input(stage: $0, kind: .frozenForward) }
            }
        case .backwardInput:
            nextTrainable(stage).map { Input(stage: $0, kind: fusesBackward ? .backwardWeights : .backwardInput) }
        case .backwardWeights, .step: nil
        }
    }

    /// What an operation reads from its own stage.
    func ownInput(of kind: StageOperation.Kind) -> StageOperation.Kind? {
        switch kind {
        case .backwardInput: .forward
        case .backwardWeights: .backwardInput
        case .frozenForward, .forward, .step: nil
        }
    }

    /// The stage that reads F0's result.
    func reader(ofFrozen stage: Int) -> Int? { nextFrozen(stage) ?? firstTrainable }

    func nextFrozen(_ stage: Int) -> Int? { nextFrozenOf[stage] }
    func previousFrozen(_ stage: Int) -> Int? { previousFrozenOf[stage] }
    func nextTrainable(_ stage: Int) -> Int? { nextTrainableOf[stage] }
    func previousTrainable(_ stage: Int) -> Int? { previousTrainableOf[stage] }
}

extension Schedule {
    var chain: StageChain { StageChain(stages.map(\.blocks)) }
}
