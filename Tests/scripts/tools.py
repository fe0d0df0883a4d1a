"""The pinned tools that check images and manifests, in a virtual environment of the cache folder."""

import functools
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from containers.helm import HelmMissing, helm  # noqa: E402
from containers.yaml_text import read_yaml  # noqa: E402


def skip(reason):
    print("\n!! NOT CHECKED: %s" % reason, file=sys.stderr)
    raise unittest.SkipTest(reason)


@functools.cache
def environment():
    """The environment's folder of programs; skips, loudly, where it cannot be made."""
    script = "source scripts/lib.sh; virtual_environment container-tools scripts/containers/requirements.txt 'the tools'"
    result = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        skip("the tools of scripts/containers/requirements.txt are not here: %s" % result.stderr.strip()[-300:])
    return Path(result.stdout.strip()).parent


@functools.cache
def helm_program():
    try:
        return helm()
    except HelmMissing as error:
        skip(str(error))


def load_yaml(text):
    """The documents of a YAML text."""
    return read_yaml(text, environment() / "python")
