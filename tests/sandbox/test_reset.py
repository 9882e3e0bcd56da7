"""A reset copies the rows of an untouched world: it must answer as a new one does, whatever came before."""

import itertools

import msgspec
import pytest

from clicksend.sandbox.api.answers import Call, Refusal
from clicksend.sandbox.api.routes import ROUTES
from clicksend.sandbox.server.service import Service
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.switches import DIALECTS
from clicksend.sandbox.world.stream import Plan
from tests.sandbox.runner import DAY, EPOCH

PLAN = Plan(seed=5, epoch=EPOCH, messages=300, contacts=120)
READS = [(path, endpoint) for method, path, endpoint in ROUTES if method == "GET" and "{" not in path]
WRITES = {(method, path): endpoint for method, path, endpoint in ROUTES if method != "GET"}


def new(types="live"):
    return Simulation(PLAN, types)


def pages(sim, endpoint, **path):
    for page in itertools.count(1):
        try:
            data = endpoint(sim, Call(path, {"limit": "100", "page": str(page)})).data
        except Refusal as refusal:
            yield refusal.envelope()
            return
        yield msgspec.to_builtins(data)
        if not isinstance(data, dict) or page >= data.get("last_page", 0):
            return


def answers(sim):
    """Return every page of every list, the contacts of every list, and the counts."""
    found = {path: list(pages(sim, endpoint)) for path, endpoint in READS}
    contacts = next(endpoint for _, path, endpoint in ROUTES if path == "/lists/{list_id}/contacts")
    for list_id in sim.store.lists:
        found[f"contacts of {list_id}"] = list(pages(sim, contacts, list_id=str(list_id)))
    return found | {"rows": sim.rows(), "now": sim.now, "switches": sim.switches}


def write(sim):
    """Write what changes rows that were there: messages, contacts, lists, receipts, replies, the balance."""

    def call(method, path, body=None, **placeholders):
        return WRITES[method, path](
            sim, Call({name: str(value) for name, value in placeholders.items()}, {}, body)
        )

    scheduled = {type(row).__name__: row.message_id for row in sim.store.scheduled.values()}
    call("PUT", "/sms/{message_id}/cancel", message_id=scheduled["Sms"])
    call("PUT", "/sms/cancel-all", {})
    for path in ("/sms/receipts-read", "/sms/inbound-read"):
        call("PUT", path, {})
    filled = [(key, members) for key, members in sim.store.contacts.items() if len(members) > 3]
    (first, members), (other, _), (last, _) = filled[0], filled[1], filled[-1]
    one, two, *_ = members
    path = "/lists/{list_id}/contacts/{contact_id}"
    number = members[one].phone_number
    call("PUT", path, {"phone_number": number, "first_name": "Changed"}, list_id=first, contact_id=one)
    call("DELETE", path, list_id=first, contact_id=two)
    call("PUT", f"{path}/transfer/{{to_list_id}}", list_id=first, contact_id=one, to_list_id=other)
    call("PUT", "/lists/{list_id}", {"list_name": "Renamed"}, list_id=other)
    call("DELETE", "/lists/{list_id}", list_id=last)
    call("POST", "/lists", {"list_name": "New"})
    template = next(iter(sim.store.templates))
    call("PUT", "/sms/templates/{template_id}", {"template_name": "x", "body": "y"}, template_id=template)
    call("POST", "/sms/send", {"messages": [{"to": "+61412345678", "body": "Hello"}]})


def turn(sim):
    sim.turn(sim.now + DAY)


def switch(sim):
    sim.switches = DIALECTS["documented"]


@pytest.mark.long
@pytest.mark.parametrize("types", ["live", "legacy"])
@pytest.mark.parametrize("before", [[], [write], [turn], [write, turn], [turn, write, switch, turn, turn]])
def test_a_reset_world_answers_as_a_new_one(before, types):
    sim, twin = new(types), new(types)
    sim.reset()  # keeps the untouched world
    for happen in before:
        happen(sim)
    assert not before or answers(sim) != answers(twin)
    for _ in range(2):
        sim.reset()
        assert answers(sim) == answers(twin)


@pytest.mark.long
@pytest.mark.parametrize("resets", [1, 2, 3])
@pytest.mark.parametrize("steps", [[turn] * 4, [write, turn, turn], [turn, write, turn]])
def test_what_comes_later_is_the_same_too(steps, resets):
    sim, twin = new(), new()
    for _ in range(resets):
        sim.reset()
        write(sim)
        turn(sim)
    sim.reset()
    for happen in steps:
        happen(sim)
        happen(twin)
        assert answers(sim) == answers(twin)


def test_what_was_scheduled_is_sent_or_stays_cancelled_after_a_reset():
    sim, twin = new(), new()
    sim.reset()
    sim.reset()
    first, *others = sim.store.scheduled
    assert others
    for one in (sim, twin):
        WRITES["PUT", "/sms/{message_id}/cancel"](one, Call({"message_id": first}, {}))
        one.turn(EPOCH + 50 * DAY)
    assert {row.message_id: row.delivery for row in sim.store.sms} == {
        row.message_id: row.delivery for row in twin.store.sms
    }
    assert not {*others} & {*sim.store.scheduled}
    assert next(row for row in sim.store.sms if row.message_id == first).delivery.status == "Cancelled"


def test_a_reset_of_the_service_forgets_faults_limits_requests_and_notifications():
    service = Service(new())
    parts = (service.prelude, service.limiter, service.faults, service.seen)
    service.reset()
    assert not {id(part) for part in parts} & {
        id(part) for part in (service.prelude, service.limiter, service.faults, service.seen)
    }
