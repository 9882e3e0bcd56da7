"""Which contacts are no longer in the input."""

from __future__ import annotations

from typing import Any

from target_clicksend.contacts.index import Index


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
