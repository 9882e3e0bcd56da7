"""Is a reply a STOP?

It is when its first or last words are a keyword ("Stop it, I love it", "I want to unsubscribe"), or when
the whole of it is one once blanks and signs are gone ("S.T.O.P"). Case, accents, width and quotes do not
matter; a "please" in front does not count. Who is suppressed by mistake misses a text; who is texted after a
STOP may sue.

Nothing here subscribes anybody again: START and UNSTOP are no consent that we could prove. A person can, with
``clicksend ledger opt-in``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

KEYWORDS = (
    # ClickSend's help names these.
    *("STOP", "UNSUBSCRIBE", "END"),
    # What carriers and other providers have in common.
    *("STOPALL", "CANCEL", "QUIT"),
    # With STOP, QUIT, END, CANCEL and UNSUBSCRIBE what 47 CFR 64.1200(a)(10) names.
    *("REVOKE", "OPT OUT"),
)
COURTESY = frozenset({"please", "pls", "plz"})
WORD = re.compile(r"[^\W_]+")


class StopWords:
    """Knows a STOP when it sees one."""

    def __init__(self, keywords: Iterable[str] = KEYWORDS) -> None:
        self._keywords = {words for keyword in keywords if (words := _words(keyword))}
        self._whole = {"".join(words) for words in self._keywords}

    def are_in(self, reply: str) -> bool:
        """Return whether a reply opts out."""
        words = _words(reply)
        if "".join(words) in self._whole:
            return True
        while words[:1] and words[0] in COURTESY:
            words = words[1:]
        return any(keyword in (words[: len(keyword)], words[-len(keyword) :]) for keyword in self._keywords)


def _words(text: str) -> tuple[str, ...]:
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(one for one in letters if unicodedata.category(one) not in ("Mn", "Cf"))
    return tuple(WORD.findall(plain.casefold()))
