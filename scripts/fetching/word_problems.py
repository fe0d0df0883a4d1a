"""Makes word problems with the template generators inside a wheel, and prints them as JSON lines.

    python scripts/fetching/word_problems.py WHEEL

The wheel is read, not installed; of its modules only those that need nothing but Python itself are
run. Started by scripts/fetch in a process of its own, so that the hash seed is always the same.
"""

import ast
import json
import re
import sys
import types
import zipfile
from random import Random
from typing import Any, Callable, Dict, Iterator, List

FOLDER = "reasoning_gym/arithmetic/gsm_symbolic/"
PROBLEMS_PER_TEMPLATE = 40
SEED = 7

Generator = Callable[[Random, float], Dict[str, Any]]


def load(wheel: zipfile.ZipFile, name: str, path: str) -> types.ModuleType:
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(wheel.read(path), path, "exec"), module.__dict__)
    return module


def usable_templates(wheel: zipfile.ZipFile) -> List[int]:
    """The numbers that the package calls usable, read from a module that is not run."""
    for statement in ast.parse(wheel.read(FOLDER + "gsm_symbolic.py")).body:
        if isinstance(statement, ast.Assign):
            if getattr(statement.targets[0], "id", "") == "tasks_ok":
                return ast.literal_eval(statement.value)
    raise KeyError("tasks_ok")


def problems(template: int, generator: Generator) -> Iterator[Dict[str, object]]:
    """Different problems of one template."""
    seen = set()
    attempt = 0
    while len(seen) < PROBLEMS_PER_TEMPLATE:
        made = generator(Random("%d/%d/%d" % (SEED, template, attempt)), 1.0)
        attempt += 1
        if made["question"] in seen:
            continue
        seen.add(made["question"])
        # A quotient that comes out even is written as the whole number that it is.
        answer = re.sub(r"(?<=\d)\.0(?!\d)", "", made["metadata"]["answer_cot"])
        yield {"question": made["question"], "answer": answer, "template": template}


def main() -> None:
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        sys.modules["reasoning_gym"] = types.ModuleType("reasoning_gym")
        load(wheel, "reasoning_gym.utils", "reasoning_gym/utils.py")
        halves = [
            load(wheel, name, FOLDER + name + ".py")
            for name in ("generators_00_49", "generators_50_99")
        ]
        for template in usable_templates(wheel):
            generator = getattr(halves[template // 50], "generate_%d" % template)
            for problem in problems(template, generator):
                sys.stdout.buffer.write((json.dumps(problem, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
