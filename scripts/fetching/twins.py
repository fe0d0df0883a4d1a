"""Which questions of a data set are near-twins of each other.

QuaRTz was written in pairs: the second question turns one thing of the first one round, so that
the other option is right. Whoever has seen one half of a pair knows something of the other, so both
must be on the same side of a split. The package says nothing of pairs; words do.
"""

import itertools
import re
from collections import Counter, defaultdict
from typing import Dict, FrozenSet, List, Sequence, Set, Tuple

Question = Tuple[str, str, str]


def twins(questions: Sequence[Question]) -> List[int]:
    """For each question with its two options a number that it shares with its near-twins only.

    The similarity of two questions is 2 · shared words / (words of both). With the same options 0.6
    makes them twins, otherwise 0.8. Twins of twins are in one group, numbered by its first
    question.
    """
    words = [numbered_words(question) for question, _, _ in questions]
    options = [frozenset((plain(a), plain(b))) for _, a, b in questions]
    leaders = list(range(len(questions)))

    def leader(place: int) -> int:
        while leaders[place] != place:
            leaders[place] = leaders[leaders[place]]
            place = leaders[place]
        return place

    for place, other in candidates(words):
        shared, both = len(words[place] & words[other]), len(words[place]) + len(words[other])
        # In whole numbers, so that no machine rounds another way: 0.6 and 0.8 of a half.
        if 10 * shared >= (3 if options[place] == options[other] else 4) * both:
            first, second = sorted((leader(place), leader(other)))
            leaders[second] = first
    return [leader(place) for place in range(len(questions))]


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def numbered_words(text: str) -> FrozenSet[Tuple[str, int]]:
    """The words, of which the second occurrence of one is another one."""
    seen: Counter = Counter()
    numbered = []
    for word in plain(text).split():
        seen[word] += 1
        numbered.append((word, seen[word]))
    return frozenset(numbered)


def candidates(words: Sequence[FrozenSet[Tuple[str, int]]]) -> Set[Tuple[int, int]]:
    """Every pair whose similarity can reach 0.6, and some more.

    Such a pair shares at least 3/7 of each one's words, so that among all but 3/7 of one's words,
    and one more, there is a shared one. The rarest words make the fewest pairs.
    """
    frequency = Counter(word for own in words for word in own)
    holders: Dict[Tuple[str, int], List[int]] = defaultdict(list)
    for place, own in enumerate(words):
        rarest = sorted(own, key=lambda word: (frequency[word], word))
        needed = -(-len(own) * 3 // 7)
        for word in rarest[: len(own) - needed + 1]:
            holders[word].append(place)
    return {pair for places in holders.values() for pair in itertools.combinations(places, 2)}
