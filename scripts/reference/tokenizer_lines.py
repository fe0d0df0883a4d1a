"""Lines of text that a tokenizer gets wrong, made up from a seed: the same lines on every run."""
import random

SCRIPTS = [
    # First and last letter of a script, or of a part of it; marks and unassigned places among them are welcome.
    (0x61, 0x7A), (0x41, 0x5A), (0xC0, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x531, 0x556), (0x5D0, 0x5EA),
    (0x620, 0x64A), (0x904, 0x94D), (0x985, 0x9CD), (0xE01, 0xE4E), (0xF40, 0xF84), (0x10A0, 0x10FF), (0x1100, 0x11FF),
    (0x1200, 0x1248), (0x13A0, 0x13F5), (0x1780, 0x17D3), (0x1C90, 0x1CBF), (0x1E00, 0x1FFF), (0x3041, 0x3096),
    (0x30A1, 0x30FA), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF),
]
DIGITS = [
    (0x30, 0x39), (0xB2, 0xB3), (0xBC, 0xBE), (0x660, 0x669), (0x6F0, 0x6F9), (0x966, 0x96F), (0xE50, 0xE59),
    (0x2070, 0x2089), (0x2150, 0x218B), (0x2160, 0x2188), (0x2460, 0x249B), (0x3021, 0x3029), (0xFF10, 0xFF19),
    (0x10107, 0x10133), (0x1D7CE, 0x1D7FF), (0x11DE0, 0x11DE9), (0x16E80, 0x16E96),
]
SPACES = ["\t", "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\xa0", "\u1680", "\u180e", "\u2003", "\u2028", "\u2029",
          "\u202f", "\u205f", "\u200b", "\u2060", "\u3000", "\ufeff"]
MARKS = [(0x300, 0x36F), (0x483, 0x489), (0x591, 0x5C7), (0x64B, 0x65F), (0x93A, 0x94F), (0x1AB0, 0x1ACE),
         (0x20D0, 0x20F0), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF)]
SIGNS = list("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~") + ["\u2026", "\u2014", "\u00ab", "\u20ac", "\u2192", "\u2211", "\u3002", "\u0964", "\ufffd"]
SMILES = [
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f9d1\U0001f3fe\u200d\U0001f91d\u200d\U0001f9d1\U0001f3fb", "\U0001f1e9\U0001f1ea", "\U0001f1ef\U0001f1f5\U0001f1fa",
    "\U0001f44d\U0001f3ff", "\u2764\ufe0f", "\u2764\ufe0e", "1\ufe0f\u20e3", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e007f",
    "\u00a9", "\u2603", "\U0001fae8", "\U0001f6dc",
]
ENDINGS = ["s", "t", "re", "ve", "m", "ll", "d", "\u017f", "l", "r", "v", "rE", "x", "1", "\u212a"]
NAMES = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|begin_of_text|>", "<note>", "<|", "|>", "<|eot_id|", "<<note>>"]


class Lines:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def character(self, ranges):
        return chr(self.chance.randint(*self.chance.choice(ranges)))

    def word(self):
        low, high = self.chance.choice(SCRIPTS[:4] + SCRIPTS)
        return "".join(chr(self.chance.randint(low, high)) for _ in range(self.chance.randint(1, 9)))

    def marked(self):
        return "".join(letter + (self.character(MARKS) if self.chance.random() < 0.4 else "") for letter in self.word())

    def number(self):
        low, high = self.chance.choice([(0x30, 0x39)] * 6 + DIGITS)
        return "".join(chr(self.chance.randint(low, high)) for _ in range(self.chance.randint(1, 8)))

    def contraction(self):
        ending = self.chance.choice(ENDINGS)
        case = self.chance.choice([str, str, str.upper, str.title])
        return case(self.word() if self.chance.random() < 0.7 else "") + self.chance.choice("'''\u2019") + case(ending)

    def space(self):
        if self.chance.random() < 0.75:
            return " " * self.chance.choice([1, 1, 1, 1, 2, 3, 8])
        return "".join(self.chance.choice(SPACES + [" ", " "]) for _ in range(self.chance.randint(1, 5)))

    def signs(self):
        return "".join(self.chance.choice(SIGNS) for _ in range(self.chance.randint(1, 4)))

    def anything(self):
        """Any character of all planes: controls, unassigned ones, private ones, noncharacters."""
        code = self.chance.randint(0, 0x10FFFF) >> self.chance.randint(0, 16)
        return "" if 0xD800 <= code < 0xE000 else chr(code)

    def piece(self):
        kind = self.chance.choices(
            [self.word, self.marked, self.number, self.contraction, self.space, self.signs, self.anything,
             lambda: self.chance.choice(SMILES), lambda: self.chance.choice(NAMES), lambda: self.character(MARKS)],
            [20, 5, 10, 7, 26, 10, 6, 6, 1, 1])[0]
        return kind()

    def line(self):
        return "".join(self.piece() for _ in range(self.chance.randint(1, 11)))


def awkward_lines(count, seed):
    """Lines of every kind of piece, then runs and very long words."""
    lines = Lines(seed)
    texts = ["", " ", "\n", "\ufeff", "\ufeffText", "\u0301a", "'", "''s", " 'S", "'\u017fx", "\x00", "\U0010ffff"]
    texts += [first + second for first in SPACES for second in ["", "a", "1", ".", " ", "  x", "\n", "\n\n", "'s"]]
    texts += [lines.chance.choice(["a", " ", "\n", "\t", "\u3000", ".", "7", "\u00bd", "\u0e01", "\U0001f600", "\u0301"])
              * lines.chance.randint(20, 300) for _ in range(30)]
    texts += ["".join(lines.word() for _ in range(2000))[:10_000], "x" * 10_000, "Ab" * 5000, "\u4e2d\u6587" * 2000]
    while len(texts) < count:
        texts.append(lines.line())
    return texts
