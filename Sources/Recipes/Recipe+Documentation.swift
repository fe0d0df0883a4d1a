extension Recipe {
    /// The page `docs/recipes.md`.
    public static var documentation: String {
        let groups = keys.reduce(into: [[RecipeKey]]()) { groups, key in
            if let group = groups.last, group.first?.section == key.section {
                groups[groups.count - 1].append(key)
            } else {
                groups.append([key])
            }
        }
        return """
            # Recipe reference

            Every key of a recipe, as the code has it; `permafrost validate --keys` prints the same. A recipe is one YAML file:
            a key such as `training.batch` stands as `batch` in the section `training`. On the command line `training.batch=8`
            overrides it, and the later of two overrides counts. `permafrost validate RECIPE` checks a recipe, also what its keys
            demand of each other, and prints it with every key. What is wrong is named with line and column, and a mistyped key
            with the one that was most likely meant ([exit codes](exit-codes.md) 10 to 14).

            A path is taken from the folder in which the command runs; `cache:FILE` is in the folder of fetched files,
            `PERMAFROST_CACHE` or `~/.cache/permafrost`. Whole numbers may be grouped (`3_000`), sizes have units (`16MiB`).

            <!-- written by the tests from Sources/Recipes: PERMAFROST_RECORD=1 swift test --filter RecipePageTests -->

            \(groups.map(section).joined(separator: "\n\n"))

            """
    }

    private static func section(_ keys: [RecipeKey]) -> String {
        let title =
            keys.first?.section.map { "## `\($0)`" } ?? "## \(keys.map { "`\($0.key)`" }.joined(separator: ", "))"
        let rows = keys.map { key in
            let fallback = key.defaultValue.map { "`\($0)`" } ?? "required"
            return "| `\(key.key)` | \(key.help.cell) | \(key.expected.cell) | \(fallback.cell) |"
        }
        let choices = keys.filter { !$0.choices.isEmpty }.map { key in
            (["`\(key.key)`:", ""] + key.choices.map { "- `\($0.name)`: \($0.meaning)" }).joined(separator: "\n")
        }
        return
            ([title, (["| key | meaning | values | default |", "|---|---|---|---|"] + rows).joined(separator: "\n")]
            + choices)
            .joined(separator: "\n\n")
    }
}

extension String {
    /// The text as a cell of a table.
    fileprivate var cell: String { replacing("|", with: "\\|") }
}
