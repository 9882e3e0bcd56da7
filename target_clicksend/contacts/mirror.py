"""Deleting contacts that are no longer in the input, with brakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from target_clicksend.contacts.index import Index

SINK = "mirror"
"""Name that deletions have in the ledger: they are no rows of the input, and are counted apart."""


@dataclass(frozen=True)
class Missing:
    """What a list holds and the input does not.

    Attributes:
        times: In how many inputs in a row each was missing, this one included, by contact_id.
        due: Ids of those to delete now.
        refused: Why none is, ``""`` where nothing speaks against it.
    """

    times: dict[int, int]
    due: list[int]
    refused: str = ""


def missing(index: Index, list_id: int, before: dict[int, int], config: Any) -> Missing:
    """Return which contacts of a list are missing from the input, and which of them are due.

    Args:
        index: The contacts; the input's are named in it.
        list_id: A list that the input named.
        before: In how many inputs in a row each was missing until now, by contact_id.
        config: ``mirror_confirmations`` and ``mirror_max_deletes``.
    """
    times = {contact_id: before.get(contact_id, 0) + 1 for contact_id in index.unnamed(list_id)}
    due = [contact_id for contact_id, count in times.items() if count >= config["mirror_confirmations"]]
    size, most = index.size(list_id), config["mirror_max_deletes"]
    if len(due) > round(most * size, 6):
        refused = (
            f"mirror: {len(due):,} of {size:,} contacts of list {list_id} are missing from the input, more"
            f" than mirror_max_deletes ({most:g}) allows: none was deleted. Check the input, or raise the"
            " setting."
        )
        return Missing(times, [], refused)
    return Missing(times, due)
