"""Files made of what packages hold. The same package gives the same bytes on every machine."""

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, Iterable, List, Tuple

from fetching.archives import Archive, MakingFailed
from fetching.twins import twins


def json_lines(records: Iterable[Dict[str, object]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


# GPT-2's tokenizer


def byte_alphabet() -> Dict[int, str]:
    """The printable character that stands for each byte in the names of GPT-2's tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {
        **{byte: chr(byte) for byte in printable},
        **{byte: chr(256 + place) for place, byte in enumerate(others)},
    }


ALPHABET = byte_alphabet()


def spelled(token: bytes) -> str:
    return "".join(ALPHABET[byte] for byte in token)


def ranked_tokens(archive: Archive) -> List[bytes]:
    """The tokens in the order of their ranks, which are GPT-2's ids."""
    pairs = [line.split() for line in archive.member().splitlines()]
    tokens = [base64.b64decode(token) for token, _ in sorted(pairs, key=lambda pair: int(pair[1]))]
    if [int(rank) for _, rank in pairs] != list(range(len(tokens))):
        raise KeyError("ranks from 0 without a gap")
    return tokens


def gpt2_vocabulary(archive: Archive) -> bytes:
    names = [spelled(token) for token in ranked_tokens(archive)] + ["<|endoftext|>"]
    return json.dumps({name: place for place, name in enumerate(names)}).encode()


def gpt2_merges(archive: Archive) -> bytes:
    """Every token of several bytes joins the two tokens that all merges before it leave of it."""
    tokens = ranked_tokens(archive)
    ranks = {token: rank for rank, token in enumerate(tokens)}
    lines = ["#version: 0.2"]
    for rank, token in enumerate(tokens[256:], 256):
        left, right = halves(token, ranks, rank)
        lines.append("%s %s" % (spelled(left), spelled(right)))
    return ("\n".join(lines) + "\n").encode()


def halves(token: bytes, ranks: Dict[bytes, int], limit: int) -> Tuple[bytes, bytes]:
    """The two parts that byte-pair encoding with the ranks below the limit leaves of a token."""
    parts = [token[place : place + 1] for place in range(len(token))]
    while len(parts) > 2:
        joined = [ranks.get(a + b, limit) for a, b in zip(parts, parts[1:])]
        best = min(joined)
        if best >= limit:
            raise KeyError("two halves of a token")
        place = joined.index(best)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts[0], parts[1]


# Questions with options

SOCIAL_IQA = re.compile(r"(.*\?) A: (.*?); B: (.*?); C: (.*)\.", re.DOTALL)
# The context may hold questions of its own: the last sentence that begins like a question is it.
QUESTION = re.compile(r"(.*[.!?\"'] )((?:What|How|Why)\b.*)", re.DOTALL)
QUARTZ = re.compile(r"(.*)\n\n A: (.*)\n B: (.*)", re.DOTALL)


def chat_rows(archive: Archive) -> Iterable[Tuple[str, str]]:
    """What the user says in each row, and the ideal answer."""
    for line in archive.member().decode().splitlines():
        row = json.loads(line)
        yield row["input"][-1]["content"], row["ideal"]


def matched(pattern: "re.Pattern[str]", text: str) -> Tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise KeyError("a row of the known form")
    return match.groups()


def social_iqa(archive: Archive) -> bytes:
    records = []
    for text, label in chat_rows(archive):
        asked, a, b, c = matched(SOCIAL_IQA, text)
        context, question = matched(QUESTION, asked)
        record = {"context": context.rstrip(), "question": question, "a": a, "b": b, "c": c}
        records.append({**record, "label": label})
    return json_lines(records)


def quartz(archive: Archive) -> bytes:
    rows = [(*matched(QUARTZ, text), label) for text, label in chat_rows(archive)]
    groups = twins([(question, a, b) for question, a, b, _ in rows])
    return json_lines(
        {"question": question, "a": a, "b": b, "label": label, "twin": twin}
        for (question, a, b, label), twin in zip(rows, groups)
    )


# Word problems


def word_problems(archive: Archive) -> bytes:
    """Runs the package's generators in a process of their own, with one hash seed for all."""
    script = Path(__file__).with_name("word_problems.py")
    environment = dict(os.environ, PYTHONHASHSEED="0")
    run = subprocess.run(
        [sys.executable, "-s", "-S", "-B", str(script), str(archive.path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if run.returncode != 0:
        reason = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise MakingFailed(
            "The word problems could not be made (%s). They need Python 3.9 or newer."
            % "".join(reason)
        )
    return run.stdout


# The template of reasoning-gym that was made from each of the 100 problems, in the problems' order.
# Found by comparing words: each problem has far more in common with one template than with others.
TEMPLATES = (
    *(74, 59, 53, 30, 19, 8, 91, 86, 26, 1, 90, 87, 20, 7, 54, 29, 73, 60, 47, 36),
    *(67, 66, 45, 38, 25, 2, 95, 82, 17, 10, 99, 78, 22, 5, 42, 41, 71, 62, 48, 35),
    *(61, 72, 28, 55, 6, 21, 88, 89, 0, 27, 85, 92, 9, 18, 31, 52, 58, 75, 37, 46),
    *(63, 70, 40, 43, 4, 23, 80, 98, 12, 14, 81, 96, 3, 24, 39, 44, 65, 69, 32, 50),
    *(49, 34, 77, 56, 94, 83, 15, 13, 97, 79, 16, 11, 93, 84, 76, 57, 51, 33, 68, 64),
)


def gsm8k(archive: Archive) -> bytes:
    """The problems with their worked answers, without the calculator's notes `<<6*2=12>>`."""
    try:
        import tomllib
    except ImportError as error:
        raise MakingFailed("The problems of GSM8K are made with Python 3.11 or newer.") from error
    folder = archive.members[-1].rpartition("/")[0]
    records = []
    with zipfile.ZipFile(archive.path) as wheel:
        for number, template in enumerate(TEMPLATES):
            row = tomllib.loads(wheel.read("%s/%04d.toml" % (folder, number)).decode())
            answer = re.sub(r"\n+", "\n", re.sub(r"<<.*?>>", "", row["answer"]).strip())
            records.append({"question": row["question"], "answer": answer, "template": template})
    return json_lines(records)
