"""What the probe makes in an account: all under one name, noted before it is made, and removed again.

Lists (and with them their contacts) are found by their name, scheduled messages by their custom string, a
sender's address that was added once more by the ids that were there before. Nothing else is ever deleted.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from clicksend.client import Client
from clicksend.errors import ClickSendError, ForbiddenError, NotFoundError, SettingsError
from clicksend.paging import Row, id_of, read_pages
from clicksend.settings import Settings

PREFIX = "clicksend probe "
NAME = re.compile(r"clicksend probe (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) \d{1,2}")
"""What lists of a probe are called: its name and a number."""
ABANDONED = 3600
"""Seconds after which lists of a probe that nobody has noted are no longer in use."""
PAUSE = 5
"""Seconds before something is tried again."""
LONGEST_LAG = 60
"""Seconds within which what was sent is waited for in the history."""


@dataclass
class Noted:
    """What the file holds: enough to find all that was made, and written before it was.

    Attributes:
        name: What everything is called.
        begun: The server's clock (Unix seconds).
        scheduled: How many messages may be scheduled.
        addresses: Ids of all senders' addresses before one was added.
        address: The id of the one that was added once more.
    """

    name: str
    begun: int
    scheduled: int = 0
    addresses: list[Any] = field(default_factory=list)
    address: Any = None


class Own:
    """The probe's own objects in one account, and the file that remembers them."""

    def __init__(self, client: Client) -> None:
        """Lock the file of the account.

        Raises:
            SettingsError: It cannot be written, or another probe has it.
        """
        self._client = client
        self.path = noted_in(client.settings)
        self._lock = _locked(self.path)
        try:
            self.noted = self._left()
        except SettingsError:
            self.close()
            raise

    def begin(self, now: int) -> None:
        """Note that something will be made, under a name of its own."""
        moment = datetime.fromtimestamp(now, UTC)
        self.noted = Noted(f"{PREFIX}{moment:%Y-%m-%dT%H:%M:%SZ}", now)
        self.note()

    @property
    def name(self) -> str:
        """What all is called."""
        return self._begun().name

    @property
    def begun(self) -> int:
        """The server's clock when it began (Unix seconds)."""
        return self._begun().begun

    def note(self, **changes: Any) -> None:
        """Write down what will be made next."""
        noted = self._begun()
        for name, value in changes.items():
            setattr(noted, name, value)
        write_private(self.path, json.dumps(asdict(noted)))

    def strays(self, now: int) -> list[str]:
        """Return the names of lists that earlier probes left, and whose file is gone."""
        names = (str(row.get("list_name")) for row in self._lists())
        return [name for name in names if (found := NAME.fullmatch(name)) and _age(found[1], now) > ABANDONED]

    def remove(self, strays: Sequence[str] = ()) -> None:
        """Remove all that is noted, and the strays; after a failure that may pass, twice more.

        Raises:
            ClickSendError: Something is left; the file stays.
        """
        for is_last in (False, False, True):
            try:
                self._remove(strays)
                break
            except ClickSendError as error:
                if is_last or not error.retryable:
                    raise
                self._client.wait(min(error.retry_after or PAUSE, LONGEST_LAG))

    def close(self) -> None:
        """Let go of the file."""
        self._lock.close()

    def _begun(self) -> Noted:
        if self.noted is None:
            raise RuntimeError("nothing was begun")
        return self.noted

    def _left(self) -> Noted | None:
        try:
            return Noted(**json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise SettingsError(
                f"{self.path} does not hold what a probe has made: look at it, and delete it."
            ) from None

    def _remove(self, strays: Sequence[str]) -> None:
        for row in self._ours(strays):
            self._remove_list(id_of(row, "list_id", "GET /lists"), strays)
        if self.noted:
            self._cancel(self.noted)
            self._remove_address(self.noted)
            self.path.unlink(missing_ok=True)
            self.noted = None

    def _remove_list(self, list_id: int, strays: Sequence[str]) -> None:
        try:
            self._client.delete(f"/lists/{list_id}")
        except (ForbiddenError, NotFoundError):
            # What is gone answers so; what may not be deleted is still there.
            if any(id_of(row, "list_id", "GET /lists") == list_id for row in self._ours(strays)):
                raise

    def _ours(self, strays: Sequence[str]) -> list[Row]:
        """Return the lists that were made, and the strays."""
        own = f"{self.noted.name} " if self.noted else None
        named = [(row, str(row.get("list_name"))) for row in self._lists()]
        return [
            row
            for row, name in named
            if NAME.fullmatch(name) and (name in strays or (own and name.startswith(own)))
        ]

    def _lists(self) -> list[Row]:
        return [row for page in read_pages(self._client, "/lists") for row in page.rows]

    def _cancel(self, noted: Noted) -> None:
        """Cancel what is scheduled, waiting until all that was sent shows, or never was."""
        if not noted.scheduled:
            return
        found = self._messages(noted)
        for _ in range(LONGEST_LAG):
            if len(found) >= noted.scheduled or self._now() - noted.begun > 2 * LONGEST_LAG:
                break
            self._client.wait(1)
            found = self._messages(noted)
        for key, status in found.items():
            if "cancel" not in status:
                cancelled(self._client, key)

    def _messages(self, noted: Noted) -> dict[str, str]:
        """Return the states of the messages that were to be scheduled, by their ids."""
        pages = read_pages(self._client, "/sms/history", {"date_from": noted.begun - LONGEST_LAG})
        return {
            str(row["message_id"]): str(row.get("status")).casefold()
            for page in pages
            for row in page.rows
            if is_scheduled_one(noted.name, row)
        }

    def _now(self) -> int:
        return int(self._client.get("/countries").date.timestamp())

    def _remove_address(self, noted: Noted) -> None:
        if noted.address is None:
            return
        rows = [row for page in read_pages(self._client, "/email/addresses") for row in page.rows]
        doubled = [_address(row) for row in rows if row.get("email_address_id") == noted.address]
        for row in rows:
            key = row.get("email_address_id")
            if key not in noted.addresses and _address(row) in doubled:
                key = id_of(row, "email_address_id", "GET /email/addresses")
                self._client.delete(f"/email/addresses/{key}")


def cancelled(client: Client, message_id: str) -> bool:
    """Cancel one message; return whether it was still scheduled."""
    try:
        client.put(f"/sms/{message_id}/cancel")
    except NotFoundError:
        return False
    return True


def is_scheduled_one(name: str, row: Row) -> bool:
    """Tell whether a message is one of those that a probe schedules."""
    return str(row.get("custom_string")).casefold().startswith(f"{name} later ".casefold())


def noted_in(settings: Settings) -> Path:
    """Return the file that notes what a probe has made in an account."""
    who = f"{settings.api_url} {settings.username or settings.api_key}"
    given = os.environ.get("XDG_STATE_HOME")
    folder = Path(given) if given else Path.home() / ".local" / "state"
    return folder / "clicksend" / f"probe-{sha256(who.encode()).hexdigest()[:16]}.json"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read: whole, or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _address(row: Row) -> str:
    return str(row.get("email_address")).casefold()


def _locked(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.fdopen(os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600), "w")
    except OSError:
        raise SettingsError(
            f"{path.parent} cannot be written, where the probe notes what it makes: set XDG_STATE_HOME to a"
            " folder that can."
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise SettingsError("Another probe of this account is at work: wait until it has ended.") from None
    return file


def _age(moment: str, now: int) -> int:
    return now - int(datetime.fromisoformat(moment).timestamp())
