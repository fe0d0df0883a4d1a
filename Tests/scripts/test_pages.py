"""What the pages name is there: links and their anchors, files, scripts and their flags, commands, keys of recipes.

It needs no build: commands and their flags are those of the recorded help in Tests/Fixtures/help, keys those of
docs/recipes.md. Whether a command parses, and what some of them do, is tested with the binary; commands of other programs
are test_shown_commands.py's.
"""

import re
import shlex
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")),
         ROOT / "clients" / "python" / "README.md"]
HELP = ROOT / "Tests" / "Fixtures" / "help"
FENCE = re.compile(r"^```(.*?)$(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Files that a command makes, or that stand for a reader's own.
MADE = ("runs/", "state/", "keys/", "models/", "backup/")


def text_of(page):
    return page.read_text(encoding="utf-8")


def prose(page):
    """A page without its fenced blocks, line by line where it was."""
    return FENCE.sub(lambda block: "\n" * block[0].count("\n"), text_of(page))


def anchors(page):
    """The anchors that headings make, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\]\([^)]*\)", "", heading).replace("`", "") for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def shell_commands(text):
    """The words of each command of a line: it ends where the next one begins. What a loop does is one too, and so is what
    stands behind a lone --."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&()")
    lexer.whitespace_split = True
    command = []
    for word in [*lexer, ";"]:
        if word == "--" or not word.strip("$;|&()"):
            if command:
                yield command
            command = []
        elif command or not re.fullmatch(r"do|[A-Z_]+=.*", word):
            command.append(word)


def shown(page):
    """The commands of a page's shell blocks, with their lines."""
    for fence in FENCE.finditer(text_of(page)):
        if fence[1].split()[:1] == ["sh"]:
            for line in re.finditer(r"(?:\\\n|[^\n])+", fence[2]):
                number = fence.string.count("\n", 0, fence.start(2) + line.start()) + 1
                for words in shell_commands(line[0].replace("\\\n", " ")):
                    yield number, words


def recorded_help(words):
    """The help of the command that a line begins with, and that command's name."""
    name = []
    for word in words:
        if not (HELP / ("-".join([*name, word]) + ".txt")).exists():
            break
        name.append(word)
    return text_of(HELP / ("-".join(name or ["permafrost"]) + ".txt")), name


def commands(page, program):
    return [words for _, words in shown(page) if words[0].startswith(program)]


class LinkTests(unittest.TestCase):
    def test_links_between_pages_lead_somewhere(self):
        for page in PAGES:
            for link in LINK.findall(prose(page)):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (page.parent / path).resolve() if path else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists(), "there is no such file")
                    if anchor:
                        self.assertIn(anchor, anchors(target))

    def test_every_page_is_reached_from_the_readme(self):
        reached, waiting = set(), [ROOT / "README.md"]
        while waiting:
            page = waiting.pop()
            if page in reached or page.suffix != ".md":
                continue
            reached.add(page)
            paths = (link.partition("#")[0] for link in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link))
            waiting += [(page.parent / path).resolve() for path in paths if path]
        self.assertEqual([page.name for page in PAGES if page not in reached], [])


class NameTests(unittest.TestCase):
    def test_recipes_and_scripts_that_pages_name_are_there(self):
        for page in PAGES:
            for name in re.findall(r"(?<![\w/])(?:recipes|scripts)/[\w./-]*[\w/]", text_of(page)):
                with self.subTest(page=page.name, name=name):
                    self.assertTrue((ROOT / name).exists())

    def test_the_map_has_the_targets_of_the_package_in_its_order(self):
        package = text_of(ROOT / "Package.swift")
        made = re.findall(r'\.(?:systemLibrary|target|executableTarget)\(\s*name: "(\w+)"', package)
        table = text_of(ROOT / "docs" / "architecture.md").split("| target |")[1].split("\n\n")[0]
        cells = re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)
        shown = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
        self.assertEqual(shown, [name for name in made if (ROOT / "Sources" / name).exists()])

    def test_commands_in_the_text_are_commands(self):
        for page in PAGES:
            for words in re.findall(r"`permafrost ([a-z][a-z ]*)", prose(page)):
                with self.subTest(page=page.name, command=words):
                    _, name = recorded_help(words.split())
                    self.assertEqual(name[:1], words.split()[:1])


class CommandTests(unittest.TestCase):
    def test_a_line_is_read_as_a_shell_reads_it(self):
        text = "for n in 1 2; do A=b kubectl exec 'x y'-$n -- permafrost run && c -d $(e; f); done | head  # g"
        self.assertEqual(
            [" ".join(words) for words in shell_commands(text)],
            ["for n in 1 2", "kubectl exec x y-$n", "permafrost run", "c -d", "e", "f", "done", "head"])

    def test_pages_show_commands(self):
        self.assertGreater(sum(len(commands(page, "permafrost")) for page in PAGES), 60)

    def test_blocks_of_the_main_pages_say_what_they_are(self):
        for page in PAGES[:-1]:
            for info, body in FENCE.findall(text_of(page)):
                with self.subTest(page=page.name, block=body.strip()[:40]):
                    self.assertIn(info, ("", "sh", "sh run", "ini", "swift", "yaml", "python"))
                    shown = re.search(r"^(permafrost|scripts/\w+) ", body, re.MULTILINE)
                    self.assertTrue(info.startswith("sh") or not shown, "commands stand in a block 'sh'")

    def test_flags_are_those_of_the_commands_help(self):
        for page in PAGES:
            for words in commands(page, "permafrost"):
                text, name = recorded_help(words[1:])
                with self.subTest(page=page.name, command=" ".join(words)):
                    self.assertTrue(name or words[1].startswith("-"), "there is no such command")
                    for flag in (word for word in words if word.startswith("--")):
                        self.assertRegex(text, r"(?<![\w-])%s(?![\w-])" % re.escape(flag))

    def test_flags_of_scripts_are_in_their_own_help(self):
        for page in PAGES:
            for words in commands(page, "scripts/"):
                text = text_of(ROOT / words[0])
                with self.subTest(page=page.name, command=" ".join(words)):
                    for flag in (word for word in words if word.startswith("--")):
                        self.assertIn(flag, text)

    def test_overrides_are_keys_of_recipes(self):
        keys = set(re.findall(r"^\| `([\w.]+)` \|", text_of(ROOT / "docs" / "recipes.md"), re.MULTILINE))
        self.assertGreater(len(keys), 90)
        for page in PAGES:
            for program in ("permafrost", "scripts/cluster", "scripts/quickstart"):
                for words in commands(page, program):
                    for word in words[1:]:
                        key = re.match(r"([a-z_]+(?:\.[a-z0-9_]+)?)=", word)
                        if key:
                            with self.subTest(page=page.name, command=" ".join(words)):
                                self.assertIn(key.group(1), keys)

    def test_files_that_commands_are_given_are_there_or_made(self):
        for page in PAGES[:-1]:
            for words in commands(page, "permafrost"):
                for word in words[1:]:
                    if re.fullmatch(r"[\w./-]+/[\w./-]+", word) and not word.startswith((*MADE, "/")):
                        with self.subTest(page=page.name, file=word):
                            self.assertTrue((ROOT / word).exists())


if __name__ == "__main__":
    unittest.main()
