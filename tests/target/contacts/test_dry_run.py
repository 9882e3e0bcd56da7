"""A dry run says what would be written, as outcomes and in its summary, and writes nothing."""

import pytest

from clicksend.sandbox.world.seed_data import EMPTY, VIP

DONE = ("created", "updated", "deleted", "transferred", "copied", "rejected")
PATH = f"/lists/{EMPTY}/contacts"


@pytest.fixture
def ids(call):
    return [call("POST", PATH, {"phone_number": f"+6142222222{n}"})["contact_id"] for n in range(4)]


def test_every_kind_of_change(call, write, people, ids, tmp_path, caplog):
    again = call("POST", PATH, {"phone_number": "+61422222220"})
    rows = [
        {"phone_number": "+61411111111", "list_id": EMPTY},
        {"phone_number": "+61411111112", "list_name": "New"},
        {"phone_number": "+61422222220", "first_name": "Anna", "custom_1": "gold", "list_id": EMPTY},
        {"phone_number": "+61422222221", "list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"},
        {"contact_id": ids[2], "list_id": VIP, "first_name": "Anna"},
        {"contact_id": ids[3], "list_id": VIP, "copy": True},
        {"phone_number": "12", "list_id": EMPTY},
    ]
    before = people(EMPTY), people(VIP), call("GET", "/lists")
    config = {"create_missing_lists": True, "remove_duplicates": True, "max_deletes": 1}
    with caplog.at_level("INFO"):
        ran = write(rows, dry_run=True, **config)
    assert (ran.rows(), ran.writes, ran.states, ran.code) == ({"dry_run": 6, "rejected": 1}, [], [], 0)
    assert ran.plan() == {"create": 2, "update": 1, "delete": 1, "transfer": 1, "copy": 1}
    assert ran.plan("contact_lists") == {"create": 1}
    assert "contacts 2 create" in caplog.text
    assert (people(EMPTY), people(VIP), call("GET", "/lists")) == before

    from clicksend.ledger.ledger import Ledger

    with Ledger.existing(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        reasons = sorted(row["reason"] for row in ledger.outcomes.newest(outcome="dry_run", sink="contacts"))
    assert reasons == [
        "copy",
        "create",
        "create",
        "delete",
        "transfer: first_name",
        "update: first_name, custom_1",
    ]
    ran = write(rows, **config)
    assert ran.rows() == {outcome: 1 + (outcome == "created") for outcome in DONE}
    assert again["contact_id"] not in {row["contact_id"] for row in people(EMPTY)}


def test_what_stays_is_judged_as_ever(write, call, ids):
    call("POST", "/lists/3555277/contacts", {"phone_number": "+61433333333"})
    rows = [
        {"phone_number": "+61422222220", "list_id": EMPTY},
        {"phone_number": "+61433333333", "list_id": EMPTY},
        {"phone_number": "+61422222221", "list_id": EMPTY},
        {"phone_number": "+61422222221", "list_id": EMPTY},
    ]
    ran = write(rows, dry_run=True)
    assert ran.rows() == {"unchanged": 2, "suppressed": 1, "duplicate": 1}


def test_duplicates_to_remove(call, write, ids):
    call("POST", PATH, {"phone_number": "+61422222220"})
    row = {"phone_number": "+61422222220", "list_id": EMPTY}
    ran = write([row], dry_run=True, remove_duplicates=True, max_deletes=1)
    assert (ran.plan("duplicates"), ran.writes) == ({"delete": 1}, [])
    ran = write([{"list_id": EMPTY, "remove_duplicates": True}], "contact_lists", dry_run=True, max_deletes=1)
    assert (ran.plan("contact_lists"), ran.writes) == ({"remove duplicates": 1}, [])


def test_contacts_of_a_list_that_the_same_run_would_make(write):
    from tests.target.runner import stream_of

    messages = [
        *stream_of("contacts", [{"phone_number": "+61411111111", "list_name": "new "}]),
        *stream_of("contact_lists", [{"list_name": "New"}]),
    ]
    ran = write(messages, raw=True, dry_run=True)
    assert (ran.plan(), ran.plan("contact_lists"), ran.writes) == ({"create": 1}, {"create": 1}, [])
    assert write(messages, raw=True).rows() == {"created": 1}


@pytest.mark.parametrize(
    ("sink", "rows", "plan"),
    [
        (
            "sms_templates",
            [
                {"template_name": "New", "body": "Hi"},
                {"template_name": "Welcome", "body": "changed"},
                {"template_id": 632499, "_sdc_deleted_at": "2026-01-31"},
            ],
            {"create": 1, "update": 1, "delete": 1},
        ),
        (
            "email_addresses",
            [
                {"email_address": "new@example.com"},
                {"email_address": "sender@example.com", "_sdc_deleted_at": "2026-01-31"},
            ],
            {"create": 1, "delete": 1},
        ),
        (
            "contact_lists",
            [
                {"list_name": "New", "remove_duplicates": True},
                {"list_id": VIP, "list_name": "Renamed"},
                {"list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"},
            ],
            {"create": 1, "update": 1, "delete": 1},
        ),
    ],
)
def test_the_other_sinks(write, sink, rows, plan):
    ran = write(rows, sink, dry_run=True)
    assert (ran.rows(sink), ran.plan(sink), ran.writes) == ({"dry_run": len(rows)}, plan, [])
