"""Who opted out stays out: nothing makes, copies or moves them back, and their list is left alone."""

import pytest

from clicksend.sandbox.world.seed_data import EMPTY, OPT_OUTS, VIP

PHONE, OTHER = "+61411111111", "+61422222222"
MAIL = "anna@example.com"
PATH = f"/lists/{EMPTY}/contacts"
ANNA = {"phone_number": PHONE, "email": MAIL, "first_name": "Anna"}


@pytest.fixture
def stop(box):
    """Return a function that lets Anna answer STOP to a message to the empty list."""
    return lambda: box.control("POST", "reply", {"from": PHONE, "body": "STOP", "list_id": EMPTY})


def lists(call):
    return [(row["list_id"], row["list_name"]) for row in call("GET", "/lists")["data"]]


@pytest.mark.parametrize(
    "row",
    [
        {"phone_number": PHONE},
        {"phone_number": "+61 411 111 111", "first_name": "B", "email": "new@example.com"},
        {"phone_number": OTHER, "email": "ANNA@example.com"},
    ],
)
@pytest.mark.parametrize("mode", ["upsert", "insert", "mirror"])
def test_who_said_stop_is_not_made_again(write, people, stop, row, mode):
    assert write([ANNA], list_id=EMPTY).rows() == {"created": 1}
    stop()
    assert people(EMPTY) == []
    out = people(OPT_OUTS)
    assert out[-1]["phone_number"] == PHONE
    ran = write([row], list_id=EMPTY, contacts_mode=mode)
    assert (ran.rows(), ran.writes) == ({"suppressed": 1}, [])
    assert (people(EMPTY), people(OPT_OUTS)) == ([], out)


@pytest.mark.parametrize(
    "row",
    [
        {"first_name": "B"},
        {"phone_number": OTHER},
        {"list_id": EMPTY},
        {"list_id": VIP, "copy": True},
        {"_sdc_deleted_at": "2026-01-31"},
        {"list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"},
    ],
)
@pytest.mark.parametrize("opt_out", ["enforce", "ignore"])
def test_the_contact_is_never_moved_out_of_their_list(call, write, people, stop, row, opt_out):
    contact_id = call("POST", PATH, ANNA)["contact_id"]
    stop()
    out = people(OPT_OUTS)
    ran = write([{"contact_id": contact_id, **row}], opt_out=opt_out)
    assert (ran.rows(), ran.writes) == ({"suppressed": 1}, [])
    assert people(OPT_OUTS) == out


@pytest.mark.parametrize("copy", [True, False])
def test_one_who_opted_out_elsewhere_is_not_moved(call, write, people, copy):
    call("POST", f"/lists/{OPT_OUTS}/contacts", {"email": MAIL})
    contact_id = call("POST", PATH, ANNA)["contact_id"]
    ran = write([{"contact_id": contact_id, "list_id": VIP, "copy": copy, "email": "new@example.com"}])
    assert (ran.rows(), ran.writes) == ({"suppressed": 1}, [])
    assert write([{"contact_id": contact_id, "first_name": "B"}]).rows() == {"updated": 1}


def test_no_contact_gets_a_number_that_opted_out(call, write, people):
    call("POST", f"/lists/{OPT_OUTS}/contacts", {"phone_number": PHONE})
    contact_id = call("POST", PATH, {"phone_number": OTHER})["contact_id"]
    ran = write([{"contact_id": contact_id, "phone_number": PHONE}])
    assert (ran.rows(), ran.writes) == ({"suppressed": 1}, [])


@pytest.mark.parametrize("config", [{}, {"opt_out": "ignore"}, {"contacts_mode": "mirror"}])
def test_their_list_is_never_written(write, people, config):
    before = people(OPT_OUTS)
    rows = [
        {"phone_number": PHONE},
        {"phone_number": before[0]["phone_number"], "_sdc_deleted_at": "2026-01-31"},
    ]
    config = {"mirror_confirmations": 1, "max_deletes": 1, "remove_duplicates": True, **config}
    for where in ({"list_id": OPT_OUTS}, {"list_name": "opt-out list"}):
        ran = write([row | where for row in rows], **config)
        assert (ran.rows(), ran.writes) == ({"rejected": 2}, [])
        assert "never written" in ran.reasons()[0]
    assert people(OPT_OUTS) == before


@pytest.mark.parametrize(
    "row",
    [
        {"list_name": "Opt-Out List", "_sdc_deleted_at": "2026-01-31"},
        {"list_id": OPT_OUTS, "_sdc_deleted_at": "2026-01-31"},
        {"list_id": OPT_OUTS, "list_name": "Renamed"},
        {"list_id": OPT_OUTS, "remove_duplicates": True},
        {"list_name": "OPT-OUT LIST", "remove_duplicates": 1},
        {"list_id": VIP, "list_name": "Opt-Out List"},
    ],
)
@pytest.mark.parametrize("opt_out", ["enforce", "ignore"])
def test_their_list_is_never_renamed_emptied_or_deleted(call, write, row, opt_out):
    before = lists(call)
    ran = write([row], "contact_lists", opt_out=opt_out)
    assert (ran.rows("contact_lists"), ran.writes) == ({"rejected": 1}, [])
    assert lists(call) == before


def test_their_list_may_have_another_name(call, write):
    call("PUT", f"/lists/{OPT_OUTS}", {"list_name": "Abmeldungen"})
    call("POST", f"/lists/{OPT_OUTS}/contacts", {"phone_number": PHONE})
    ran = write([ANNA], list_id=EMPTY)
    assert (ran.code, ran.writes) == (1, [])
    assert "opt_out_list" in str(ran.error)
    assert write([ANNA], list_id=EMPTY, opt_out_list="abmeldungen").rows() == {"suppressed": 1}
    assert write([ANNA], list_id=EMPTY, opt_out="ignore").rows() == {"created": 1}


CHANGES = [
    {"list_id": EMPTY, "first_name": "B"},
    {"list_id": EMPTY, "phone_number": OTHER},
    {"list_id": EMPTY, "phone_number": OTHER, "email": None},
    {"list_id": VIP},
    {"list_id": VIP, "phone_number": OTHER, "email": None},
    {"list_id": VIP, "copy": True},
]


@pytest.mark.parametrize("change", CHANGES)
def test_stop_between_reading_and_writing(call, write, people, stop, after_reading, change):
    contact_id = call("POST", PATH, ANNA)["contact_id"]
    vip = people(VIP)
    after_reading(stop)
    ran = write([{"contact_id": contact_id, **change}], create_missing_lists=True)
    assert ran.rows() == {"suppressed": 1}
    assert (people(EMPTY), people(VIP)) == ([], vip)
    assert people(OPT_OUTS)[-1]["contact_id"] == contact_id


def test_stop_that_gives_the_contact_a_new_id(call, write, people, after_reading):
    contact_id = call("POST", PATH, ANNA)["contact_id"]

    def stop():
        call("DELETE", f"{PATH}/{contact_id}")
        call("POST", f"/lists/{OPT_OUTS}/contacts", {"phone_number": PHONE})

    after_reading(stop)
    ran = write([{"contact_id": contact_id, "phone_number": OTHER, "email": None}])
    assert (ran.rows(), people(EMPTY)) == ({"suppressed": 1}, [])


def test_stop_and_then_another_number_in_their_list(call, write, people, after_reading):
    contact_id = call("POST", PATH, ANNA)["contact_id"]

    def stop():
        call("PUT", f"{PATH}/{contact_id}/transfer/{OPT_OUTS}")
        call("PUT", f"/lists/{OPT_OUTS}/contacts/{contact_id}", {"phone_number": OTHER, "email": ""})

    after_reading(stop)
    ran = write([{"contact_id": contact_id, "first_name": "B"}])
    assert (ran.rows(), people(EMPTY)) == ({"suppressed": 1}, [])
    assert people(OPT_OUTS)[-1]["phone_number"] == OTHER


def test_stop_before_a_deletion(call, write, people, stop, after_reading):
    call("POST", PATH, ANNA)
    after_reading(stop)
    ran = write([{"phone_number": PHONE, "list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"}])
    assert ran.rows() == {"deleted": 1}
    assert people(OPT_OUTS)[-1]["phone_number"] == PHONE


def test_without_opt_out_the_number_may_come_back(call, write, people, stop):
    write([ANNA], list_id=EMPTY)
    stop()
    out = people(OPT_OUTS)
    assert write([ANNA], list_id=EMPTY, opt_out="ignore").rows() == {"created": 1}
    assert people(OPT_OUTS) == out
