"""scripts/fetch against small archives made here; no network, no pip."""

import contextlib
import dataclasses
import hashlib
import importlib.machinery
import importlib.util
import io
import os
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch"


def load_fetch():
    loader = importlib.machinery.SourceFileLoader("fetch", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch", loader))
    loader.exec_module(module)
    return module


fetch = load_fetch()
from fetching.assets import DATA_UNREADABLE  # noqa: E402

CONTENT = b"id\trating\tsentence\n" * 5000


def tar_of(name, content):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def zip_of(name, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def asset_for(archive_name, archive, members):
    return fetch.Asset(
        name="sample",
        about="a sample",
        file="sample.txt",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        package="sample==1.0",
        archive=archive_name,
        archive_size=len(archive),
        archive_sha256=hashlib.sha256(archive).hexdigest(),
        members=members,
        absent_code=DATA_UNREADABLE,
    )


class FakeIndex:
    """Hands out one archive and counts how often it was asked."""

    def __init__(self, archive):
        self.archive, self.asked = archive, 0

    def __call__(self, asset, folder, on_bytes):
        self.asked += 1
        (folder / asset.archive).write_bytes(self.archive)
        on_bytes(len(self.archive))


class FetchTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name) / "cache"
        self.wheel = zip_of("package/sample.txt", CONTENT)
        self.asset = asset_for("sample-1.0.whl", self.wheel, ("package/sample.txt",))
        self.index = FakeIndex(self.wheel)
        silence = contextlib.redirect_stdout(io.StringIO())
        silence.__enter__()
        self.addCleanup(silence.__exit__, None, None, None)

    def ensure(self, asset=None, rehash=False, keeps_archive=False):
        asset = asset or self.asset
        return fetch.ensure(asset, self.cache, rehash, self.index, keeps_archive)

    def refused(self, asset=None):
        with self.assertRaises(fetch.FetchError) as caught:
            self.ensure(asset)
        return caught.exception

    def visible(self):
        return sorted(p.name for p in self.cache.iterdir() if not p.name.startswith("."))

    def test_a_file_comes_out_of_a_wheel_and_the_wheel_is_removed(self):
        self.assertTrue(self.ensure())
        self.assertEqual((self.cache / "sample.txt").read_bytes(), CONTENT)
        self.assertEqual(self.visible(), ["sample.txt"])

    def test_a_file_comes_out_of_an_archive_within_a_source_archive(self):
        packed = tar_of("package/inner.tar.gz", tar_of("data/sample.txt", CONTENT))
        members = ("package/inner.tar.gz", "data/sample.txt")
        self.index = FakeIndex(packed)
        self.assertTrue(self.ensure(asset_for("sample-1.0.tar.gz", packed, members)))
        self.assertEqual((self.cache / "sample.txt").read_bytes(), CONTENT)

    def test_a_file_is_made_of_an_archive_in_a_folder_of_its_own(self):
        made = dataclasses.replace(
            self.asset,
            file="folder/upper.txt",
            sha256=hashlib.sha256(CONTENT.upper()).hexdigest(),
            made=lambda archive: archive.member().upper(),
        )
        self.assertTrue(self.ensure(made))
        self.assertEqual((self.cache / "folder/upper.txt").read_bytes(), CONTENT.upper())
        self.assertFalse(self.ensure(made))
        self.assertEqual(self.index.asked, 1)

    def test_what_is_made_with_another_digest_is_refused_and_removed(self):
        made = dataclasses.replace(self.asset, made=lambda archive: archive.member().upper())
        self.assertEqual(self.refused(made).code, fetch.CHECKSUM_MISMATCH)
        self.assertEqual(self.visible(), ["downloads"])

    def test_a_file_that_this_machine_cannot_make_has_its_own_number(self):
        def fails(archive):
            raise fetch.MakingFailed("It needs another Python.")

        error = self.refused(dataclasses.replace(self.asset, made=fails))
        self.assertEqual(error.code, fetch.MACHINE_UNFIT)
        self.assertIn("another Python", str(error))

    def test_two_files_of_one_archive_download_it_once(self):
        other = dataclasses.replace(self.asset, name="other", file="other.txt")
        arguments = ["sample", "other"]
        with mock.patch.dict(os.environ, PERMAFROST_CACHE=str(self.cache)):
            with mock.patch.object(fetch.ensure, "__defaults__", (False, self.index, False)):
                self.assertEqual(fetch.main(arguments, (self.asset, other)), 0)
        self.assertEqual(self.index.asked, 1)
        self.assertEqual(self.visible(), ["other.txt", "sample.txt"])

    def test_files_of_one_name_are_chosen_together_and_once(self):
        twin = dataclasses.replace(self.asset, file="twin.txt")
        self.assertEqual(
            fetch.chosen(["sample", "sample"], [self.asset, twin]), [self.asset, twin]
        )

    def test_a_second_run_asks_nobody_and_hashes_nothing(self):
        self.ensure()
        with mock.patch.object(fetch, "digest", side_effect=AssertionError("hashed again")):
            self.assertFalse(self.ensure())
        self.assertEqual(self.index.asked, 1)

    def test_a_right_file_that_a_user_put_there_is_taken_as_it_is(self):
        self.cache.mkdir()
        (self.cache / "sample.txt").write_bytes(CONTENT)
        self.assertFalse(self.ensure())
        self.assertEqual(self.index.asked, 0)

    def test_an_archive_with_another_digest_is_refused_and_removed(self):
        self.index = FakeIndex(zip_of("package/sample.txt", CONTENT + b"!"))
        self.assertEqual(self.refused().code, fetch.CHECKSUM_MISMATCH)
        self.assertEqual(
            [p for p in self.cache.rglob("*") if p.is_file() and p.name != ".lock"], []
        )

    def test_a_file_with_another_digest_is_refused_and_removed(self):
        wrong = dataclasses.replace(self.asset, sha256="0" * 64)
        self.assertEqual(self.refused(wrong).code, fetch.CHECKSUM_MISMATCH)
        self.assertNotIn("sample.txt", self.visible())
        self.assertNotIn("sample.txt.partial", self.visible())

    def test_a_file_changed_since_is_kept_aside_and_fetched_again(self):
        self.ensure()
        changed = b"X" + CONTENT[1:]
        (self.cache / "sample.txt").write_bytes(changed)
        self.assertTrue(self.ensure())
        self.assertEqual((self.cache / "sample.txt").read_bytes(), CONTENT)
        self.assertEqual((self.cache / "sample.txt.rejected").read_bytes(), changed)

    def test_verify_finds_a_change_that_kept_size_and_time(self):
        self.ensure()
        path = self.cache / "sample.txt"
        before = path.stat()
        path.write_bytes(b"X" + CONTENT[1:])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertFalse(self.ensure(), "the fast check looks at size and time only")
        self.assertTrue(self.ensure(rehash=True))
        self.assertEqual(path.read_bytes(), CONTENT)

    def test_an_interrupted_extraction_is_redone_from_the_same_archive(self):
        with mock.patch.object(fetch.os, "fsync", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.ensure()
        self.assertNotIn("sample.txt", self.visible())
        self.assertTrue(self.ensure())
        self.assertEqual((self.cache / "sample.txt").read_bytes(), CONTENT)
        self.assertEqual(self.index.asked, 1)
        self.assertEqual(self.visible(), ["sample.txt"])

    def test_a_truncated_archive_of_an_earlier_run_is_downloaded_again(self):
        (self.cache / "downloads").mkdir(parents=True)
        (self.cache / "downloads" / self.asset.archive).write_bytes(self.wheel[:-10])
        self.assertTrue(self.ensure())
        self.assertEqual(self.index.asked, 1)

    def test_an_interrupted_download_leaves_nothing_that_passes_for_whole(self):
        def interrupted(asset, folder, on_bytes):
            (folder / asset.archive).write_bytes(self.wheel[: len(self.wheel) // 2])
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            fetch.ensure(self.asset, self.cache, False, interrupted)
        self.assertEqual(list((self.cache / "downloads").iterdir()), [])
        self.assertTrue(self.ensure())

    def test_a_member_that_is_not_in_the_archive_is_named(self):
        error = self.refused(dataclasses.replace(self.asset, members=("package/other.txt",)))
        self.assertEqual(error.code, DATA_UNREADABLE)
        self.assertIn("package/other.txt", str(error))

    def test_a_full_disk_is_seen_before_anything_is_downloaded(self):
        usage = mock.Mock(free=1000)
        with mock.patch.object(fetch.shutil, "disk_usage", return_value=usage):
            self.assertEqual(self.refused().code, fetch.MACHINE_UNFIT)
        self.assertEqual(self.index.asked, 0)

    def test_a_read_only_cache_is_refused_with_its_path(self):
        self.cache.mkdir()
        with self.read_only_cache():
            error = self.refused()
        self.assertEqual(error.code, fetch.MACHINE_UNFIT)
        self.assertIn(str(self.cache), str(error))
        self.assertEqual(self.index.asked, 0)

    def test_a_read_only_cache_that_holds_the_file_will_do(self):
        self.cache.mkdir()
        (self.cache / "sample.txt").write_bytes(CONTENT)
        with self.read_only_cache():
            self.assertFalse(self.ensure())

    @contextlib.contextmanager
    def read_only_cache(self):
        """Takes away the right to write; root always has it, so root becomes nobody for a while."""
        is_root = os.geteuid() == 0
        self.cache.parent.chmod(0o755)
        self.cache.chmod(0o555)
        if is_root:
            os.seteuid(65534)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
            self.cache.chmod(0o755)

    def test_pip_without_network_or_pip_itself_has_its_own_sentence_and_number(self):
        unreached = fetch.pip_problem(
            self.asset, "WARNING: Retrying: Temporary failure in resolution"
        )
        self.assertEqual(unreached.code, DATA_UNREADABLE)
        self.assertIn("network", str(unreached))
        missing = fetch.pip_problem(self.asset, "/usr/bin/python3: No module named pip")
        self.assertEqual(missing.code, fetch.MACHINE_UNFIT)
        self.assertIn("python3-pip", str(missing))
        gone = fetch.pip_problem(self.asset, "ERROR: No matching distribution found")
        self.assertIn("No matching distribution found", str(gone))

    def test_an_unknown_asset_is_refused_with_the_nearest_name(self):
        with self.assertRaises(fetch.FetchError) as caught:
            fetch.chosen(["samples"], [self.asset])
        self.assertEqual(caught.exception.code, fetch.USAGE)
        self.assertIn("Did you mean sample?", str(caught.exception))

    def test_every_asset_of_the_table_is_complete(self):
        files = [asset.file for asset in fetch.ASSETS]
        self.assertEqual(len(files), len(set(files)))
        self.assertLessEqual(set(fetch.QUICK_START), {asset.name for asset in fetch.ASSETS})
        for asset in fetch.ASSETS:
            self.assertRegex(asset.sha256, "^[0-9a-f]{64}$")
            self.assertRegex(asset.archive_sha256, "^[0-9a-f]{64}$")
            self.assertRegex(asset.package, "^[^=]+==[^=]+$")
            self.assertTrue(asset.archive.endswith((".whl", ".tar.gz")))
            self.assertGreater(min(asset.size, asset.archive_size), 0)

    def test_the_quick_start_downloads_two_files(self):
        files = [asset.file for asset in fetch.chosen(fetch.QUICK_START, fetch.ASSETS)]
        self.assertEqual(
            files, ["SmolLM2-135M-Instruct.Q4_1.gguf", "movieReviewSnippets_GroundTruth.txt"]
        )


if __name__ == "__main__":
    unittest.main()
