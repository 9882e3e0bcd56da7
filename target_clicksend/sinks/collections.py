"""The sinks ``sms_templates`` and ``email_addresses``, and what they share with ``contact_lists``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

from clicksend.errors import ClickSendError, NotFoundError
from clicksend.paging import id_of, read_whole
from target_clicksend.failures import ENDS_THE_RUN, CircuitBreaker, outcome_of
from target_clicksend.lists import fold
from target_clicksend.messages.templates import Stored
from target_clicksend.row import Postponed, Rejected, Row
from target_clicksend.run import Run
from target_clicksend.sinks.base import Sink
from target_clicksend.values import check_address, is_deleted, read_id, read_text

Fields = dict[str, str]


@dataclass(frozen=True)
class DesiredState:
    """What a row asks for."""

    row: Row
    object_id: int | None
    fields: Fields
    deleted: bool


class Upserts(Sink):
    """Things with an id and a name: ``process_batch`` creates and updates them, ``clean_up`` deletes them.

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
        self._desired: dict[int, DesiredState] = {}
        self.there: dict[int, Fields] = {}
        """What there is, by id; of a dry run what there would be."""
        self._ids: dict[str, list[int]] = {}
        self._breaker = CircuitBreaker()
        self._was_read = False
        self.unwritten: dict[str, str] = {}
        """What came of the rows that were not written, by folded name."""

    def check(self, desired: DesiredState, object_id: int | None) -> None:
        """Reject a desired that must not be granted, though the API would.

        Args:
            desired: What the row asks for.
            object_id: What it was found to mean, None for something new.
        """

    def is_needed_later(self, desired: DesiredState) -> bool:  # noqa: ARG002
        """Return whether rows behind a deletion mean what there is after it."""
        return False

    @override
    def process_record(self, row: Row) -> None:
        try:
            self._desired[row.number] = self._desired_state(row)
        except Rejected as reason:
            self.run.record_outcome(row, self.name, "rejected", str(reason))

    @override
    def process_batch(self) -> None:
        if not self._desired:
            return
        self.read_once()
        last = {self._identity(desired): desired for desired in self._desired.values()}
        for desired, is_last in [(one, last[self._identity(one)] is one) for one in self._desired.values()]:
            if self.run.stopped:
                return
            if not is_last:
                self.record_outcome(desired, "duplicate", "a later row of this run is for the same one")
            elif not desired.deleted:
                self._try(desired, self.write)
            elif self.is_needed_later(desired):
                self._try(desired, self._delete)

    @override
    def clean_up(self) -> None:
        for desired in list(self._desired.values()):
            if self.run.stopped:
                return
            self._try(desired, self._delete if desired.deleted else self.write)

    def read_once(self) -> None:
        """Read what there is, unless that was done."""
        if not self._was_read:
            for object_id, fields in self._read().items():
                self._store(object_id, fields)
            self._was_read = True

    def _desired_state(self, row: Row) -> DesiredState:
        object_id = read_id(row.values, self.id_column)
        read = {name: read_text(row.values, name, most) for name, most in self.fields.items()}
        fields = {name: text for name, text in read.items() if text}
        if object_id is None and self.name_column not in fields:
            raise Rejected(f"it has no {self.name_column}" + self._or_id())
        return DesiredState(row, object_id, fields, is_deleted(row.values))

    def _try(self, desired: DesiredState, act: Callable[[DesiredState], None]) -> None:
        """Act on a row; whatever its fate, it has an outcome then."""
        try:
            act(desired)
        except Rejected as reason:
            self.record_outcome(desired, "rejected", str(reason))
        except ClickSendError as error:
            outcome = outcome_of(error)
            self.record_outcome(desired, outcome, str(error))
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
        for desired in list(self._desired.values()):
            self.record_outcome(desired, "failed", f"not tried: {error}")

    def write(self, desired: DesiredState) -> None:
        """Create or update what a row means, or find nothing to do."""
        object_id = self.find(desired)
        self.check(desired, object_id)
        if object_id is None:
            self._create(desired)
            return
        before = self.there[object_id]
        differing = [name for name, value in desired.fields.items() if before[name] != value]
        if not differing or not self.can_change:
            self.record_outcome(desired, "unchanged", object_id=object_id)
            return
        after = before | desired.fields
        if self.run.dry_run:
            self._store(object_id, after)
            self.record_plan(desired, "update", ", ".join(differing))
        else:
            self.run.client.put(f"{self.path}/{object_id}", after)
            self._store(object_id, after)
            self.record_outcome(desired, "updated", object_id=object_id)

    def _create(self, desired: DesiredState) -> None:
        missing = [name for name in self.fields if name not in desired.fields]
        if missing:
            raise Rejected(f"it would be new, and has no {' and no '.join(missing)}")
        if self.run.dry_run:
            # No id of ClickSend's is below 0.
            self._store(-desired.row.number, desired.fields)
            self.record_plan(desired, "create")
            return
        object_id = self._post(desired.fields)
        self._store(object_id, desired.fields)
        self.record_outcome(desired, "created", object_id=object_id)

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

    def _delete(self, desired: DesiredState) -> None:
        object_id = self.find(desired)
        self.check(desired, object_id)
        if object_id is None:
            self.record_outcome(desired, "unchanged", "it is not there")
        elif self.run.dry_run:
            self._remove(object_id)
            self.record_plan(desired, "delete")
        else:
            # One that is gone already is what was wanted.
            with suppress(NotFoundError):
                self.run.client.delete(f"{self.path}/{object_id}")
            self._remove(object_id)
            self.record_outcome(desired, "deleted", object_id=object_id)

    def find(self, desired: DesiredState) -> int | None:
        """Return the id of what a row means, None for something new.

        Raises:
            Rejected: It means something that does not exist, or more than one.
        """
        if desired.object_id is not None:
            if desired.object_id not in self.there and not desired.deleted:
                raise Rejected(f"{self.id_column} does not exist in this account")
            return desired.object_id if desired.object_id in self.there else None
        name = desired.fields[self.name_column]
        found = self._ids.get(fold(name), [])
        found = [one for one in found if self.there[one][self.name_column] == name] or found
        if len(found) > 1:
            raise Rejected(f"{self.name_column} names {len(found)} of them" + self._or_id())
        return found[0] if found else None

    def _identity(self, desired: DesiredState) -> Any:
        """Return what rows about the same thing have in common."""
        try:
            return self.find(desired) or fold(desired.fields[self.name_column])
        except (Rejected, KeyError):
            return desired.row.number, desired.row.key

    def _read(self) -> dict[int, Fields]:
        """Return what there is."""
        return {
            id_of(thing, self.id_column, f"GET {self.path}"): {
                name: str(thing.get(name) or "").strip() for name in self.fields
            }
            for thing in read_whole(self.run.client, self.path)
        }

    def _store(self, object_id: int, fields: Fields) -> None:
        self._remove(object_id)
        self.there[object_id] = fields
        self._ids.setdefault(fold(fields[self.name_column]), []).append(object_id)

    def _remove(self, object_id: int) -> None:
        if before := self.there.pop(object_id, None):
            self._ids[fold(before[self.name_column])].remove(object_id)

    def record_outcome(
        self, desired: DesiredState, outcome: str, reason: str = "", object_id: int | None = None
    ) -> None:
        """Record what came of a row."""
        del self._desired[desired.row.number]
        if outcome in {"rejected", "failed"} and (name := desired.fields.get(self.name_column)):
            self.unwritten[fold(name)] = outcome
        about = None if object_id is None else str(object_id)
        self.run.record_outcome(desired.row, self.name, outcome, reason, object_id=about)

    def record_plan(self, desired: DesiredState, change: str, detail: str = "") -> None:
        """Record what a dry run would have done with a row."""
        del self._desired[desired.row.number]
        self.run.record_plan(desired.row, self.name, change, detail)

    def _or_id(self) -> str:
        return f": give {self.id_column}" if self.id_column in self.columns else ""


class SmsTemplates(Upserts):
    """SMS templates; messages of the same run take them as the rows before have left them."""

    name = "sms_templates"
    path = "/sms/templates"
    columns = frozenset({"template_id", "template_name", "body", "_sdc_deleted_at"})
    id_column = "template_id"
    name_column = "template_name"
    fields = {"template_name": 255, "body": 5000}  # noqa: RUF012

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._stored: Stored | None = None

    def stored(self) -> Stored:
        """Return the account's templates, with what all rows until now have made of them."""
        if self._desired or self._stored is None:
            self.process_batch()
            self.clean_up()
            self.read_once()
            self._stored = {one: (text["template_name"], text["body"]) for one, text in self.there.items()}
        return self._stored

    def check_written(self, name: str) -> None:
        """Check that a template is what its rows of this run want it to be.

        Raises:
            Postponed: Its row failed, and comes again.
            Rejected: Its row was rejected.
        """
        outcome = self.unwritten.get(fold(name))
        if outcome == "failed":
            raise Postponed("the row of its template, earlier in this run, failed")
        if outcome:
            raise Rejected("the row of its template, earlier in this run, was rejected: correct that one")


class EmailAddresses(Upserts):
    """E-mail addresses that messages may be sent from; ClickSend asks each for a confirmation."""

    name = "email_addresses"
    path = "/email/addresses"
    columns = frozenset({"email_address", "_sdc_deleted_at"})
    personal = frozenset({"email_address"})
    id_column = "email_address_id"
    name_column = "email_address"
    fields = {"email_address": 254}  # noqa: RUF012
    can_change = False

    @override
    def check(self, desired: DesiredState, object_id: int | None) -> None:
        check_address("email_address", desired.fields.get("email_address", ""))
