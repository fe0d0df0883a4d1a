import Balancing
import Experiments
import Recipes

extension Recipe {
    /// What was decided so that the comparison is fair, in words for its report.
    func comparisonChoices(_ fleet: Fleet) -> [Experiments.Comparison.Choice] {
        let what =
            training.trainable == .full
            ? "whole blocks"
            : "adapters of rank \(lora.rank), alpha \(shown(lora.alpha)), on "
                + (lora.targets.map { $0.joined(separator: ", ") } ?? "every linear layer")
        let budget =
            comparison.tokenBudget.map { "\($0) tokens" } ?? "as many tokens as \(training.epochs) passes over the data"
        let seeds = comparison.seeds.count
        return [
            .init(
                "Model",
                "Every run starts from the weights of \(model.path) and trains \(what)."
                    + (comparison.trunkBlocks > 0
                        ? " A reduced model: its lowest \(comparison.trunkBlocks) blocks count as embedding. They are "
                            + "in no number of blocks, operations, bytes of memory or seconds." : "")),
            .init(
                "Where adapters are",
                "Methods that train on devices have adapters in every block. splitfrozen and central have them above "
                    + "block \(model.frozenBlocks) only: what lies below is frozen."),
            .init(
                "Blocks on devices",
                "Devices of splitfrozen compute "
                    + fleet.classes.map { "\(cut(of: $0.name)) (\($0.name))" }.joined(separator: ", ")
                    + " blocks. Other methods that split the model have one cut for all devices, the smallest of these."
            ),
            .init(
                "Budget",
                "Each run trains on \(budget). A token counts each time that a step is made of its sample, whether "
                    + "by a "
                    + "gradient or by probes. Steps have \(training.batch) samples"
                    + (comparison.localBatch.map { ", those of a device that trains the whole model \($0)" } ?? "")
                    + "."),
            .init(
                "Optimizer",
                "\(training.optimizer == .adamw ? "AdamW" : "Gradient descent") for every gradient, "
                    + "\(training.schedule.rawValue) schedule after a rise over the first 6 % of the steps. What "
                    + "probes "
                    + "train moves by them alone, on devices of hosl at \(comparison.probeLearningRate)."),
            .init("Learning rates", learningRateWords),
            .init(
                "Evaluation",
                "At most \(evaluation.samples) examples that nobody trains on, the same for all, after equal parts "
                    + "of the budget"
                    + (comparison.samplesOnTheWay.map { ", the first \($0) of them on the way" } ?? "")
                    + ". Tables have the accuracy after the last step, not the best one. Evaluations cost no "
                    + "simulated time. A sweep chooses by the same examples, for every method."),
            .init(
                "Chance",
                seeds == 1
                    ? "One seed, so that nothing is known of how far runs lie apart."
                    : "\(seeds) seeds; what stands behind ± is the standard deviation of a sample, with n − 1 below."),
            .init(
                "Points and gain",
                "Points are differences of accuracies in percent; a gain is the difference as a share of the other's "
                    + "accuracy. The share of the most frequent class stands beside them."),
            .init(
                "Bytes", "Of encoded messages of all devices, counted one by one. What a transport adds is not in them."
            ),
            .init(
                "Operations",
                "By shape, two for each multiply-add of a matrix product. Norms, activations, softmax and biases "
                    + "are none."
            ),
            .init(
                "Times",
                "Times and energy of devices are simulated: operations divided by the rate of the class, bytes by the "
                    + "current rate of the link. The server's seconds for F0, F, B and W were measured once, on a "
                    + "core of "
                    + "the machine that made this report, divided by its \(threadCount) threads, and are the same "
                    + "in all "
                    + "runs. What the runs took on that machine is in results.csv as measured_seconds."),
            .init(
                "Labels",
                "iid: every device holds a random sample. Dirichlet(α): shares of each class are drawn, the smaller "
                    + "α, the "
                    + "more skewed. One label per device is the extreme. A class of the fleet with a skew of its "
                    + "own keeps "
                    + "it."),
        ]
    }

    /// The blocks that a device of a class computes where a model is split.
    func cut(of kind: String) -> Int { comparison.cuts[kind] ?? model.frozenBlocks }

    private var learningRateWords: String {
        let given = comparison.methods.filter { !$0.isFirstOrder || comparison.learningRates[$0] != nil }
        let swept = comparison.methods.filter { !given.contains($0) }
        let names = { (methods: [ComparedMethod]) in methods.map(\.rawValue).joined(separator: ", ") }
        var sentences: [String] = []
        if !swept.isEmpty {
            sentences.append(
                comparison.sweep.count > 1
                    ? "\(names(swept)): the best of a sweep on iid data with the first seed, taken to every imbalance."
                    : "\(names(swept)): \(comparison.sweep.first ?? training.learningRate).")
        }
        if !given.isEmpty { sentences.append("\(names(given)): given in the recipe, not swept.") }
        return sentences.joined(separator: " ")
    }

    private func shown(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }
}
