"""Contact lists and their contacts."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from clicksend.sandbox import pages
from clicksend.sandbox.answers import Answer, Call, forbidden, not_found, number
from clicksend.sandbox.rows import Contact, ContactList
from clicksend.sandbox.search import Fields, matching, ordered
from clicksend.sandbox.simulation import Simulation

_LIST_FIELDS: Fields = {name: attrgetter(name) for name in ("list_id", "list_name")}
_CONTACT_FIELDS: Fields = {
    name: attrgetter(name) for name in ("email", "phone_number", "first_name", "last_name", "contact_id")
}


def lists(sim: Simulation, call: Call) -> Answer:
    """GET /lists: in live mode its paginator has more than the others."""
    found = matching(list(sim.store.lists.values()), call.query, _LIST_FIELDS, sim.switches)
    found = ordered(found, call.query, _LIST_FIELDS, sim.switches)
    served = pages.Collection("/lists", "Here are your contact lists.", lambda row: _shape(sim, row))
    answer = pages.answer(found, call.query, sim.switches, served)
    if sim.types == "live":
        answer.data |= pages.extras(answer.data, "https://api.clicksend.com/v3/lists")
    return answer


def contact_list(sim: Simulation, call: Call) -> Answer:
    """GET /lists/{list_id}."""
    return Answer(_shape(sim, _find_list(sim, call)), "Here is your list.")


def contacts(sim: Simulation, call: Call) -> Answer:
    """GET /lists/{list_id}/contacts: in no useful order; `updated_after` is strict unless switched."""
    owner = _find_list(sim, call)
    rows: Sequence[Contact] = list(sim.store.contacts[owner.list_id].values())
    after = number(call.query, "updated_after")
    if after is not None:
        after -= sim.switches.updated_after == "inclusive"
        rows = [row for row in rows if row.date_updated > after]
    found = matching(rows, call.query, _CONTACT_FIELDS, sim.switches)
    served = pages.Collection(
        f"/lists/{owner.list_id}/contacts",
        "Here are your data.",
        lambda row: sim.shapes.contacts(row, owner.list_name),
    )
    return pages.answer(found, call.query, sim.switches, served)


def contact(sim: Simulation, call: Call) -> Answer:
    """GET /lists/{list_id}/contacts/{contact_id}: one answer for a wrong list and for a wrong contact."""
    list_id = call.key("list_id")
    found = sim.store.contacts.get(list_id, {}).get(call.key("contact_id"))
    if found is None:
        raise not_found("Contact record not found.")
    return Answer(sim.shapes.contacts(found, sim.store.lists[list_id].list_name), "Here is your contact.")


def _shape(sim: Simulation, row: ContactList) -> Any:
    return sim.shapes.lists(row, len(sim.store.contacts[row.list_id]))


def _find_list(sim: Simulation, call: Call) -> ContactList:
    found = sim.store.lists.get(call.key("list_id"))
    if found is None:
        forbids = sim.switches.missing_list == "forbidden"
        raise forbidden() if forbids else not_found("Your list is not found.")
    return found
