"""Mirror deletes what is missing from the input, and each of its brakes holds."""

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, OPT_OUTS, VIP

PATH = f"/lists/{EMPTY}/contacts"
NUMBERS = [f"+6141111111{n}" for n in range(10)]
MIRROR = {"contacts_mode": "mirror", "max_deletes": 0.2}
ROWS = [{"phone_number": number, "list_id": EMPTY} for number in NUMBERS]


@pytest.fixture
def ids(call):
    """Return the ids of ten contacts in the empty list."""
    return [call("POST", PATH, {"phone_number": number})["contact_id"] for number in NUMBERS]


@pytest.fixture
def left(people):
    return lambda: [row["contact_id"] for row in people(EMPTY)]


def test_what_is_missing_often_enough_is_deleted(write, ids, left):
    first = write(ROWS[1:], **MIRROR)
    assert (first.rows(), first.rows("mirror"), first.writes) == ({"unchanged": 9}, {}, [])
    second = write(ROWS[1:], **MIRROR)
    assert (second.rows("mirror"), second.code) == ({"deleted": 1}, 0)
    assert second.writes == [("DELETE", f"{PATH}/{ids[0]}")]
    assert left() == ids[1:]
    third = write(ROWS[1:], **MIRROR)
    assert (third.rows("mirror"), third.writes) == ({}, [])


@pytest.mark.parametrize("times", [1, 3])
def test_confirmations_are_inputs_in_a_row(write, ids, left, times):
    config = MIRROR | {"mirror_confirmations": times}
    for _ in range(times - 1):
        write(ROWS[1:], **config)
    if times > 1:
        write(ROWS, **config)  # there again: the count starts anew
        for _ in range(times - 1):
            write(ROWS[1:], **config)
    assert left() == ids
    assert write(ROWS[1:], **config).rows("mirror") == {"deleted": 1}
    assert left() == ids[1:]


def test_never_more_than_max_deletes(write, ids, left):
    config = MIRROR | {"mirror_confirmations": 1}
    ran = write(ROWS[3:], **config)
    assert (ran.code, ran.writes) == (1, [])
    assert "max_deletes" in ran.notes
    assert left() == ids
    assert write(ROWS[2:], **config).rows("mirror") == {"deleted": 2}
    assert left() == ids[2:]
    assert write(ROWS[9:], **config | {"max_deletes": 1}).rows("mirror") == {"deleted": 7}


@pytest.mark.parametrize("share", [0.07, 0.29, 0.57])
def test_a_share_is_exact(share, write, call, people):
    for number in range(100):
        call("POST", PATH, {"phone_number": f"+6142222{number:04}"})
    rows = [
        {"phone_number": f"+6142222{number:04}", "list_id": EMPTY}
        for number in range(round(share * 100), 100)
    ]
    ran = write(rows, contacts_mode="mirror", mirror_confirmations=1, max_deletes=share)
    assert ran.rows("mirror") == {"deleted": round(share * 100)}


def test_an_empty_input_deletes_nothing(write, ids, left):
    config = MIRROR | {"mirror_confirmations": 1, "max_deletes": 1, "list_id": EMPTY}
    assert write([], **config).writes == []
    assert write([{"phone_number": "none"}], **config).writes == []
    assert left() == ids


PROTECTS = [
    ({"phone_number": NUMBERS[0], "first_name": "x" * 10_000}, []),
    ({"phone_number": NUMBERS[0], "list_id": 1}, []),
    ({"phone_number": NUMBERS[0], "list_name": "no such list", "list_id": None}, []),
    ({"phone_number": NUMBERS[0], "email": "none"}, []),
    ({"phone_number": NUMBERS[0], "id": None}, []),
    ({"contact_id": 0, "phone_number": {}}, ["anybody"]),
    ({"contact_id": 1, "list_id": 1}, []),
    ({"contact_id": 1, "phone_number": {}}, []),
    ({"phone_number": "12"}, ["anybody"]),
    ({"phone_number": None}, ["anybody"]),
    ({"first_name": "nobody"}, ["anybody"]),
    ({"id": None}, ["anybody"]),
    ("no object", ["anybody"]),
]


@pytest.mark.parametrize(("bad", "anybody"), PROTECTS)
def test_rejected_rows_protect_whom_they_name(write, ids, left, bad, anybody):
    if isinstance(bad, dict) and bad.get("contact_id"):
        bad = bad | {"contact_id": ids[0]}
    rows = [*ROWS[2:], {"list_id": EMPTY, **bad} if isinstance(bad, dict) else bad]
    config = MIRROR | {"mirror_confirmations": 1}
    ran = write(rows, **config)
    assert ran.rows()["rejected"] == 1
    assert left() == (ids if anybody else ids[:1] + ids[2:])
    assert ran.code == len(anybody)


@pytest.mark.parametrize("row", [{"email": "a@example.com"}, {"email": "nobody"}])
def test_a_row_that_may_have_named_somebody_else_protects_all(write, ids, left, row):
    config = MIRROR | {"mirror_confirmations": 1, "match_on": ["phone_number", "email"]}
    ran = write([*ROWS[1:], {"phone_number": "12", "list_id": EMPTY, **row}], **config)
    assert (ran.code, left()) == (1, ids)


def test_a_line_that_is_no_message_protects_all(write, ids, left):
    from tests.target.runner import stream_of

    messages = [*stream_of("contacts", ROWS[1:]), "{broken"]
    ran = write(messages, raw=True, **MIRROR | {"mirror_confirmations": 1})
    assert (ran.code, ran.writes) == (1, [])
    assert left() == ids


@pytest.mark.parametrize(
    "row",
    [
        {"contact_id": 0},
        {"contact_id": 0, "list_id": EMPTY},
        {"contact_id": 0, "list_id": VIP, "copy": True},
    ],
)
def test_rows_by_id_name_their_contact(write, ids, left, row):
    for _ in range(3):
        write([*ROWS[1:], row | {"contact_id": ids[0]}], **MIRROR)
    assert left() == ids


def test_copies_are_named_by_their_row(write, ids, people, call):
    rows = [
        *ROWS,
        {"contact_id": ids[0], "list_id": VIP, "copy": True},
        {"phone_number": "+61433333333", "list_id": VIP},
    ]
    config = MIRROR | {"mirror_confirmations": 1, "max_deletes": 1}
    write(rows, **config)
    assert {row["phone_number"] for row in people(VIP)} == {NUMBERS[0], "+61433333333"}
    assert write(rows, **config).writes == []


def test_duplicates_of_a_named_person_are_not_missing(write, ids, left, call):
    again = call("POST", PATH, {"phone_number": NUMBERS[0]})["contact_id"]
    for _ in range(3):
        write(ROWS, **MIRROR)
    assert left() == [*ids, again]


def test_lists_that_are_not_named_are_untouched(write, ids, people):
    before = people(CUSTOMERS), people(VIP), people(OPT_OUTS)
    config = MIRROR | {"mirror_confirmations": 1, "max_deletes": 1}
    write(ROWS[:1], **config)
    # It makes the target read all lists.
    write([*ROWS[:1], {"contact_id": 1, "phone_number": NUMBERS[0], "list_id": EMPTY}], **config)
    assert (people(CUSTOMERS), people(VIP), people(OPT_OUTS)) == before


def test_a_dry_run_does_not_count(write, ids, left):
    for _ in range(3):
        ran = write(ROWS[1:], **MIRROR, dry_run=True)
        assert (ran.plan("mirror"), ran.writes) == ({}, [])
    write(ROWS[1:], **MIRROR)
    ran = write(ROWS[1:], **MIRROR, dry_run=True)
    assert (ran.plan("mirror"), ran.rows("mirror"), ran.writes) == ({"delete": 1}, {"dry_run": 1}, [])
    assert left() == ids
    assert write(ROWS[1:], **MIRROR).rows("mirror") == {"deleted": 1}


def test_a_run_that_fails_deletes_nothing(box, write, ids, left):
    box.control("POST", "faults", {"kind": "status", "status": 401, "method": "POST", "path": PATH})
    rows = [*ROWS[1:], {"phone_number": "+61499999999", "list_id": EMPTY}]
    ran = write(rows, **MIRROR | {"mirror_confirmations": 1})
    assert (ran.code, ran.rows()["failed"]) == (1, 1)
    assert left() == ids


def test_a_deletion_that_fails_comes_again(box, write, ids, left):
    config = MIRROR | {"mirror_confirmations": 1, "max_retries": 0}
    box.control("POST", "faults", {"kind": "status", "status": 500, "method": "DELETE"})
    ran = write(ROWS[1:], **config)
    assert (ran.code, ran.rows("mirror")) == (1, {"failed": 1})
    assert write(ROWS[1:], **config).rows("mirror") == {"deleted": 1}
    assert left() == ids[1:]
