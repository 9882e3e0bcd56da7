"""Is a reply a STOP?

It is when one of these holds; case, accents, width, quotes and courtesy ("please", "thanks") at both ends do
not matter:

- it begins or ends with a keyword ("Stop it, I love it", "I want to unsubscribe"), or is one once blanks and
  signs are gone ("S.T.O.P");
- it has up to five words, and one of them is a keyword ("hey stop texting ok");
- it has a sentence that is nothing but a keyword ("Who is this? STOP. I never signed up for anything");
- it has a phrase that says so ("take me off your list", "no me escriban").

It is not one where the words mean something else: negated ("do not cancel"), as nouns ("see you at the end"
in a long reply), "stop by". Who is suppressed by mistake misses a text; who is texted after a STOP may sue.

Nothing here subscribes anybody again: START and UNSTOP are not a consent that we could prove. A person can,
with ``clicksend ledger opt-in``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from target_clicksend.messages.gates import stop_phrases as data

Words = tuple[str, ...]

RULES = 2
"""To be raised when a reply may be judged otherwise though no word has changed: all are read again then."""
SHORT = 5
"""Words of a reply that holds a keyword by intent rather than by chance."""
# Han, kana and Thai put no blanks between words.
WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")
STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
SENTENCE = re.compile(r"[.!?;\n\r\u3002]+")
PLAIN = str.maketrans(
    {"\u0142": "l", "\u00f8": "o", "\u0111": "d", "\u0131": "i", "\u00e6": "ae", "\u0153": "oe"}
)
"""Letters that Unicode does not take apart, though people who are in a hurry do."""


class StopWords:
    """Knows a STOP when it sees one."""

    def __init__(self, keywords: Iterable[str] = data.KEYWORDS) -> None:
        own = sorted({words for keyword in keywords if (words := _words(keyword))})
        everywhere = _everywhere()
        self._keywords = _Sequences([*own, *(("".join(one),) for one in own), *everywhere.as_keywords])
        self._alone = everywhere.alone | {"".join(one) for one in own}
        self.digest = hashlib.sha256(repr((own, everywhere.digest)).encode()).hexdigest()
        """Tells apart what reads replies differently."""

    def are_in(self, reply: str) -> bool:
        """Return whether a reply opts out."""
        plain = _plain(reply)
        words = _split(plain)
        if self._is_alone(words) or any(self._is_alone(_split(one)) for one in SENTENCE.split(plain)):
            return True
        if any(not _is_negated(words, start) for start, _ in _everywhere().phrases.found_in(words)):
            return True
        return any(
            self._opts_out(one, start, end)
            for one in (words, _without_courtesy(words))
            for start, end in self._keywords.found_in(one)
        )

    def may_be_in(self, reply: str) -> bool:
        """Return whether a reply that does not opt out has words that a person should look at."""
        words = _words(reply)
        everywhere = _everywhere()
        return any(one.are_in(words) for one in (self._keywords, everywhere.phrases, everywhere.doubtful))

    def _is_alone(self, words: Words) -> bool:
        return "".join(words) in self._alone or "".join(_without_courtesy(words)) in self._alone

    @staticmethod
    def _opts_out(words: Words, start: int, end: int) -> bool:
        """Return whether a keyword opts out where it is in a reply."""
        if _is_negated(words, start) or _everywhere().other_meanings.are_at(words, start):
            return False
        short = len(words) <= SHORT
        is_last = end == len(words)
        if start == 0 or (short and is_last):
            return True
        return (short or is_last) and words[start - 1] not in _everywhere().noun_after


class _Sequences:
    """Sequences of words, found in other words."""

    def __init__(self, sequences: Iterable[Words]) -> None:
        by_first: defaultdict[str, set[Words]] = defaultdict(set)
        for one in sequences:
            by_first[one[0]].add(one)
        self._by_first = {first: tuple(those) for first, those in by_first.items()}

    def found_in(self, words: Words) -> Iterator[tuple[int, int]]:
        """Yield where a sequence begins and ends."""
        for start, word in enumerate(words):
            for one in self._by_first.get(word, ()):
                if words[start : start + len(one)] == one:
                    yield start, start + len(one)

    def are_in(self, words: Words) -> bool:
        """Return whether there is one."""
        return next(self.found_in(words), None) is not None

    def are_at(self, words: Words, start: int) -> bool:
        """Return whether one begins at a word."""
        return any(at == 0 for at, _ in self.found_in(words[start:]))


class _Everywhere:
    """What counts for every account."""

    def __init__(self) -> None:
        self.as_keywords = _read(*data.AS_KEYWORDS.values())
        self.alone = {"".join(one) for one in (*_read(*data.ALONE.values()), *self.as_keywords)}
        self.phrases = _Sequences(_read(*data.ANYWHERE.values()))
        self.doubtful = _Sequences(_read(data.DOUBTFUL))
        self.other_meanings = _Sequences(_read(data.OTHER_MEANINGS))
        self.noun_after = frozenset(_words(data.NOUN_AFTER))
        self.negations = frozenset(_read(data.NEGATIONS))
        self.courtesy = frozenset(_read(data.COURTESY))
        self.courtesy_lengths = range(max(map(len, self.courtesy)), 0, -1)
        everything = (RULES, SHORT, data.AS_KEYWORDS, data.ALONE, data.ANYWHERE, data.DOUBTFUL)
        exceptions = (data.OTHER_MEANINGS, data.NEGATIONS, data.COURTESY, data.NOUN_AFTER)
        self.digest = hashlib.sha256(repr((everything, exceptions)).encode()).hexdigest()


_everywhere = cache(_Everywhere)


def has_words(text: str) -> bool:
    """Return whether there is anything in a text that a reply could be compared with."""
    return bool(_words(text))


def _read(*patterns: Iterable[str]) -> list[Words]:
    return [_words(text) for one in chain(*patterns) for text in data.spelled_out(one)]


def _words(text: str) -> Words:
    return _split(_plain(text))


def _plain(text: str) -> str:
    """Return a text in small letters without accents, as it is compared."""
    plain = text.casefold()
    if not plain.isascii():
        letters = unicodedata.normalize("NFKD", plain)
        plain = "".join(one for one in letters if unicodedata.category(one) not in ("Mn", "Cf"))
        plain = plain.casefold().translate(PLAIN)
    return STRETCHED.sub(r"\1", plain)


def _split(plain: str) -> Words:
    return tuple(WORD.findall(plain))


def _without_courtesy(words: Words) -> Words:
    """Return words without what is polite at both ends."""
    start, end = 0, len(words)
    courtesy, lengths = _everywhere().courtesy, _everywhere().courtesy_lengths
    while taken := next((one for one in lengths if words[start : min(start + one, end)] in courtesy), 0):
        start += taken
    while taken := next((one for one in lengths if words[max(end - one, start) : end] in courtesy), 0):
        end -= taken
    return words[start:end]


def _is_negated(words: Words, start: int) -> bool:
    negations = _everywhere().negations
    return any(words[max(start - length, 0) : start] in negations for length in (1, 2))
