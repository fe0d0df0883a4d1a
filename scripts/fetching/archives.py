"""Wheels and source archives: one file out of them, also out of an archive within."""

import contextlib
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Iterator, Sequence, Tuple


@contextlib.contextmanager
def open_member(archive: Path, members: Sequence[str]) -> Iterator[BinaryIO]:
    """The file at the end of the path through the archive and the archives within it."""
    with contextlib.ExitStack() as stack:
        source: BinaryIO = stack.enter_context(open(archive, "rb"))
        for index, member in enumerate(members):
            holder = archive.name if index == 0 else members[index - 1]
            if holder.endswith((".whl", ".zip")):
                package = stack.enter_context(zipfile.ZipFile(source))
                source = stack.enter_context(package.open(member))
            else:
                inner = stack.enter_context(tarfile.open(fileobj=source)).extractfile(member)
                if inner is None:
                    raise KeyError(member)
                source = stack.enter_context(inner)
        yield source


@dataclass(frozen=True)
class Archive:
    """A downloaded archive of which a file is made."""

    path: Path
    members: Tuple[str, ...]
    """The path to the file that the asset's row names."""

    def member(self) -> bytes:
        with open_member(self.path, self.members) as source:
            return source.read()


class MakingFailed(Exception):
    """A file cannot be made on this machine; the message says why and what to do."""
