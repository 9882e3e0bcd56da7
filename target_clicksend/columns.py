"""The columns of a row, known whatever their spelling; and those that must not be overlooked.

A warehouse writes ``OPTED_OUT``, a tap ``optedOut``, a spreadsheet ``Opted Out``: each is ``opted_out``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from clicksend.errors import SettingsError
from clicksend.text import escaped, visible
from target_clicksend.row import Rejected, Values

DELETED = "_sdc_deleted_at"
"""Column that says when a row was deleted (Singer); after ``read`` true or false, whatever column said so."""

MARKS = re.compile(
    r"_+.*delet.*|(sdc|sdclsn|abcdc)deletedat|fivetrandeleted|dltdeleted(at)?|peerdbisdeleted",
    re.IGNORECASE,
)
"""Columns in which tools say that a row was deleted: what begins with an underscore, as with tap-mssql,
Airbyte, Fivetran, dlt, PeerDB, Debezium (``__deleted``) and Hevo; some are known without it as well."""
ALIVE = frozenset({"", "0", "0.0", "f", "false", "n", "no"})
GONE = frozenset({"1", "1.0", "t", "true", "y", "yes"})
DAY = re.compile(r"(19|[2-9]\d)\d\d-[01]\d-[0-3]\d.*|\d{10}(\d{3})?(\.0+)?", re.ASCII | re.DOTALL)
"""A time: ISO 8601, or Unix seconds or milliseconds."""

HOLDING = frozenset({"opted_out", "schedule", "send_before", "time_zone"})
"""Columns that hold a message back, or say when it may go."""

_SOME = r"(.*_)?"
"""Words before those that count: ``sms_opt_out``, ``booking_cancelled_at``."""
_WHEN = r"(_?(at|on|by|date|time|flag|ts))*"
_DELETED = rf"{_SOME}(soft_?)?delet(e|ed|ion){_WHEN}|(is_?)?removed{_WHEN}|tombstone"
_GONE = (
    rf"{_SOME}cancell?ed{_WHEN}|(is_?)?(void(ed)?|archived|withdrawn|inactive|disabled|obsolete){_WHEN}"
    r"|(is_?)?(active|enabled|live|valid)|(cdc_?)?op(eration)?(_?type)?|change_?type|metadata\$?_?action|row_?kind"
)
_OPTED = (
    rf"{_SOME}(is|has|sms|text|mms|e?mail|marketing|user)?opt(ed|s)?_?(out|in)s?{_WHEN}"
    r"|.*un_?subscri(?!.*(url|link|href|token)).*|(is_?)?subscribed.*"
    rf"|{_SOME}(do_?not|dont)_?(contact|text|sms|call|send|message|e?mail|market|disturb).*|{_SOME}do_not(_.*)?"
    r"|no_?(sms|texts?|calls?|contact|marketing|messages?)|dn[cdt]"
    r"|.*(black|block|suppression|deny)_?list(ed)?.*|(is_?)?(blocked|suppressed?|stopped)|.*consent.*|.*revoked.*"
)
_SCHEDULED = (
    r"(to_?be_?)?(send|deliver|dispatch|publish)_?(at|on|after|for|from|time|date|datetime|when|later|not_?before)+"
    r"|.*schedul.*|not_?before|(is_?)?(draft|on_?hold|hold|paused|pending)|hold_?until|delay(ed)?(_?until)?"
)
_EXPIRES = (
    r"expir(es|y|ed|ation)(_?(at|on|date|time))?|(good|valid)_?(until|to|till)|not_?after|(send|deliver)_?by"
    r"|deadline"
)

RESEMBLING_DELETED: Mapping[str, str] = {_DELETED: DELETED}
"""Names (patterns, words in small letters) that resemble a column that holds back, and which one that is."""
RESEMBLING: Mapping[str, str] = {
    **RESEMBLING_DELETED,
    _GONE: DELETED,
    _OPTED: "opted_out",
    _SCHEDULED: "schedule",
    _EXPIRES: "send_before",
}
"""The same for whoever sends."""

WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s_-]+")
MOST_SHOWN = 10


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Return what all spellings of a column's name have in common."""
    letters = unicodedata.normalize("NFKC", visible(name))
    return "".join([one for one in letters if unicodedata.category(one) not in ("Pc", "Pd", "Zs")]).casefold()


def is_mark(name: str) -> bool:
    """Return whether a column is a tool's mark of deleted rows."""
    name = visible(name)
    return bool(MARKS.fullmatch(name) or MARKS.fullmatch(fold(name)))


def marks_deleted(name: str, value: Any) -> bool:
    """Return whether the value of a mark says that the row was deleted.

    Raises:
        Rejected: It may mean either.
    """
    if value is None:
        return False
    text = visible(str(value)).lower() if not isinstance(value, dict | list) else "?"
    if text in ALIVE:
        return False
    if text in GONE or DAY.fullmatch(text):
        return True
    raise Rejected(
        f"{escaped(name)} says neither when the row was deleted (like 2026-01-31T12:00:00Z) nor true or false"
    )


def _check_alive(name: str, value: Any) -> None:
    """Check a column that may be a mark, under a name of the table's own.

    Raises:
        Rejected: The row may be deleted.
    """
    try:
        is_deleted = marks_deleted(name, value)
    except Rejected:
        is_deleted = True
    if is_deleted:
        raise Rejected(
            f"{escaped(name)} may say that the row was deleted: name the column {DELETED} with stream_maps,"
            " or add it to ignored_columns"
        )


@dataclass(frozen=True)
class _Layout:
    """What the columns of a row are; rows with the same columns share it.

    Attributes:
        named: The name of each that is kept, by its name in the row; None where all keep their own.
        marks: Those that say whether the row was deleted.
        doubtful: Those that may say so.
        twice: Why no such row can be read, None when it can.
    """

    named: Mapping[str, str] | None
    marks: tuple[str, ...]
    doubtful: tuple[str, ...]
    twice: str | None


class Columns:
    """Knows the columns of one stream's rows."""

    def __init__(  # noqa: PLR0913
        self,
        known: Collection[str],
        *,
        stream: str = "",
        settings: Collection[str] = (),
        keys: Iterable[str] = (),
        ignored: Iterable[str] = (),
        sends: bool = False,
    ) -> None:
        """Prepare.

        Args:
            known: The sink's columns.
            stream: The stream's name.
            settings: Columns that the settings name.
            keys: The stream's key properties.
            ignored: Columns that the user dismisses.
            sends: Whether rows go to people. A column that only resembles one that holds back stops their
                stream then; of others a row is rejected where such a column may say that it is deleted.
        """
        self._stream = stream
        self._known, self._settings = {*known, DELETED}, {*settings} - {""}
        self._by_fold = {fold(name): name for name in sorted(self._known)}
        self._others = {*self._settings, *keys}
        self._others_by_fold = {fold(name): name for name in sorted(self._others)}
        self._keys = {*keys}
        self._ignored = {fold(name) for name in ignored}
        self._sends, self._resembling = sends, RESEMBLING if sends else RESEMBLING_DELETED
        self._layouts: dict[tuple[str, ...], _Layout] = {}

    def named(self, name: str) -> str:
        """Return the name by which a column is known here; its own where it is not."""
        if name in self._known or name in self._settings:
            return name
        folded = fold(name)
        if folded in self._by_fold:
            return self._by_fold[folded]
        return name if name in self._others else self._others_by_fold.get(folded, name)

    def read(self, row: Values) -> Values:
        """Return a row by the names that are known here, and whether it was deleted as ``DELETED``.

        Raises:
            Rejected: Two columns are the same one, or nobody can tell whether it was deleted.
            SettingsError: As from ``check``.
        """
        names = tuple(row)
        layout = self._layouts.get(names)
        if layout is None:
            if len(self._layouts) > 1000:  # noqa: PLR2004, rows of ever other columns
                self._layouts.clear()
            self.check(names)
            layout = self._layouts[names] = self._layout(names)
        if layout.twice:
            raise Rejected(layout.twice)
        for name in layout.doubtful:
            _check_alive(name, row[name])
        if layout.named is None:
            return row
        values = {name: row[given] for given, name in layout.named.items()}
        if layout.marks:
            said = [marks_deleted(name, row[name]) for name in layout.marks]
            values[DELETED] = any(said)
        return values

    def _layout(self, names: tuple[str, ...]) -> _Layout:
        marks = tuple(name for name in names if is_mark(name))
        kept = [
            name
            for name in names
            if name in self._settings
            or not (name in marks or (self._is_ignored(name) and self.named(name) in self._known))
        ]
        named = {given: self.named(given) for given in kept}
        sources: dict[str, list[str]] = {}
        for given, name in named.items():
            sources.setdefault(name, []).append(escaped(given))
        twice = [" and ".join(some) for some in sources.values() if len(some) > 1]
        reason = f"{twice[0]} are one column: give it once" if twice else None
        is_as_it_is = (
            not marks and len(kept) == len(names) and all(one == name for one, name in named.items())
        )
        doubtful = () if self._sends else tuple(name for name in names if self._resembles(name))
        return _Layout(None if is_as_it_is else named, marks, doubtful, reason)

    def _is_ignored(self, name: str) -> bool:
        return bool(self._ignored) and fold(name) in self._ignored and name not in self._keys

    def check(self, names: Iterable[str]) -> None:
        """Look at columns of the stream.

        Raises:
            SettingsError: One of them resembles a column that holds messages back, and is not one.
        """
        if not self._sends:
            return
        for name in names:
            if stands_for := self._resembles(name):
                shown = escaped(name)
                raise SettingsError(
                    f"Column {shown} of stream {escaped(self._stream)} may hold messages back, and nothing"
                    f" reads it. If it means {stands_for}, give it that name with stream_maps; if not, add"
                    f' it to ignored_columns (["{shown}"]). Until then nothing of this stream is sent.'
                )

    def _resembles(self, name: str) -> str | None:
        is_known = self.named(name) in self._known | self._settings or is_mark(name)
        if is_known or self._is_ignored(name) or name in self._keys or name.lower().startswith("_sdc_"):
            return None
        words = WORDS.sub("_", unicodedata.normalize("NFKC", visible(name))).strip("_").lower()
        return next((means for names, means in self._resembling.items() if re.fullmatch(names, words)), None)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return the columns that go nowhere, of names as ``read`` gave them."""
        known = self._known | self._others
        return [
            name
            for name in names
            if not (name in known or self._is_ignored(name) or name.lower().startswith("_sdc_"))
        ]

    def described(self, unknown: Collection[str]) -> str:
        """Return names of unknown columns as a person can read them, with the known ones that are near."""
        shown = [escaped(name) + self._hint(name) for name in sorted(unknown)[:MOST_SHOWN]]
        if len(unknown) > MOST_SHOWN:
            shown.append(f"{len(unknown) - MOST_SHOWN:,} others")
        return ", ".join(shown)

    def _hint(self, name: str) -> str:
        near = get_close_matches(fold(name[:60]), self._by_fold, n=1, cutoff=0.8)
        return f" (did you mean {self._by_fold[near[0]]}?)" if near else ""


def check_ignored(ignored: Iterable[str]) -> str | None:
    """Return what is wrong with the setting ``ignored_columns``, None when nothing is."""
    holding = {fold(name) for name in HOLDING}
    if wrong := [name for name in ignored if fold(name) in holding or is_mark(name)]:
        return (
            f"names {escaped(wrong[0])}, which holds rows back: if a table means something else by it, give"
            " it another name with stream_maps, or drop it there (__NULL__)"
        )
    return None
