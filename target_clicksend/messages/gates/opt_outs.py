"""The gate for opt-outs: who is in the Opt-Out List, wrote a STOP, or did so by what the row itself says.

ClickSend's own opt-outs do not hold for messages sent through its API (its help), so this gate must.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from clicksend.client import Client
from clicksend.errors import ClickSendError, LedgerError
from clicksend.ledger.ledger import Ledger, utc_now
from target_clicksend.messages.gates.opt_out_reader import OptOutReader
from target_clicksend.messages.message import Message
from target_clicksend.row import Rejected

OVERLAP = timedelta(hours=1)
"""Read again each time: a message may show in the history late."""
FEW = 50
"""Recipients; for fewer it is quicker to ask for each than to read the list."""
CURSOR = "opt_outs"

logger = logging.getLogger("target-clicksend")


class OptOutsError(ClickSendError):
    """Nobody knows who has opted out, so nothing may be sent."""


class Progress(msgspec.Struct, frozen=True):
    """How far opt-outs were read.

    Attributes:
        lists: Ids of the lists.
        keywords: What counted as a STOP: the setting's words, and a digest of all else.
        read_at: When, by our clock, this was last read.
        changed_at: The same by the server's clock.
    """

    lists: list[int]
    keywords: list[str]
    read_at: datetime
    changed_at: datetime


class OptOuts:
    """Knows who has opted out."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        client: Client,
        ledger: Ledger,
        find_lists: Callable[[], Sequence[int]],
        keywords: Sequence[str],
        max_age: timedelta,
        country: str | None = None,
        now: Callable[[], datetime] = utc_now,
        look_at: Callable[[str], None] | None = None,
    ) -> None:
        """Know it for an account, by its ledger.

        Args:
            client: The connection.
            ledger: The ledger.
            find_lists: Returns the ids of the lists of those who opted out.
            keywords: Words of a STOP.
            max_age: How old the ledger's knowledge may be when ClickSend cannot be asked.
            country: ISO 3166 code for numbers without a country code.
            now: The ledger's clock.
            look_at: Takes the message id of a reply that a person should read.
        """
        self._reader = OptOutReader(client, ledger, keywords, country, look_at)
        self._ledger = ledger
        self._find_lists = find_lists
        self._max_age = max_age
        self._now = now
        self._refreshed_at: datetime | None = None
        self.known_at: datetime | None = None
        """As of when this run knows who has opted out, by our clock; None before it has asked."""

    def of(self, numbers: Collection[str]) -> set[str]:
        """Return those of the E.164 numbers that have opted out, as far as the ledger knows."""
        hashes = {number: self._ledger.privacy.hash(number) for number in numbers}
        found = self._ledger.memory.opted_out(hashes.values())
        return {number for number, one in hashes.items() if one in found}

    def refresh(self) -> None:
        """Bring the ledger up to date, unless this run did so less than ``max_age`` ago.

        Raises:
            OptOutsError: It is not, and cannot be.
        """
        now = self._now()
        if self._refreshed_at and now - self._refreshed_at < self._max_age:
            return
        progress = self._progress()
        try:
            self._read(progress, now)
        except LedgerError:
            raise
        except ClickSendError as error:
            if progress is None or not timedelta() <= now - progress.read_at < self._max_age:
                raise _unreadable(error) from None
            logger.warning("%s Opt-outs are those of %s.", error, progress.read_at.isoformat())
            self.known_at = progress.read_at
        else:
            self._refreshed_at = self.known_at = now

    def ask(self, numbers: Collection[str]) -> None:
        """Bring the ledger up to date for a few E.164 numbers, or for all where that is as quick or safer.

        Raises:
            OptOutsError: ClickSend cannot be asked.
        """
        try:
            is_all = self._progress() is None and self._reader.ask(numbers, self._lists())
        except LedgerError:
            raise
        except ClickSendError as error:
            raise _unreadable(error) from None
        if not is_all:
            self.refresh()

    def _read(self, progress: Progress | None, now: datetime) -> None:
        """Read all of the lists, and the replies since the last time; all when that was for other lists.

        Of a list never what has changed only: whether a contact that was moved into it counts is unknown, and
        a person may have moved it, without any reply.
        """
        lists = self._lists()
        if progress and progress.lists != lists:
            progress = None
        since = int((progress.changed_at - OVERLAP).timestamp()) if progress else None
        dates = [self._reader.read_list(list_id) for list_id in lists]
        # What another worker adds meanwhile stays, though its clock be slow.
        self._ledger.memory.drop_opt_outs("list", seen_before=now - OVERLAP)
        dates.append(self._reader.read_replies(since))
        read = Progress(lists, self._reader.counted, now, min(dates))
        self._ledger.memory.set_cursor(CURSOR, msgspec.json.encode(read).decode())

    def _lists(self) -> list[int]:
        if lists := sorted(self._find_lists()):
            return lists
        raise OptOutsError("There is no list of the name that opt_out_list says: correct the setting.")

    def _progress(self) -> Progress | None:
        """Return how far opt-outs were read, None when replies were read by other words or never."""
        kept = self._ledger.memory.cursor(CURSOR)
        progress = msgspec.json.decode(kept, type=Progress) if kept else None
        return progress if progress and progress.keywords == self._reader.counted else None


def says_opted_out(message: Message, opt_out: str) -> bool:
    """Return whether the row itself says that its recipient opted out.

    Args:
        message: The message.
        opt_out: The setting: ``enforce``, ``column`` or ``ignore``.

    Raises:
        Rejected: With ``column`` nothing else would say so, and the row does not.
    """
    if opt_out == "column" and message.opted_out is None:
        raise Rejected("opted_out is missing or null, and opt_out: column goes by it alone")
    return opt_out != "ignore" and bool(message.opted_out)


def _unreadable(error: ClickSendError) -> OptOutsError:
    return OptOutsError(
        f"{error} So nobody knows who has opted out, and nothing is sent: run again later. For a hub that"
        " does not serve /lists set opt_out: column, and give the rows a column opted_out."
    )
