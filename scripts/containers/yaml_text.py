"""YAML by a Python that has a library for it, for one that has none."""

import json
import subprocess

PROGRAM = "import json, sys, yaml; print(json.dumps([each for each in yaml.safe_load_all(sys.stdin) if each]))"


def read_yaml(text, python):
    """The documents of a text. Raises ValueError for what is none."""
    result = subprocess.run([python, "-c", PROGRAM], input=text, capture_output=True, text=True)
    if result.returncode != 0:
        raise ValueError(result.stderr.strip()[-500:])
    return json.loads(result.stdout)
