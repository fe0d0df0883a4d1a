"""Every library target has a landing page, which names public symbols of that target; scripts/docs builds them."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = re.findall(r'\.target\(\s*name: "(\w+)"', (ROOT / "Package.swift").read_text().split("// Tests mirror")[0])
DECLARED = re.compile(r"^\s*public (?:indirect |final )*(?:struct|enum|class|protocol|actor) (\w+)", re.MULTILINE)


class CatalogueTests(unittest.TestCase):
    def swift_targets(self):
        return [name for name in TARGETS if any((ROOT / "Sources" / name).rglob("*.swift"))]

    def test_every_library_target_has_a_landing_page(self):
        self.assertGreater(len(self.swift_targets()), 15)
        for name in self.swift_targets():
            with self.subTest(target=name):
                page = ROOT / "Sources" / name / f"{name}.docc" / f"{name}.md"
                self.assertTrue(page.exists())
                self.assertTrue(page.read_text().startswith(f"# ``{name}``\n"))

    def test_landing_pages_name_what_is_public(self):
        for name in self.swift_targets():
            folder = ROOT / "Sources" / name
            source = "\n".join(file.read_text() for file in folder.rglob("*.swift"))
            public = set(DECLARED.findall(source))
            page = folder / f"{name}.docc" / f"{name}.md"
            links = re.findall(r"``([\w/]+)``", page.read_text()) if page.exists() else []
            for link in links[1:]:
                with self.subTest(target=name, link=link):
                    self.assertIn(link.split("/")[-1], public)


if __name__ == "__main__":
    unittest.main()
