"""The sink ``contacts``: rows become the contacts of lists, with one write for each that differs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import cached_property
from typing import Any

from typing_extensions import override

from clicksend.errors import ClickSendError
from target_clicksend import scratch
from target_clicksend.contacts import removal
from target_clicksend.contacts.contact import COLUMNS, FIELDS, KEY, ContactParser, ContactRow
from target_clicksend.contacts.find import Finder
from target_clicksend.contacts.index import Index
from target_clicksend.contacts.plan import DIFFERENT, Plan, Planner, unkept
from target_clicksend.contacts.rows import ContactRows
from target_clicksend.contacts.write import Writer, WriteResult
from target_clicksend.failures import GONE, CircuitBreaker
from target_clicksend.lists import ListRef, fold
from target_clicksend.report import INPUT
from target_clicksend.row import Rejected, Row
from target_clicksend.run import Run
from target_clicksend.sinks.base import Sink

SHOWN = frozenset({"created", "updated", "unchanged", "transferred", "copied"})
"""Outcomes of rows that are a contact."""
GONE_LIST = 0
"""The list of a contact that is gone, as the ledger remembers it: nobody looks for it again."""


class Contacts(Sink):
    """Contacts of lists."""

    name = "contacts"
    columns = COLUMNS
    personal = frozenset(FIELDS)

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        database = scratch.database()
        self._rows = ContactRows(database)
        self._index = Index(database, run.client, run.config["match_on"])
        self._list_ids: dict[ListRef, int | Rejected | None] = {}
        self._writing: dict[int, tuple[ContactRow, Plan, Future[WriteResult]]] = {}
        self._breaker = CircuitBreaker()
        self._ended: ClickSendError | None = None
        self._different: Counter[str] = Counter()

    @cached_property
    def _parser(self) -> ContactParser:
        return ContactParser(self.run.config, self.run.country)

    @cached_property
    def _enforced(self) -> list[int]:
        """Ids of the lists whose members must not be contacted."""
        return self.run.lists.opted_out if self.run.config["opt_out"] == "enforce" else []

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self._index, self._list_of, self.run.lists.opted_out, self.run.config)

    @cached_property
    def _planner(self) -> Planner:
        opted_out = self.run.lists.opted_out
        return Planner(self._index, self._finder, opted_out, self.run.ledger, self.run.config)

    @cached_property
    def _writer(self) -> Writer:
        may_create = self.run.config["contacts_mode"] != "update"
        return Writer(self.run.client, self.run.lists, self._enforced, may_create=may_create)

    @property
    @override
    def known(self) -> frozenset[str]:
        return self.columns | frozenset(self.run.config["custom_fields"])

    @override
    def process_record(self, row: Row) -> None:
        try:
            contact_row = self._parser.parse(row)
        except Rejected as reason:
            self._keep_rejected(row.values, row)
            self.run.record_outcome(row, self.name, "rejected", str(reason))
            return
        if self.run.dry_run and not contact_row.deleted:
            self.run.report.add_readings(self.name, self._parser.readings(row))
        self._rows.add(contact_row)

    @override
    def reject(self, record: Any) -> None:
        self._keep_rejected(record, None)

    def _keep_rejected(self, record: Any, row: Row | None) -> None:
        """Keep whom a rejected row names; one that is gone upstream names nobody who is there."""
        if not self._mirrors or self._parser.is_gone(record):
            return
        by_key = KEY in self.run.config["match_on"]
        if row and by_key:
            self._rows.add_rejected_row(row)
        # Where keys lead to contacts, a row without one may be about any of them.
        self._rows.add_rejected(None if row is None and by_key else self._parser.names_of(record))

    @override
    def clean_up(self) -> None:
        if self._rows.is_empty:
            return
        self._read_lists()
        self._rows.overtake({ref: self._home(ref) for ref in self._list_ids})
        for contact_row in self._rows.with_contact_id():
            self._finder.introduce_by_id(contact_row)
        for contact_row in self._rows.sharing():
            self._finder.hold(contact_row)
        for contact_row in self._rows.asking():
            self._finder.introduce(contact_row)
        self._rows.mark_persons(self._finder.person)
        for contact_row, is_last in self._rows.last_ones():
            if self.run.stopped:
                break
            self._carry_out(contact_row, is_last=is_last)
        self._collect(0)
        if self._ended:
            raise self._ended
        if self.run.stopped:
            return
        self._warn_of_different()
        self._remove_duplicates()
        if self._mirrors:
            self._mirror()

    def last_row_for(self, list_id: int | None, names: Collection[str]) -> int:
        """Return the number of the last row for a list, by its id or its folded names; 0 where none is."""
        return max(
            (
                number
                for ref, number in self._rows.last_rows()
                if ref == list_id or (isinstance(ref, str) and fold(ref) in names)
            ),
            default=0,
        )

    def _read_lists(self) -> None:
        """Find or make the lists that rows name, and read them; all, if a contact is in none of them."""
        for list_id in self._enforced:
            self._index.load(list_id)
        for ref, is_needed in self._rows.list_refs():
            try:
                self._list_ids[ref] = self._found(ref, is_needed=is_needed)
            except Rejected as reason:
                if ref == self._parser.default_list:
                    raise ClickSendError(
                        f"{reason}. The setting says so: correct it, and run again."
                    ) from None
                self._list_ids[ref] = reason
        self._rows.look_up(self.run.ledger.memory.contacts_of)
        wanted = self._rows.places()
        for list_id in sorted({list_id for list_id, _ in wanted} & self.run.lists.names.keys()):
            self._load(list_id)
        contact_rows = self._rows.with_contact_id()
        ids = itertools.chain(
            (one for _, one in wanted), (contact_row.contact_id or 0 for contact_row in contact_rows)
        )
        if any(self._index.by_id(contact_id) is None for contact_id in ids):
            for list_id in list(self.run.lists.names):
                self._load(list_id)

    def _found(self, ref: ListRef, *, is_needed: bool) -> int | None:
        """Return the id of a list, read; None for one that was not made."""
        list_id = self.run.lists.find(ref)
        if list_id is not None and not self._load(list_id):
            list_id = self.run.lists.find(ref)
        if list_id is None and is_needed and self.run.config["contacts_mode"] != "update":
            if self.run.dry_run:
                self._plan_list(fold(str(ref)))
            else:
                list_id = self.run.lists.create(str(ref))
        return list_id

    def _plan_list(self, name: str) -> None:
        """Plan that a list would be made, unless a row of its own has said so."""
        if name not in self.run.lists.planned:
            self.run.lists.planned.add(name)
            self.run.report.plan["contact_lists", "create"] += 1

    def _load(self, list_id: int) -> bool:
        """Read a list; return whether it was there."""
        try:
            self._index.load(list_id)
        except GONE:
            self.run.lists.forget(list_id)
            return False
        return True

    @property
    def _mirrors(self) -> bool:
        return bool(self.run.config["contacts_mode"] == "mirror")

    @property
    def _named_lists(self) -> list[int]:
        return sorted({found for found in self._list_ids.values() if isinstance(found, int)})

    def _home(self, ref: ListRef) -> ListRef:
        """Return what all spellings of a list have in common."""
        found = self._list_ids[ref]
        return found if isinstance(found, int) else fold(str(ref))

    def _list_of(self, ref: ListRef) -> int | None:
        found = self._list_ids[ref]
        if isinstance(found, Rejected):
            raise found
        return found

    def _carry_out(self, contact_row: ContactRow, *, is_last: bool) -> None:
        """Plan a row; note its outcome, or begin to write it."""
        number = contact_row.row.number
        try:
            plan = self._plan(contact_row, is_last=is_last)
        except Rejected as reason:
            plan = Plan(outcome="rejected", reason=str(reason))
            self._protect(contact_row)
        if plan.writes and self.run.dry_run:
            self.run.record_plan(contact_row.row, self.name, plan.change, plan.detail)
        elif plan.writes:
            self._writing[number] = (contact_row, plan, self.run.client.submit(self._write, plan))
            self._collect(2 * self.run.client.concurrency)
        else:
            result = WriteResult(plan.outcome, plan.reason, plan.contact.contact_id if plan.contact else None)
            self._record(contact_row, plan, result)

    def _protect(self, contact_row: ContactRow) -> None:
        """Keep whom a rejected row names, where mirror must not take them for missing."""
        if contact_row.deleted:
            return
        names_somebody = contact_row.contact_id or contact_row.match or self._finder.named(contact_row)
        self._rows.add_rejected(
            (contact_row.contact_id, [contact_row.match or ""]) if names_somebody else None
        )

    def _plan(self, contact_row: ContactRow, *, is_last: bool) -> Plan:
        if self._mirrors:
            self._index.mark_named(self._finder.named(contact_row))
        if not is_last:
            return Plan(outcome="duplicate", reason="a later row of this run is for the same contact")
        return self._planner.plan(contact_row)

    def _collect(self, most: int) -> None:
        """Wait until at most so many writes are under way, and note what came of the others."""
        while len(self._writing) > most:
            done, _ = wait([future for _, _, future in self._writing.values()], return_when=FIRST_COMPLETED)
            for number in [number for number, (_, _, future) in self._writing.items() if future in done]:
                contact_row, plan, future = self._writing.pop(number)
                self._record(contact_row, plan, self._result(future))

    def _write(self, plan: Plan) -> WriteResult:
        """Carry out a plan, in a thread; after an error that every write would meet, none begins."""
        if self._ended:
            return WriteResult("failed", f"not tried: {self._ended}")
        try:
            return self._writer.carry_out(plan)
        except ClickSendError as error:
            self._ended = self._ended or error
            return WriteResult("failed", str(error))

    def _result(self, future: Future[WriteResult]) -> WriteResult:
        result = future.result()
        try:
            self._breaker.check(result.outcome, result.reason)
        except ClickSendError as error:
            self._ended = self._ended or error
        return result

    def _record(self, contact_row: ContactRow, plan: Plan, result: WriteResult) -> None:
        remembered = self._planner.remembered(plan, result.stored)
        if remembered and result.contact_id:
            self.run.record_readback(result.contact_id, remembered)
        if not self.run.dry_run:
            self._record_contacts(contact_row, plan, result)
        different = unkept(plan, result.stored)
        self._different.update(different)
        self.run.record_outcome(
            contact_row.row,
            self.name,
            result.outcome,
            f"{', '.join(different)} {DIFFERENT}" if different else result.reason,
            contact_id=result.contact_id,
            object_id=str(result.list_id or plan.list_id) if plan.list_id else None,
        )

    def _record_contacts(self, contact_row: ContactRow, plan: Plan, result: WriteResult) -> None:
        """Have the ledger remember which contact the key of a row is, and those of its duplicates."""
        contact, contact_id = plan.contact, result.contact_id
        if not contact_row.deleted and result.outcome in SHOWN:
            list_id = result.list_id or plan.list_id or (contact.list_id if contact else GONE_LIST)
        elif contact_row.deleted and result.outcome == "deleted":
            list_id = GONE_LIST
        elif contact_row.deleted and contact_row.anywhere and contact_row.known and not contact:
            list_id, contact_id = GONE_LIST, contact_row.known[1]
        else:
            return
        if not contact_id:
            return
        for one in (*self._rows.same_person(contact_row), contact_row):
            if self._rows.is_newest(one.row):
                self.run.record_contact(one.row, GONE_LIST if one.deleted else list_id, contact_id)

    def _warn_of_different(self) -> None:
        """Warn of fields that do not read back as they were written."""
        for name, count in sorted(self._different.items()):
            self.run.warn(
                f"contacts: {name} {DIFFERENT}, for {count:,} of them: it is not written again until the row"
                " changes."
            )

    def _remove_duplicates(self) -> None:
        """Delete the younger contacts of the input's persons, or say how many there are."""
        found = {
            list_id: list(dict.fromkeys(ids)) for list_id, ids in self._planner.duplicates.items() if ids
        }
        if not self.run.config["remove_duplicates"]:
            if count := sum(map(len, found.values())):
                self.run.warn(
                    f"contacts: {count:,} of them are the second of a person in a list: set remove_duplicates"
                    " to remove them."
                )
            return
        for list_id, contact_ids in sorted(found.items()):
            self._delete(removal.DUPLICATES, list_id, contact_ids)

    def _mirror(self) -> None:
        """Delete what the input does not name any more."""
        if self._rows.someone_unnamed or self.run.report.rows[INPUT, "rejected"]:
            self.run.error(
                "mirror: a rejected row names nobody, so anybody may be meant: no contact was deleted."
            )
            return
        for list_id in sorted(set(self._named_lists) - set(self.run.lists.opted_out)):
            for contact_id, match in self._rows.rejected():
                matching = self._index.matching(list_id, match)
                self._index.mark_named([contact_id or 0, *(one.contact_id for one in matching)])
            times = removal.missing(self._index, list_id, self.run.ledger.memory.missing(list_id))
            if times:
                self.run.report.missing[list_id] = Counter(times.values())
            if not self.run.dry_run:
                self.run.ledger.memory.set_missing(list_id, times)
            self._delete(removal.MIRROR, list_id, removal.due(times, self.run.config))

    def _delete(self, name: str, list_id: int, contact_ids: list[int]) -> None:
        """Delete contacts that no row marks as deleted, unless they are too many."""
        size, most = self._index.size(list_id), self.run.config["max_deletes"]
        if refused := removal.refusal(name, list_id, len(contact_ids), size, most):
            self.run.error(refused)
        else:
            removal.delete(self.run, name, list_id, contact_ids)
