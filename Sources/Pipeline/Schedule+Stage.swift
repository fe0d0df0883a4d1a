extension Schedule {
    /// A schedule of which the list of one stage is known: what the others do shows in what comes of them.
    ///
    /// - Parameters:
    ///   - list: as `listText` writes it.
    ///   - count: how many stages there are; every one trains.
    /// - Throws: `ScheduleError` for a list that nobody can walk.
    public init(
        stage: Int, of count: Int, list: String, microBatches: Int, fusesBackward: Bool
    ) throws(ScheduleError) {
        try Self.checkSize(stages: count, microBatches: microBatches)
        guard (0..<count).contains(stage) else {
            throw .impossible(reason: "stage \(stage) of \(count) stages")
        }
        var operations: [StageOperation] = []
        for word in list.split(separator: " ") {
            guard let operation = StageOperation(word) else {
                throw .impossible(reason: "'\(word.prefix(40))' is no operation such as F.3")
            }
            operations.append(operation)
        }
        let blocks = StageBlocks(frozen: false, trainable: true)
        self.init(
            name: "stage \(stage)", microBatches: microBatches, fusesBackward: fusesBackward,
            stages: (0..<count).map { Stage(blocks: blocks, step: $0 == stage ? operations : []) })
        try checkList(of: stage)
    }

    /// The list of a stage's step, operations separated by spaces.
    public func listText(of stage: Int) -> String { stages[stage].step.map(\.description).joined(separator: " ") }
}
