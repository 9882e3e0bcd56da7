"""Deleting contacts that no row marks as deleted, by id and with a brake: what mirror misses, duplicates.

They are not rows of the input: the ledger and the report count them under a name of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clicksend.errors import ClickSendError, NotFoundError
from clicksend.ledger.records import Outcome
from target_clicksend.contacts.index import Index
from target_clicksend.failures import ENDS_THE_RUN, outcome_of
from target_clicksend.run import Run

MIRROR = "mirror"
"""What the input does not name any more."""
DUPLICATES = "duplicates"
"""The younger contacts of a person in a list."""


def refusal(name: str, list_id: int, count: int, size: int, most: float) -> str:
    """Return why so many contacts of a list are not deleted, ``""`` where nothing speaks against it.

    Args:
        name: What is deleted: ``MIRROR`` or ``DUPLICATES``.
        list_id: The list.
        count: How many contacts are to be deleted.
        size: How many the list has.
        most: The setting ``max_deletes``, a share of the list.
    """
    if count <= round(most * size, 6):
        return ""
    meant = "are missing from the input" if name == MIRROR else "are duplicates"
    return (
        f"{name}: {count:,} of {size:,} contacts of list {list_id} {meant}, more than max_deletes ({most:g})"
        " allows: none was deleted. Check the input and the list, or raise the setting."
    )


def delete(run: Run, name: str, list_id: int, contact_ids: Sequence[int]) -> int:
    """Delete contacts, or note that a dry run would; return how many are gone.

    Raises:
        ClickSendError: What ends the run: no later write could succeed either.
    """
    gone = 0

    def attempt(contact_id: int) -> tuple[str, str]:
        try:
            run.client.delete(f"/lists/{list_id}/contacts/{contact_id}")
        except NotFoundError:
            return "deleted", ""  # one that is gone already is what was wanted
        except ENDS_THE_RUN:
            raise
        except ClickSendError as error:
            return outcome_of(error), str(error)
        return "deleted", ""

    results = (("dry_run", "delete") for _ in contact_ids)
    if not run.dry_run:
        results = run.client.map(attempt, contact_ids)
    elif contact_ids:
        run.report.plan[name, "delete"] += len(contact_ids)
    for contact_id, (outcome, reason) in zip(contact_ids, results, strict=True):
        gone += outcome == "deleted"
        run.record_event(
            Outcome(
                sink=name,
                key=f"{list_id}:{contact_id}",
                stream=name,
                outcome=outcome,
                reason=reason,
                contact_id=contact_id,
                object_id=str(list_id),
            )
        )
        if run.stopped:
            break
    return gone


def missing(index: Index, list_id: int, before: dict[int, int]) -> dict[int, int]:
    """Return in how many inputs in a row each contact of a list was missing, this one included, by its id.

    Args:
        index: The contacts; the input's are named in it.
        list_id: A list that the input named.
        before: The same until now.
    """
    return {contact_id: before.get(contact_id, 0) + 1 for contact_id in index.unnamed(list_id)}


def due(times: dict[int, int], config: Any) -> list[int]:
    """Return the ids of those that were missing in ``mirror_confirmations`` inputs."""
    return [contact_id for contact_id, count in times.items() if count >= config["mirror_confirmations"]]
