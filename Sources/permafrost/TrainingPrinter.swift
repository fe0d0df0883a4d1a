import Logs
import Runs
import Synchronization

/// Shows a run: what was read, how far devices have published, one training line every so many steps, the summary.
final class TrainingPrinter: Sendable {
    /// Training lines of a whole run that stay on the screen.
    private static let lines = 40

    private struct State {
        var published: [Int] = []
        var shardSizes: [Int] = []
        var isPublished = false
        var startStep = 0
        var secondsBefore: Double?
        var lossSum = 0.0
        var accuracySum: Double?
        var count = 0
    }

    private let console: any LineSink
    private let recipePath: String
    private let state = Mutex(State())

    /// - Parameter recipePath: as the user typed it, for the next command.
    init(_ console: any LineSink, recipePath: String) {
        self.console = console
        self.recipePath = recipePath
    }

    func show(_ event: RunEvent) {
        switch event {
        case .loadingModel(let path): console.status("loading \(path)")
        case .prepared(let news): show(news)
        case .loadedModel(let parameters, let layers, let seconds):
            console.line(
                "model     \(Figures.parameters(parameters)) parameters in \(layers) blocks  "
                    + "(\(Figures.duration(seconds)))")
        case .preparedData(let labels, let test, let shards): show(labels, test, shards)
        case .evaluating(let done, let count): console.status("testing   \(done)/\(count) examples")
        case .baseline(let score): console.line("untuned   \(Figures.score(score))")
        case .training(let method, let steps, let startStep, let trainable, let folder):
            state.withLock { $0.startStep = startStep }
            console.line(
                "training  \(method), \(Figures.count(steps, "step")), \(Figures.count(trainable)) trainable parameters"
                    + (startStep > 0 ? ", resumed after step \(Figures.count(startStep))" : ""))
            console.line("folder    \(folder)")
        case .published(let device, let samples, let count): showPublished(device, samples, count)
        case .step(let line): show(line)
        case .finished(let summary): console.line(summaryText(summary))
        }
    }

    /// Shows what happened to prepared blocks.
    func show(_ news: PreparedNews) {
        switch news {
        case .made(let file, let bytes, let seconds):
            console.line("prepared  \(file), \(Figures.bytes(Double(bytes)))  (\(Figures.duration(seconds)))")
        case .damaged(let error): console.line("damaged   \(error.problem); it was removed and will be made anew")
        case .unavailable(let error):
            console.line("prepared  nothing: \(error.problem); blocks come from the model's file")
        }
    }

    private func show(_ labels: [String], _ test: Int, _ shards: [RunEvent.Shard]) {
        let sizes = shards.map(\.samples)
        state.withLock { state in
            state.shardSizes = sizes
            state.published = sizes.map { _ in 0 }
        }
        console.line(
            "data      \(Figures.count(sizes.reduce(0, +), "example")) on \(Figures.count(shards.count, "device")), "
                + "\(Figures.count(test)) for testing")
        for shard in shards {
            let held = zip(labels, shard.samplesByLabel).filter { $0.1 > 0 }
                .map { "\(Figures.count($0.1)) \($0.0)" }.joined(separator: ", ")
            let shown = labels.isEmpty ? Figures.count(shard.samples, "example") : held
            console.line("  \(shard.device)  cut \(shard.cut)  \(shown)")
        }
    }

    private func showPublished(_ device: Int, _ samples: Int, _ count: Int) {
        let (published, sizes) = state.withLock { state in
            state.published[device] = samples
            return (state.published, state.shardSizes)
        }
        guard published != sizes else { return showAllPublished(sizes.reduce(0, +)) }
        let parts = zip(published, sizes).map { "\($0 * 100 / max(1, $1))%" }.joined(separator: " ")
        console.status("published \(Figures.count(published.reduce(0, +))) examples  (\(parts))")
    }

    /// Devices still tell that the last of their messages were acknowledged: that is no more news.
    private func showAllPublished(_ count: Int) {
        let isNews = state.withLock { state in
            defer { state.isPublished = true }
            return !state.isPublished
        }
        if isNews { console.line("published all \(Figures.count(count)) examples") }
    }

    private func show(_ line: TrainingLine) {
        let (mean, left) = state.withLock { state in
            // The first step's time is that of a resumed run, of which nothing says how long the next ones take.
            let before = state.secondsBefore ?? (state.startStep == 0 ? 0 : line.seconds)
            state.secondsBefore = before
            let taken = Double(max(1, line.step - state.startStep))
            let left = Double(line.steps - line.step) * (line.seconds - before) / taken
            state.lossSum += line.loss
            state.accuracySum = line.acc.map { $0 + (state.accuracySum ?? 0) }
            state.count += 1
            let count = Double(state.count)
            return ((loss: state.lossSum / count, accuracy: state.accuracySum.map { $0 / count }), left)
        }
        let text = trainingText(line, loss: mean.loss, accuracy: mean.accuracy)
        let interval = max(1, (line.steps + Self.lines - 1) / Self.lines)
        let isDue = line.step % interval == 0 || line.step == line.steps || line.step == 1
        guard isDue else {
            console.status("\(text)  eta \(Figures.duration(left))")
            return
        }
        console.line(text)
        state.withLock { state in
            state.lossSum = 0
            state.accuracySum = nil
            state.count = 0
        }
    }

    /// Loss and accuracy are means over the steps since the last line that stayed.
    private func trainingText(_ line: TrainingLine, loss: Double, accuracy: Double?) -> String {
        [
            "step \(line.step)/\(line.steps)", "loss \(Figures.decimal(loss, 4))",
            accuracy.map { "acc \(Figures.decimal($0, 2))" }, "lr \(Figures.rate(line.lr))",
            "tok/s \(Figures.count(Int(line.tokensPerSecond)))", "bubble \(Figures.decimal(100 * line.bubble, 1))%",
            "queue \(line.queue)", "up \(Figures.bytes(line.bytesUpPerSecond))/s",
            "mem \(Figures.memory(line.memoryBytes))",
        ].compactMap { $0 }.joined(separator: "  ")
    }

    private func summaryText(_ summary: RunSummary) -> String {
        var lines = [""]
        if let score = summary.score {
            lines.append("score     \(Figures.score(score))  on \(Figures.count(score.samples)) unseen examples")
        }
        if let baseline = summary.baseline { lines.append("before    \(Figures.score(baseline))") }
        lines += [
            "trained   \(Figures.count(summary.steps, "step")), \(Figures.count(summary.epochs, "epoch")), "
                + "\(Figures.count(summary.trainTokens)) tokens, \(Figures.count(Int(summary.tokensPerSecond))) tok/s",
            "time      \(Figures.duration(summary.wallSeconds)) in all, training \(Figures.duration(summary.trainSeconds)); "
                + "computing: " + (summary.deviceSeconds.map { "devices \(Figures.duration($0)), " } ?? "")
                + "server \(Figures.duration(summary.serverSeconds))",
            "wire      up \(Figures.bytes(Double(summary.bytesUp))), down \(Figures.bytes(Double(summary.bytesDown)))",
            "memory    \(Figures.memory(summary.peakRssBytes)) at most",
        ]
        if let seconds = summary.frozenForwardSeconds {
            lines.append("F0        \(Figures.milliseconds(seconds)) a message")
        }
        if let pipeline = summary.pipeline {
            lines.append("pipeline  \(PipelineText.whole(pipeline))")
            lines += PipelineText.stages(pipeline).map { "  \($0)" }
        }
        if let adapterPath = summary.adapterPath {
            lines += [
                "adapter   \(adapterPath)", "", "next: permafrost eval \(recipePath) --adapter \(adapterPath)",
            ]
        }
        return lines.joined(separator: "\n")
    }
}
