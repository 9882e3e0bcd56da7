"""The contacts of a list, and their removal: duplicates, and those who have opted out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.answers import Answer, Call, bad_fields, forbidden, not_found, number
from clicksend.sandbox.api.bodies import label, text
from clicksend.sandbox.api.lists import find_list
from clicksend.sandbox.api.messages import need_legacy_paths
from clicksend.sandbox.api.search import Fields, matching
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.switches import Switches
from clicksend.sandbox.world.events import ContactAdded, ContactChanged, ContactDeleted
from clicksend.sandbox.world.phones import e164
from clicksend.sandbox.world.rows import Contact

_SEARCH: Fields = {
    name: attrgetter(name) for name in ("email", "phone_number", "first_name", "last_name", "contact_id")
}
WRITABLE = tuple(
    name
    for name in Contact.__struct_fields__
    if name not in {"contact_id", "list_id", "date_added", "date_updated", "moved_at"}
)
"""The fields that a write may set; all others in a body are ignored."""
_REACHED_BY = ("phone_number", "fax_number", "email")
_KEPT_LENGTH = 60  # of a text, where the switch `contact_text` cuts it


def contacts(sim: Simulation, call: Call) -> Answer:
    """GET /lists/{list_id}/contacts: in no useful order; ``updated_after`` is strict unless switched."""
    owner = find_list(sim, call)
    rows: Sequence[Contact] = [_dated(sim, row) for row in sim.store.contacts[owner.list_id].values()]
    after = number(call.query, "updated_after")
    if after is not None:
        after -= sim.switches.updated_after == "inclusive"
        rows = [row for row in rows if row.date_updated > after]
    found = matching(rows, call.query, _SEARCH, sim.switches)
    served = paging.Collection(
        f"/lists/{owner.list_id}/contacts",
        "Here are your data.",
        lambda row: sim.shapes.contacts(row, owner.list_name),
    )
    return paging.answer(found, call.query, sim.switches, served)


def contact(sim: Simulation, call: Call) -> Answer:
    """GET /lists/{list_id}/contacts/{contact_id}: one answer for a wrong list and for a wrong contact."""
    return _answer(sim, _find(sim, call), "Here is your contact.")


def create(sim: Simulation, call: Call) -> Answer:
    """POST /lists/{list_id}/contacts: nothing is unique, the same again makes a second contact."""
    list_id = call.key("list_id")
    if list_id not in sim.store.lists:
        raise forbidden()
    values = _values(sim, call.body or {})
    _check_reachable(values)
    key = sim.store.new_id("contacts")
    values = {"phone_number": "", **values}
    row = Contact(
        contact_id=key, list_id=list_id, date_added=sim.now, date_updated=sim.now, moved_at=0, **values
    )
    ContactAdded(sim.now, row).apply(sim.store)
    return _answer(sim, row, "New contact has been created.")


def update(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/contacts/{contact_id}: a field that is left out is kept."""
    row = _find(sim, call)
    values = _values(sim, call.body or {})
    if sim.switches.null_clears == "ignored":
        values = {name: value for name, value in values.items() if value}
    _check_reachable({name: values.get(name, getattr(row, name)) for name in _REACHED_BY})
    ContactChanged(sim.now, row.list_id, row.contact_id, values).apply(sim.store)
    return _answer(sim, row, f"Contact #{row.contact_id} has been updated.")


def delete(sim: Simulation, call: Call) -> Answer:
    """DELETE /lists/{list_id}/contacts/{contact_id}."""
    row = _find(sim, call)
    ContactDeleted(sim.now, row.list_id, row.contact_id).apply(sim.store)
    return Answer([], f"Contact #{row.contact_id} has been deleted.")


def copy(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/contacts/{contact_id}/copy/{to_list_id}."""
    row = _find(sim, call)
    list_id = find_list(sim, call, "to_list_id").list_id
    key = row.contact_id if sim.switches.copy == "same" else sim.store.new_id("contacts")
    dates = {"date_added": sim.now, "date_updated": sim.now, "moved_at": 0}
    twin = replace(row, contact_id=key, list_id=list_id, **dates)
    ContactAdded(sim.now, twin).apply(sim.store)
    return _answer(sim, twin, f"Contact #{row.contact_id} has been copied to List #{list_id}")


def transfer(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/contacts/{contact_id}/transfer/{to_list_id}: the contact keeps its id."""
    row = _find(sim, call)
    sim.store.move(row, find_list(sim, call, "to_list_id").list_id, sim.now)
    return _answer(sim, row, f"Contact #{row.contact_id} has been transferred to List #{row.list_id}")


def transfer_as_before(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/contacts/{contact_id}/{to_list_id}: only in the older documentation."""
    need_legacy_paths(sim)
    return transfer(sim, call)


def _find(sim: Simulation, call: Call) -> Contact:
    found = sim.store.contacts.get(call.key("list_id"), {}).get(call.key("contact_id"))
    if found is None:
        raise not_found("Contact record not found.")
    return found


def _answer(sim: Simulation, row: Contact, message: str) -> Answer:
    return Answer(sim.shapes.contacts(_dated(sim, row), sim.store.lists[row.list_id].list_name), message)


def _dated(sim: Simulation, row: Contact) -> Contact:
    """Return a contact as the switch ``moves_update`` dates it."""
    if not sim.switches.moves_update or row.moved_at <= row.date_updated:
        return row
    return replace(row, date_updated=row.moved_at)


def _values(sim: Simulation, body: Mapping[str, Any]) -> dict[str, str]:
    """Read the fields of a contact out of a body, the way they are kept.

    Raises:
        Refusal: 400; a field is not a text, or the phone number is not valid and the switch rejects those.
    """
    values = {name: text(body[name]) for name in WRITABLE if name in body}
    if sim.switches.contact_text == "trimmed":
        values = {name: value.strip()[:_KEPT_LENGTH] for name, value in values.items()}
    if phone := values.get("phone_number"):
        known = e164(phone)
        if known is None and sim.switches.bad_phone == "reject":
            raise bad_fields({"phone_number": "Phone number is not valid."})
        values["phone_number"] = known or phone
    return values


def _check_reachable(values: Mapping[str, str]) -> None:
    if not any(values.get(name) for name in _REACHED_BY):
        raise bad_fields({name: f"{label(name)} field is required." for name in _REACHED_BY})


def remove_duplicates(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}/remove-duplicates: of contacts that agree in all ``fields`` the oldest stays.

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
