import Testing

@testable import Recipes

@Suite("Recipes of methods that train on devices")
struct MethodRecipeTests {
    private let yaml = """
        name: methods
        model: {path: none, frozen_blocks: 4}
        data: {path: none, format: rated-sentences}
        task: {labels: {negative: " bad", positive: " good"}}
        lora: {rank: 4}
        devices: {cuts: [3, 2]}
        """

    @Test(
        "every method is fine with the defaults, and splits the model at the smallest cut",
        arguments: Recipe.Method.allCases)
    func defaults(method: Recipe.Method) throws {
        let recipe = try load("training.method=\(method.rawValue)")
        #expect(recipe.commonCut == 2)
        #expect(recipe.blocksBelowTraining == (method.trainsOnDevices ? 0 : 4))
        #expect(try load("training.method=\(method.rawValue)", "method.cut=3").commonCut == 3)
    }

    @Test(
        "what a method cannot do is refused with the key to blame",
        arguments: [
            ("training.trainable", ["training.method=fedlora", "training.trainable=full"]),
            ("lora.blocks", ["training.method=soft", "lora.blocks=5-5"]),
            ("pipeline.stages", ["training.method=hosl", "pipeline.stages=2"]),
            ("method.cut", ["training.method=zo", "method.cut=0"]),
            (
                "method.averaging_steps",
                ["training.method=splitlora", "method.reference=true", "method.averaging_steps=2"]
            ),
            ("method.ranks", ["training.method=fedlora", "method.ranks=[4]"]),
            ("method.ranks", ["training.method=fedlora", "method.ranks=[2, 3]"]),
            ("method.ranks", ["training.method=soft", "method.ranks=[4, 2]"]),
            ("method.at_once", ["training.method=hosl", "method.variant=code", "method.at_once=2"]),
            ("method.variant", ["training.method=zo", "method.variant=code"]),
        ])
    func refusals(key: String, overrides: [String]) throws {
        let error = #expect(throws: RecipeError.self) {
            try Recipe.parse(yaml: yaml, file: "methods.yaml", overrides: overrides)
        }
        #expect(error?.problem.contains(key) == true, "\(String(describing: error))")
    }

    private func load(_ overrides: String...) throws -> Recipe {
        try Recipe.parse(yaml: yaml, file: "methods.yaml", overrides: overrides)
    }
}
