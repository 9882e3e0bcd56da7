"""A field that reads back different from what was written is said once, and not written again in vain."""

import pytest

from clicksend.sandbox.world.seed_data import EMPTY

LONG = {"phone_number": "+61411111111", "custom_1": "x" * 80, "list_id": EMPTY}


@pytest.fixture(autouse=True)
def trimming(box):
    box.control("POST", "switches", {"contact_text": "trimmed"})


@pytest.mark.parametrize("known", [False, True])
def test_it_is_written_once(call, write, people, known):
    if known:
        call("POST", f"/lists/{EMPTY}/contacts", {"phone_number": LONG["phone_number"]})
    ran = write([LONG])
    assert ran.rows() == ({"updated": 1} if known else {"created": 1})
    (note,) = ran.report["notes"]
    assert "custom_1 reads back different" in note
    assert "x" * 10 not in note
    for _ in range(2):
        again = write([LONG])
        assert (again.rows(), again.writes, again.notes, again.code) == ({"unchanged": 1}, [], "", 0)
    assert people(EMPTY)[0]["custom_1"] == "x" * 60


@pytest.mark.parametrize("change", [{"custom_1": "y" * 80}, {"first_name": "B"}, {"custom_1": "short"}])
def test_it_is_written_when_the_row_changes(write, people, change):
    write([LONG])
    ran = write([LONG | change])
    assert ran.rows() == {"updated": 1}
    again = write([LONG | change])
    assert (again.rows(), again.writes) == ({"unchanged": 1}, [])
    assert people(EMPTY)[0].items() >= {name: value[:60] for name, value in change.items()}.items()


def test_it_is_written_when_the_contact_changes(call, write, people):
    write([LONG])
    path = f"/lists/{EMPTY}/contacts/{people(EMPTY)[0]['contact_id']}"
    call("PUT", path, {"custom_1": "by hand"})
    assert write([LONG]).rows() == {"updated": 1}
    assert write([LONG]).writes == []


def test_an_answer_that_repeats_what_was_sent_is_not_believed_for_ever(box, write, people):
    """The API may answer a write with what it was given, and keep something else."""
    box.control("POST", "switches", {"contact_text": "as_sent"})
    write([LONG])
    contact = box._service.sim.store.contacts[EMPTY][people(EMPTY)[0]["contact_id"]]
    outcomes = []
    for _ in range(4):
        contact.custom_1 = "x" * 60
        ran = write([LONG])
        outcomes.append((ran.rows(), bool(ran.notes)))
    assert outcomes == [({"updated": 1}, True), *[({"unchanged": 1}, False)] * 3]
