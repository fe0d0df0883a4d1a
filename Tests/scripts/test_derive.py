"""The files that scripts/fetch makes, against small archives made here; no network."""

import base64
import json
import random
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from fetching import derive  # noqa: E402
from fetching.archives import Archive, MakingFailed  # noqa: E402
from fetching.twins import twins  # noqa: E402


class ArchiveTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def archive_of(self, files):
        path = self.folder / "package.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
        return Archive(path, (next(iter(files)),))

    def records(self, made):
        return [json.loads(line) for line in made.decode().splitlines()]


class TokenizerTests(ArchiveTests):
    def test_merges_are_found_again_from_ranks_alone(self):
        alphabet = [bytes([byte]) for byte in sorted(range(256), key=derive.ALPHABET.get)]
        # (a b) first, so that abc is (ab c) although (b c) is a token, too.
        tokens = alphabet + [b"ab", b"bc", b"abc", b"\xc3\xa9", b" abc"]
        lines = [b"%s %d" % (base64.b64encode(t), rank) for rank, t in enumerate(tokens)]
        archive = self.archive_of({"gpt2.tiktoken": b"\n".join(lines)})
        merges = derive.gpt2_merges(archive).decode().splitlines()
        expected = ["#version: 0.2", "a b", "b c", "ab c", "\u00c3 \u00a9", "\u0120 abc"]
        self.assertEqual(merges, expected)
        vocabulary = json.loads(derive.gpt2_vocabulary(archive))
        self.assertEqual(vocabulary["\u0120abc"], 260)
        self.assertEqual(vocabulary["<|endoftext|>"], 261)

    def test_a_token_that_is_no_merge_of_two_is_refused(self):
        lines = [b"%s %d" % (base64.b64encode(bytes([n])), n) for n in range(256)]
        lines.append(b"%s 256" % base64.b64encode(b"abc"))
        with self.assertRaises(KeyError):
            derive.gpt2_merges(self.archive_of({"gpt2.tiktoken": b"\n".join(lines)}))


class QuestionTests(ArchiveTests):
    def rows(self, *pairs):
        rows = [{"input": [{"role": "user", "content": t}], "ideal": i} for t, i in pairs]
        return self.archive_of({"rows.jsonl": "\n".join(json.dumps(row) for row in rows)})

    def test_social_iqa_is_cut_into_context_question_and_options(self):
        text = 'Why? Jan asked "How?" Then Jan left; Kim: "No." What did Kim do? A: a; b; B: c. d; C: e.'
        self.assertEqual(
            self.records(derive.social_iqa(self.rows((text, "B")))),
            [
                {
                    "context": 'Why? Jan asked "How?" Then Jan left; Kim: "No."',
                    "question": "What did Kim do?",
                    "a": "a; b",
                    "b": "c. d",
                    "c": "e",
                    "label": "B",
                }
            ],
        )

    def test_a_row_of_another_form_is_refused(self):
        for text in ["What now? A: a; B: b.", "no question A: a; B: b; C: c."]:
            with self.assertRaises(KeyError):
                derive.social_iqa(self.rows((text, "A")))

    def test_quartz_names_the_pair_of_each_question(self):
        made = derive.quartz(
            self.rows(
                ("Sue runs fast. She gets\n\n A: tired\n B: rested", "A"),
                ("The ice is thick. It\n\n A: holds\n B: breaks", "A"),
                ("Sue runs slowly. She gets\n\n A: tired\n B: rested", "B"),
            )
        )
        self.assertEqual([record["twin"] for record in self.records(made)], [0, 1, 0])
        self.assertEqual(self.records(made)[1]["b"], "breaks")


class TwinTests(unittest.TestCase):
    def test_the_quick_search_finds_what_comparing_all_pairs_finds(self):
        generator = random.Random(11)
        words = ["word%d" % number for number in range(30)]
        for _ in range(20):
            questions = []
            for _ in range(60):
                text = generator.choices(words, k=generator.randint(1, 9))
                questions.append((" ".join(text), generator.choice(["more", "less"]), "same"))
                if generator.random() < 0.5:
                    text[generator.randrange(len(text))] = generator.choice(words)
                    questions.append((" ".join(text), "More.", "same"))
            self.assertEqual(twins(questions), twins_by_all_pairs(questions))

    def test_case_punctuation_and_the_order_of_options_do_not_part_twins(self):
        pair = [("A big fish swims", "Up", "down"), ("a small fish, swims!", "down.", "up")]
        self.assertEqual(twins(pair), [0, 0])
        self.assertEqual(twins([pair[0], (pair[1][0], "left", "right")]), [0, 1])


def twins_by_all_pairs(questions):
    from fetching.twins import numbered_words, plain

    groups = [{place} for place in range(len(questions))]
    for place, (text, *options) in enumerate(questions):
        for other in range(place):
            a, b = numbered_words(text), numbered_words(questions[other][0])
            same = {plain(o) for o in options} == {plain(o) for o in questions[other][1:]}
            if 10 * len(a & b) >= (3 if same else 4) * (len(a) + len(b)):
                joined = groups[place] | groups[other]
                for member in joined:
                    groups[member] = joined
    return [min(group) for group in groups]


GENERATORS = """
from random import Random
def generate_%d(rng: Random, difficulty: float = 1.0):
    words = list({"red", "blue", "green", "brown", "white", "black"})
    n, word = rng.randint(2, 99), words[rng.randint(0, 5)]
    question = "%%d %%s balls, and half as many more?" %% (2 * n, word)
    cot = "%%d / 2 = %%s\\n#### %%s" %% (2 * n, 2 * n / 2, 3.0 * n)
    return {"question": question, "answer": str(3 * n), "metadata": {"answer_cot": cot}}
"""


class WordProblemTests(ArchiveTests):
    def wheel(self, **changed):
        folder = "reasoning_gym/arithmetic/gsm_symbolic/"
        files = {
            "gsm_symbolic.py": "import nowhere\ntasks_ok = [3, 51]\n",
            "generators_00_49.py": GENERATORS % 3,
            "generators_50_99.py": GENERATORS % 51,
        }
        named = {folder + name: changed.get(name[:-3], text) for name, text in files.items()}
        return self.archive_of({**named, "reasoning_gym/utils.py": ""})

    def test_every_usable_template_gives_as_many_different_problems(self):
        records = self.records(derive.word_problems(self.wheel()))
        for template in [3, 51]:
            questions = {r["question"] for r in records if r["template"] == template}
            self.assertEqual(len(questions), 40)
        self.assertEqual(len(records), 80)
        self.assertTrue(all("." not in record["answer"] for record in records))

    def test_the_hash_seed_of_the_surroundings_changes_nothing(self):
        made = set()
        for seed in ["1", "2", "random"]:
            with mock.patch.dict("os.environ", PYTHONHASHSEED=seed):
                made.add(derive.word_problems(self.wheel()))
        self.assertEqual(len(made), 1)

    def test_a_generator_that_fails_is_told(self):
        with self.assertRaisesRegex(MakingFailed, "ZeroDivisionError"):
            derive.word_problems(self.wheel(generators_00_49="1 / 0"))

    def test_real_problems_lose_their_calculator_notes(self):
        row = 'question = "Q%d?"\nanswer = """\nTwice <<2*3=6>>6 is\n\n#### 6\n"""\n'
        files = {"a/%04d.toml" % number: row % number for number in range(100)}
        records = self.records(derive.gsm8k(self.archive_of(files)))
        self.assertEqual([r["question"] for r in records], ["Q%d?" % n for n in range(100)])
        self.assertEqual({r["answer"] for r in records}, {"Twice 6 is\n#### 6"})
        self.assertEqual(sorted(r["template"] for r in records), list(range(100)))


if __name__ == "__main__":
    unittest.main()
