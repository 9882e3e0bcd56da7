"""What the sinks of small collections share: rows that are found by id or by name, and compared."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

from clicksend.errors import ClickSendError, NotFoundError
from clicksend.paging import id_of, read_pages
from target_clicksend.failures import ENDS_THE_RUN, Breaker, outcome_of
from target_clicksend.lists import fold
from target_clicksend.row import Rejected, Row
from target_clicksend.run import Run
from target_clicksend.sinks import Sink
from target_clicksend.values import is_deleted, read_id, read_text

Fields = dict[str, str]


@dataclass(frozen=True)
class Wish:
    """What a row asks for."""

    row: Row
    object_id: int | None
    fields: Fields
    deleted: bool


class Upserts(Sink):
    """Things with an id and a name; rows create and update them in ``prepare``, delete them in ``finish``.

    Both may be asked for before the end of the input, and then again for the rows that came since.
    """

    path: ClassVar[str]
    id_column: ClassVar[str]
    name_column: ClassVar[str]
    fields: ClassVar[dict[str, int]]
    """Columns that are written, with the most characters that each may have."""
    can_change: ClassVar[bool] = True

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._wishes: dict[int, Wish] = {}
        self.there: dict[int, Fields] = {}
        """What there is, by id; of a dry run what there would be."""
        self._ids: dict[str, list[int]] = {}
        self._breaker = Breaker()
        self._was_read = False
        self.unwritten: dict[str, str] = {}
        """What came of the rows that were not written, by folded name."""

    def check(self, wish: Wish, object_id: int | None) -> None:
        """Reject a wish that must not be granted, though the API would.

        Args:
            wish: What the row asks for.
            object_id: What it was found to mean, None for something new.
        """

    def is_needed_later(self, wish: Wish) -> bool:  # noqa: ARG002
        """Return whether rows behind a deletion mean what there is after it."""
        return False

    @override
    def receive(self, row: Row) -> None:
        try:
            self._wishes[row.number] = self._wish(row)
        except Rejected as reason:
            self.run.done(row, self.name, "rejected", str(reason))
            return
        self.run.finished_before(self.name, next(iter(self._wishes)))

    @override
    def prepare(self) -> None:
        if not self._wishes:
            return
        self.read_once()
        last = {self._identity(wish): wish for wish in self._wishes.values()}
        for wish, is_last in [(one, last[self._identity(one)] is one) for one in self._wishes.values()]:
            if self.run.stopped:
                return
            if not is_last:
                self.done(wish, "duplicate", "a later row of this run is for the same one")
            elif not wish.deleted:
                self._try(wish, self.write)
            elif self.is_needed_later(wish):
                self._try(wish, self._delete)

    @override
    def finish(self) -> None:
        for wish in list(self._wishes.values()):
            if self.run.stopped:
                return
            self._try(wish, self._delete if wish.deleted else self.write)

    def read_once(self) -> None:
        """Read what there is, unless that was done."""
        if not self._was_read:
            for object_id, fields in self._read().items():
                self._keep(object_id, fields)
            self._was_read = True

    def _wish(self, row: Row) -> Wish:
        object_id = read_id(row.values, self.id_column)
        read = {name: read_text(row.values, name, most) for name, most in self.fields.items()}
        fields = {name: text for name, text in read.items() if text}
        if object_id is None and self.name_column not in fields:
            raise Rejected(f"it has no {self.name_column}" + self._or_id())
        return Wish(row, object_id, fields, is_deleted(row.values))

    def _try(self, wish: Wish, act: Callable[[Wish], None]) -> None:
        """Act on a row; whatever its fate, it has an outcome then."""
        try:
            act(wish)
        except Rejected as reason:
            self.done(wish, "rejected", str(reason))
        except ClickSendError as error:
            outcome = outcome_of(error)
            self.done(wish, outcome, str(error))
            if isinstance(error, ENDS_THE_RUN):
                self._give_up(error)
                raise
            self._check(outcome, str(error))
        else:
            self._check("", "")

    def _check(self, outcome: str, reason: str) -> None:
        try:
            self._breaker.check(outcome, reason)
        except ClickSendError as error:
            self._give_up(error)
            raise

    def _give_up(self, error: ClickSendError) -> None:
        for wish in list(self._wishes.values()):
            self.done(wish, "failed", f"not tried: {error}")

    def write(self, wish: Wish) -> None:
        """Create or update what a row means, or find nothing to do."""
        object_id = self.find(wish)
        self.check(wish, object_id)
        if object_id is None:
            self._create(wish)
            return
        before = self.there[object_id]
        differing = [name for name, value in wish.fields.items() if before[name] != value]
        if not differing or not self.can_change:
            self.done(wish, "unchanged", object_id=object_id)
            return
        after = before | wish.fields
        if self.run.dry_run:
            self._keep(object_id, after)
            self.planned(wish, "update", ", ".join(differing))
        else:
            self.run.client.put(f"{self.path}/{object_id}", after)
            self._keep(object_id, after)
            self.done(wish, "updated", object_id=object_id)

    def _create(self, wish: Wish) -> None:
        missing = [name for name in self.fields if name not in wish.fields]
        if missing:
            raise Rejected(f"it is new, and has no {' and no '.join(missing)}")
        if self.run.dry_run:
            # No id of ClickSend's is below 0.
            self._keep(-wish.row.number, wish.fields)
            self.planned(wish, "create")
            return
        object_id = self._post(wish.fields)
        self._keep(object_id, wish.fields)
        self.done(wish, "created", object_id=object_id)

    def _post(self, fields: Fields) -> int:
        """Make something and return its id; when the answer is lost, look whether it was made."""
        try:
            made = self.run.client.post(self.path, fields).data
            return id_of(made, self.id_column, f"POST {self.path}")
        except ClickSendError as error:
            there = {} if error.not_processed else self._read()
            new = [one for one, found in there.items() if found == fields and one not in self.there]
            if not new:
                raise
            return max(new)

    def _delete(self, wish: Wish) -> None:
        object_id = self.find(wish)
        self.check(wish, object_id)
        if object_id is None:
            self.done(wish, "unchanged", "it is not there")
        elif self.run.dry_run:
            self._let_go(object_id)
            self.planned(wish, "delete")
        else:
            # One that is gone already is what was wanted.
            with suppress(NotFoundError):
                self.run.client.delete(f"{self.path}/{object_id}")
            self._let_go(object_id)
            self.done(wish, "deleted", object_id=object_id)

    def find(self, wish: Wish) -> int | None:
        """Return the id of what a row means, None for something new.

        Raises:
            Rejected: It means something that does not exist, or more than one.
        """
        if wish.object_id is not None:
            if wish.object_id not in self.there and not wish.deleted:
                raise Rejected(f"{self.id_column} names nothing of this account")
            return wish.object_id if wish.object_id in self.there else None
        name = wish.fields[self.name_column]
        found = self._ids.get(fold(name), [])
        found = [one for one in found if self.there[one][self.name_column] == name] or found
        if len(found) > 1:
            raise Rejected(f"{self.name_column} names {len(found)} of them" + self._or_id())
        return found[0] if found else None

    def _identity(self, wish: Wish) -> Any:
        """Return what rows about the same thing have in common."""
        try:
            return self.find(wish) or fold(wish.fields[self.name_column])
        except (Rejected, KeyError):
            return wish.row.number, wish.row.key

    def _read(self) -> dict[int, Fields]:
        """Return what there is."""
        things = [thing for page in read_pages(self.run.client, self.path) for thing in page.rows]
        return {
            id_of(thing, self.id_column, f"GET {self.path}"): {
                name: str(thing.get(name) or "").strip() for name in self.fields
            }
            for thing in things
        }

    def _keep(self, object_id: int, fields: Fields) -> None:
        self._let_go(object_id)
        self.there[object_id] = fields
        self._ids.setdefault(fold(fields[self.name_column]), []).append(object_id)

    def _let_go(self, object_id: int) -> None:
        if before := self.there.pop(object_id, None):
            self._ids[fold(before[self.name_column])].remove(object_id)

    def done(self, wish: Wish, outcome: str, reason: str = "", object_id: int | None = None) -> None:
        """Note what came of a row."""
        self._settle(wish)
        if outcome in {"rejected", "failed"} and (name := wish.fields.get(self.name_column)):
            self.unwritten[fold(name)] = outcome
        about = None if object_id is None else str(object_id)
        self.run.done(wish.row, self.name, outcome, reason, object_id=about)

    def planned(self, wish: Wish, change: str, detail: str = "") -> None:
        """Note what a dry run would have done with a row."""
        self._settle(wish)
        self.run.planned(wish.row, self.name, change, detail)

    def _settle(self, wish: Wish) -> None:
        del self._wishes[wish.row.number]
        self.run.finished_before(self.name, next(iter(self._wishes), None))

    def _or_id(self) -> str:
        return f": give {self.id_column}" if self.id_column in self.columns else ""
