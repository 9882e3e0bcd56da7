"""Contact lists."""

from __future__ import annotations

from operator import attrgetter
from random import Random
from string import ascii_uppercase, digits
from typing import Any

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.answers import Answer, Call, forbidden, not_found
from clicksend.sandbox.api.bodies import required
from clicksend.sandbox.api.search import Fields, matching, ordered
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.events import ListAdded, ListDeleted
from clicksend.sandbox.world.rows import ContactList

_FIELDS: Fields = {name: attrgetter(name) for name in ("list_id", "list_name")}


def lists(sim: Simulation, call: Call) -> Answer:
    """GET /lists: in live mode its paginator has more than the others."""
    found = matching(list(sim.store.lists.values()), call.query, _FIELDS, sim.switches)
    found = ordered(found, call.query, _FIELDS, sim.switches)
    served = paging.Collection("/lists", "Here are your contact lists.", lambda row: _shape(sim, row))
    answer = paging.answer(found, call.query, sim.switches, served)
    if sim.types == "live":
        answer.data |= paging.extras(answer.data, "https://api.clicksend.com/v3/lists")
    return answer


def contact_list(sim: Simulation, call: Call) -> Answer:
    """GET /lists/{list_id}."""
    return Answer(_shape(sim, find_list(sim, call)), "Here is your list.")


def create(sim: Simulation, call: Call) -> Answer:
    """POST /lists: two lists may have the same name."""
    values = required(call.body, ["list_name"])
    list_id = sim.store.new_id("lists")
    email_id = "".join(Random(f"list {sim.plan.seed} {list_id}").choices(ascii_uppercase + digits, k=16))
    row = ContactList(list_id=list_id, list_email_id=email_id, **values)
    ListAdded(sim.now, row).apply(sim.store)
    return Answer(_shape(sim, row), "New list has been created.")


def rename(sim: Simulation, call: Call) -> Answer:
    """PUT /lists/{list_id}."""
    row = find_list(sim, call)
    row.list_name = required(call.body, ["list_name"])["list_name"]
    return Answer(_shape(sim, row), "Your list has been updated.")


def delete(sim: Simulation, call: Call) -> Answer:
    """DELETE /lists/{list_id}: its contacts go with it."""
    ListDeleted(sim.now, find_list(sim, call).list_id).apply(sim.store)
    return Answer([], "Your list has been deleted.")


def find_list(sim: Simulation, call: Call, key: str = "list_id") -> ContactList:
    """Return the list that a placeholder of the path names.

    Raises:
        Refusal: There is none; which status that has is a switch.
    """
    found = sim.store.lists.get(call.key(key))
    if found is None:
        forbids = sim.switches.missing_list == "forbidden"
        raise forbidden() if forbids else not_found("Your list is not found.")
    return found


def _shape(sim: Simulation, row: ContactList) -> Any:
    return sim.shapes.lists(row, len(sim.store.contacts[row.list_id]))
