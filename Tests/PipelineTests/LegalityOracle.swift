import Pipeline

/// Whether a schedule can be walked, decided in another way than the checker does: all dependencies of some steps as one
/// graph, which must have no cycle.
enum LegalityOracle {
    private struct Node: Hashable {
        var stage: Int
        var step: Int
        var kind: StageOperation.Kind
        var microBatch: Int
    }

    static func isLegal(_ schedule: Schedule, steps: Int = 6) -> Bool {
        var edges: [Node: [Node]] = [:]
        var nodes: Set<Node> = []
        let blocks = schedule.stages.map(\.blocks)
        for (number, stage) in schedule.stages.enumerated() {
            var walked = stage.prologue.map { node($0, number, 0) }
            guard stage.prologue.allSatisfy({ $0.kind == .frozenForward }) else { return false }
            for step in 0..<steps {
                guard stage.step.last?.kind == .step else { return false }
                guard stage.step.allSatisfy({ $0.kind == .frozenForward || $0.stepsAhead == 0 }) else { return false }
                walked += stage.step.map { node($0, number, step) }
            }
            walked.removeAll { $0.step >= steps }
            guard Set(walked).count == walked.count else { return false }
            guard Set(walked) == expected(number, blocks[number], schedule.microBatches, steps) else { return false }
            nodes.formUnion(walked)
            for (earlier, later) in zip(walked, walked.dropFirst()) { edges[earlier, default: []].append(later) }
            if schedule.fusesBackward {
                for (place, node) in walked.enumerated() where node.kind == .backwardWeights {
                    guard place > 0, walked[place - 1].kind == .backwardInput,
                        walked[place - 1].microBatch == node.microBatch
                    else { return false }
                }
            }
        }
        for node in nodes {
            for before in inputs(of: node, schedule) where nodes.contains(before) {
                edges[before, default: []].append(node)
            }
        }
        return hasNoCycle(nodes, edges)
    }

    private static func node(_ operation: StageOperation, _ stage: Int, _ step: Int) -> Node {
        Node(
            stage: stage, step: step + operation.stepsAhead, kind: operation.kind, microBatch: operation.microBatch)
    }

    private static func expected(_ stage: Int, _ blocks: StageBlocks, _ microBatches: Int, _ steps: Int) -> Set<Node> {
        var nodes: Set<Node> = []
        for step in 0..<steps {
            nodes.insert(Node(stage: stage, step: step, kind: .step, microBatch: 0))
            for microBatch in 0..<microBatches {
                let kinds: [StageOperation.Kind] =
                    (blocks.frozen ? [.frozenForward] : [])
                    + (blocks.trainable ? [.forward, .backwardInput, .backwardWeights] : [])
                for kind in kinds {
                    nodes.insert(Node(stage: stage, step: step, kind: kind, microBatch: microBatch))
                }
            }
        }
        return nodes
    }

    /// Straight from the rules, without the pipeline's own chain.
    private static func inputs(of node: Node, _ schedule: Schedule) -> [Node] {
        let stages = schedule.stages
        let frozen = stages.indices.filter { stages[$0].blocks.frozen }
        let trainable = stages.indices.filter { stages[$0].blocks.trainable }
        let at = { (stage: Int, kind: StageOperation.Kind) in
            Node(stage: stage, step: node.step, kind: kind, microBatch: node.microBatch)
        }
        switch node.kind {
        case .frozenForward:
            var inputs = frozen.filter { $0 < node.stage }.map { at($0, .frozenForward) }
            let number = node.step * schedule.microBatches + node.microBatch - stages[node.stage].room
            let next = frozen.first { $0 > node.stage }
            if number >= 0, let reader = next ?? trainable.first {
                inputs.append(
                    Node(
                        stage: reader, step: number / schedule.microBatches,
                        kind: next == nil ? .forward : .frozenForward, microBatch: number % schedule.microBatches))
            }
            return inputs
        case .forward:
            return frozen.map { at($0, .frozenForward) } + trainable.filter { $0 < node.stage }.map { at($0, .forward) }
        case .backwardInput:
            let kind = schedule.fusesBackward ? StageOperation.Kind.backwardWeights : .backwardInput
            return [at(node.stage, .forward)] + trainable.filter { $0 > node.stage }.map { at($0, kind) }
        case .backwardWeights: return [at(node.stage, .backwardInput)]
        case .step:
            guard stages[node.stage].blocks.trainable else { return [] }
            let waited = schedule.barrier == .allStages ? trainable : [node.stage]
            return waited.flatMap { stage in
                (0..<schedule.microBatches).map {
                    Node(stage: stage, step: node.step, kind: .backwardWeights, microBatch: $0)
                }
            }
        }
    }

    private static func hasNoCycle(_ nodes: Set<Node>, _ edges: [Node: [Node]]) -> Bool {
        var left = Dictionary(uniqueKeysWithValues: nodes.map { ($0, 0) })
        for targets in edges.values { for target in targets { left[target, default: 0] += 1 } }
        var ready = left.filter { $0.value == 0 }.map(\.key)
        var done = 0
        while let node = ready.popLast() {
            done += 1
            for target in edges[node] ?? [] {
                left[target, default: 0] -= 1
                if left[target] == 0 { ready.append(target) }
            }
        }
        return done == nodes.count
    }
}
