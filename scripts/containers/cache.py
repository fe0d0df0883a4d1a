"""The folder that end-to-end runs show every container as /models: the recipe's files and a smaller recipe."""

import os
import shutil
from pathlib import Path

from running.roles import ROOT, die

FILES = ("SmolLM2-135M-Instruct.Q4_1.gguf", "movieReviewSnippets_GroundTruth.txt")
TINY = ROOT / "Tests/Fixtures/tiny-model"


def fill_cache(folder, samples, replicas):
    """The quick start's recipe with fewer samples, without scoring."""
    cache = Path(os.environ.get("PERMAFROST_CACHE") or Path.home() / ".cache/permafrost")
    for name in FILES:
        if not (cache / name).exists():
            die(20, "%s is not in %s. Run scripts/fetch." % (name, cache))
        shutil.copy2(cache / name, folder / name)
    recipe = (ROOT / "recipes/movies-quick.yaml").read_text()
    recipe = recipe.replace("train_limit: 3000", "train_limit: %d" % samples)
    _write(folder, recipe.replace("samples: 1050", "samples: 0").replace("baseline: true", "baseline: false"), replicas)


def fill_tiny_cache(folder, epochs, replicas):
    """The tiny model's recipe for so many epochs, without scoring."""
    for name in ("tiny.gguf", "sentences.txt"):
        shutil.copy2(TINY / name, folder / name)
    recipe = (TINY / "recipe.yaml").read_text()
    recipe = recipe.replace("epochs: 6", "epochs: %d" % epochs).replace(" path: ", " path: cache:")
    _write(folder, recipe + "\nevaluation:\n    samples: 0\n", replicas)


def _write(folder, recipe, replicas):
    (folder / "e2e.yaml").write_text("%s\npipeline:\n    replicas: %d\n" % (recipe, replicas))
    for path in [folder, *folder.iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)
