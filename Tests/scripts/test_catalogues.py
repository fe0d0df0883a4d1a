"""Every library target has a landing page, which names public symbols of that target.

scripts/docs builds them, and finds links that lead nowhere. No stage of scripts/test does: it is run by hand.
"""

import importlib.machinery
import importlib.util
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = re.findall(r'\.target\(\s*name: "(\w+)"', (ROOT / "Package.swift").read_text().split("// Tests mirror")[0])
DECLARED = re.compile(r"^\s*public (?:indirect |final )*(?:struct|enum|class|protocol|actor) (\w+)", re.MULTILINE)


def load_docs():
    loader = importlib.machinery.SourceFileLoader("docs", str(ROOT / "scripts" / "docs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("docs", loader))
    loader.exec_module(module)
    return module


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

    def test_an_unresolved_link_is_a_problem_and_a_parameter_without_a_word_is_none(self):
        def found(summary):
            return {
                "severity": "warning", "summary": summary, "source": f"file://{ROOT}/Sources/Wire/Body.swift",
                "range": {"start": {"line": 7, "column": 1}}}

        link, parameter = "'Bodi' doesn't exist at '/Wire'", "Parameter 'part' is missing documentation"
        self.assertEqual(
            list(load_docs().problems([found(link), found(parameter)])), [f"Sources/Wire/Body.swift:7: warning: {link}"])


if __name__ == "__main__":
    unittest.main()
