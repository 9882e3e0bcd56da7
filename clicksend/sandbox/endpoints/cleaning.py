"""Removing contacts from a list: duplicates, and those who have opted out."""

from collections.abc import Iterable
from typing import Any

from clicksend.sandbox.answers import Answer, Call, bad_fields
from clicksend.sandbox.endpoints.contacts import WRITABLE
from clicksend.sandbox.endpoints.lists import find_list
from clicksend.sandbox.rows import Contact
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.switches import Switches


def remove_duplicates(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/remove-duplicates: of contacts that agree in all `fields` the oldest stays.

    Contacts in which all of them are empty are not duplicates of each other; where no field is compared, all
    agree.
    """
    members = sim.store.contacts[find_list(sim, call).list_id]
    fields = _fields(call.body or {}, sim.switches)
    seen, doomed = set(), []
    for row in sorted(members.values(), key=lambda row: row.date_added):
        key = tuple(getattr(row, name) for name in fields)
        if key in seen and (any(key) or not fields):
            doomed.append(row)
        seen.add(key)
    return _deleted(members, doomed, "Duplicate contacts have been removed.")


def remove_opted_out(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/remove-opted-out-contacts/{opt_out_list_id}: by telephone number or e-mail."""
    members = sim.store.contacts[find_list(sim, call).list_id]
    opted_out = sim.store.contacts[find_list(sim, call, "opt_out_list_id").list_id].values()
    numbers = {row.phone_number for row in opted_out} - {""}
    addresses = {row.email.casefold() for row in opted_out} - {""}
    doomed = [
        row for row in members.values() if row.phone_number in numbers or row.email.casefold() in addresses
    ]
    return _deleted(members, doomed, "Optout contacts has been deleted.")


def _fields(body: dict[str, Any], switches: Switches) -> tuple[str, ...]:
    """Read the names of the fields to compare; what is not such a name is not compared, or refused."""
    given = body.get("fields")
    if not given:
        raise bad_fields({"fields": "Fields field is required."})
    names: list[Any] = []
    if isinstance(given, dict):
        names = {"values": list(given.values()), "keys": list(given)}.get(switches.duplicate_fields, [])
    elif isinstance(given, list) and switches.duplicate_fields == "array":
        names = given
    valid = tuple(name for name in names if name in WRITABLE)
    if switches.other_fields == "refused" and (not valid or len(valid) < len(given)):
        raise bad_fields({"fields": "Fields are not valid."})
    return valid


def _deleted(members: dict[int, Contact], doomed: Iterable[Contact], message: str) -> Answer:
    doomed = list(doomed)
    for row in doomed:
        del members[row.contact_id]
    return Answer({"deleted": len(doomed)}, message)
