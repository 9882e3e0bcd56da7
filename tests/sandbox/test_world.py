"""The sandbox's made-up world: a function of its plan, plausible, and complete."""

from collections import Counter
from uuid import UUID

import phonenumbers
import pytest
from msgspec.structs import replace

from clicksend.sandbox.simulation import RETENTION, Simulation
from clicksend.sandbox.world.countries import PLACES, price
from clicksend.sandbox.world.events import MessageSent, Replied, StatusChanged
from clicksend.sandbox.world.rows import Sms
from clicksend.sandbox.world.seed_data import CUSTOMERS, OPT_OUTS, RAFFLE
from clicksend.sandbox.world.segments import parts
from clicksend.sandbox.world.stream import Plan, events

EPOCH = 1_790_000_000
DAY = 86_400
HOURS_72 = 72 * 3600


@pytest.fixture(scope="module")
def large():
    return Simulation(Plan(seed=7, epoch=EPOCH, messages=6000, contacts=600))


def small(seed=1, **sizes):
    return Simulation(Plan(seed=seed, epoch=EPOCH, **{"messages": 300, "contacts": 120, **sizes}))


def contacts(sim):
    """Return when each contact changed last, and the list it is in."""
    return {
        contact_id: (contact.date_updated, contact.list_id)
        for members in sim.store.contacts.values()
        for contact_id, contact in members.items()
    }


def test_clock_turned_in_steps_or_at_once_is_the_same():
    stepwise, at_once = small(), small()
    for _ in range(6):
        stepwise.turn(stepwise.now + DAY // 2)
    at_once.turn(EPOCH + 3 * DAY)
    assert stepwise.store.sms == at_once.store.sms
    assert stepwise.store.contacts == at_once.store.contacts
    assert stepwise.store.sms_receipts.unread == at_once.store.sms_receipts.unread


def test_seed_decides():
    assert small(1).store.sms == small(1).store.sms
    assert small(1).store.sms != small(2).store.sms


@pytest.mark.long
def test_sizes_are_about_those_asked_for(large):
    rows = large.rows()
    assert rows["sms_history"] == pytest.approx(6000, rel=0.05)
    assert rows["contacts"] == pytest.approx(600, rel=0.05)
    assert rows["mms_history"] == pytest.approx(300, rel=0.3)
    assert rows["voice_history"] == pytest.approx(300, rel=0.3)


@pytest.mark.parametrize("messages", [1, 10, 40])
def test_tiny_worlds_have_their_size_too(messages):
    sizes = [small(seed, messages=messages).rows()["sms_history"] for seed in range(5)]
    assert messages * 0.5 <= sum(sizes) / 5 <= messages * 1.5


@pytest.mark.parametrize("sizes", [{"messages": 0}, {"contacts": 0}, {"messages": 0, "contacts": 0}])
def test_empty_worlds_go_on_too(sizes):
    sim = small(**sizes)
    sim.turn(EPOCH + 30 * DAY)
    assert bool(sim.store.sms) == (sizes.get("messages") != 0)
    assert bool(sum(map(len, sim.store.contacts.values()))) == (sizes.get("contacts") != 0)


@pytest.mark.long
def test_every_status_and_code_occurs(large):
    seen = set()
    for event in events(large.plan):
        if event.at > EPOCH:
            break
        if isinstance(event, StatusChanged | MessageSent | Replied) and isinstance(event.message, Sms):
            changed = isinstance(event, StatusChanged)
            seen.add((event.delivery if changed else event.message.delivery).status)
    assert seen == {
        *("Queued", "Completed", "Scheduled", "WaitApproval", "Failed"),
        *("Cancelled", "CancelledAfterReview", "Received", "Sent"),
    }
    reported = {row.delivery.code for row in large.store.sms_receipts.unread}
    assert reported == {"200", "201", "300", "301", "302"}
    errors = {row.delivery.error_code for row in large.store.sms_receipts.unread}
    assert errors == {None, "4", *(str(number) for number in range(7, 21))}


def test_every_message_begins_queued_and_settles_within_72_hours():
    settled = {}
    first = {}
    for event in events(Plan(seed=3, epoch=EPOCH, messages=2000, contacts=100)):
        if event.at > EPOCH:
            break
        if isinstance(event, StatusChanged):
            message = event.message
            assert message.message_id not in settled, "a final status changed"
            assert event.at <= max(message.date, message.schedule or 0) + HOURS_72
            assert event.at > message.date
            first.setdefault(message.message_id, message.delivery.status)
            if event.delivery.final:
                settled[message.message_id] = event.delivery
    assert len(settled) > 1500
    assert set(first.values()) == {"Queued", "Queued:WaitSend", "Scheduled", "WaitApproval"}


def test_rows_come_in_time_order(large):
    for rows in (large.store.sms, large.store.mms, large.store.voice):
        dates = [row.date for row in rows]
        assert dates == sorted(dates)
    times = [row.timestamp for row in large.store.sms_receipts.unread]
    assert times == sorted(times)


def test_identifiers_are_unique_and_of_the_recorded_versions(large):
    identifiers = [row.message_id for row in large.store.sms]
    assert len(set(identifiers)) == len(identifiers)
    assert all(text == text.upper() for text in identifiers)
    for row in large.store.sms:
        uuid = UUID(row.message_id)
        ticks = int(uuid.hex[:12] + uuid.hex[13:16], 16)
        assert (uuid.version, (ticks - 0x01B21DD213814000) // 10_000_000) == (6, row.date)
    assert {UUID(row.message_id).version for row in large.store.mms + large.store.voice} == {4}


def test_numbers_are_valid_and_of_the_named_country(large):
    recipients = {(row.to, row.country) for row in large.store.sms if row.direction == "out"}
    for number, country in recipients:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed), number
        assert phonenumbers.region_code_for_number(parsed) == country
    assert {country for _, country in recipients} == {place.code for place in PLACES}
    senders = {sender for place in PLACES for sender in place.senders if sender.startswith("+")}
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(sender)) for sender in senders)


def test_bodies_hold_what_breaks_loaders(large):
    text = "".join(row.body for row in large.store.sms)
    assert all(sign in text for sign in "\"'\\\n\r\t🎉€;<")
    assert any("é" in contact.first_name for contact in large.store.contacts[CUSTOMERS].values())


def test_scheduled_messages_are_pending_ahead_of_the_clock(large):
    ahead = [row for row in large.store.sms if (row.schedule or 0) > large.now]
    assert ahead
    assert {row.delivery.status for row in ahead} <= {"Scheduled", "Cancelled"}
    assert any(row.delivery.status == "Scheduled" for row in ahead)


def test_test_numbers_cost_nothing_and_report_nothing(large):
    rows = [row for row in large.store.sms if row.to in {"+61411111111", "+61422222222", "+61433333333"}]
    assert rows
    reported = {receipt.message_id for receipt in large.store.sms_receipts.unread}
    for row in rows:
        assert (row.parts, row.price, row.delivery.code) == (0, "0.0000", None)
        assert row.message_id not in reported


def test_prices_grow_with_parts(large):
    assert (price("sms", "AU", 1), price("sms", "AU", 3)) == ("0.079200", "0.237600")
    several = [row for row in large.store.sms if row.parts > 1 and row.direction == "out"]
    assert several
    assert all(row.price == price("sms", row.country, row.parts) for row in several)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "\n", 1),
        ("a" * 159 + "\n", 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("🎉" * 35, 1),
        ("🎉" * 36, 2),
    ],
)
def test_parts(body, expected):
    assert parts(body) == expected


def test_a_stop_moves_the_contact_out_of_that_list_only(large):
    moved = [contact for contact in large.store.contacts[OPT_OUTS].values() if contact.moved_at]
    assert moved
    for contact in moved:
        assert contact.list_id == OPT_OUTS
        answers = [row for row in large.store.inbound.unread if row.sender == contact.phone_number]
        assert any(
            row.body.lower().startswith("stop") and row.timestamp == contact.date_added for row in answers
        )
        elsewhere = [members for list_id, members in large.store.contacts.items() if list_id != OPT_OUTS]
        assert not any(contact.contact_id in members for members in elsewhere)


def test_the_same_person_can_be_several_contacts(large):
    phones = Counter(c.phone_number for members in large.store.contacts.values() for c in members.values())
    assert max(phones.values()) > 1


def test_a_day_brings_something_new_something_changed_and_something_gone():
    sim = small(messages=600, contacts=300)
    before = contacts(sim)
    templates, messages = dict(sim.store.templates), len(sim.store.sms)
    unsettled = [row for row in sim.store.sms if row.delivery.status == "Scheduled"]
    sim.turn(EPOCH + DAY)
    after = contacts(sim)
    assert after.keys() - before.keys()
    assert before.keys() - after.keys()
    assert any(after[key] != before[key] for key in after.keys() & before.keys())
    assert sim.store.templates.keys() - templates.keys()
    assert templates.keys() - sim.store.templates.keys()
    assert any(
        sim.store.templates[key] != templates[key] for key in templates.keys() & sim.store.templates.keys()
    )
    assert len(sim.store.sms) > messages
    assert RAFFLE in sim.store.lists
    sim.turn(EPOCH + 60 * DAY)
    assert RAFFLE not in sim.store.lists
    assert RAFFLE not in sim.store.contacts
    assert unsettled
    assert all(row.delivery.status != "Scheduled" for row in unsettled)


def test_what_is_older_than_four_months_is_gone():
    sim = small()
    everything = sim.rows()["sms_history"]
    sim.turn(EPOCH + 30 * DAY)
    kept = sum(row.date >= sim.now - RETENTION for row in sim.store.sms)
    assert sim.rows()["sms_history"] == kept < len(sim.store.sms)
    sim.switches = replace(sim.switches, retention=False)
    assert sim.rows()["sms_history"] == len(sim.store.sms) > everything


def test_the_clock_does_not_go_back():
    sim = small()
    sim.turn(EPOCH + DAY)
    with pytest.raises(ValueError, match="cannot be turned back"):
        sim.turn(EPOCH)


def test_a_refused_message_has_no_schedule_and_no_parts(large):
    refused = [
        row for row in large.store.sms if row.delivery.status == "Failed" and row.delivery.code is None
    ]
    assert refused
    assert all(isinstance(row, Sms) and row.schedule is None and row.parts == 0 for row in refused)
