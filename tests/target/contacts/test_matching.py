"""Which contact a row means, in which list; and contacts that are moved and copied between lists."""

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, NEWSLETTER, VIP

PHONE, OTHER = "+61411111111", "+61422222222"
MAIL = "anna@example.com"
PATH = f"/lists/{EMPTY}/contacts"


@pytest.fixture
def anna(call):
    """Return a contact in the empty list."""
    return call("POST", PATH, {"phone_number": PHONE, "email": MAIL, "first_name": "Anna"})


def numbers(rows):
    return sorted(row["phone_number"] for row in rows)


def test_contact_id_finds_anywhere(write, people, anna):
    ran = write([{"contact_id": anna["contact_id"], "phone_number": OTHER}])
    assert ran.rows() == {"updated": 1}
    assert numbers(people(EMPTY)) == [OTHER]
    assert write([{"contact_id": anna["contact_id"], "phone_number": OTHER}]).writes == []


def test_contact_id_that_is_gone_falls_back_to_the_number(write, people, anna):
    row = {"contact_id": 1, "phone_number": PHONE, "first_name": "B", "list_id": EMPTY}
    assert write([row]).rows() == {"updated": 1}
    assert write([row | {"phone_number": OTHER}]).rows() == {"created": 1}
    assert write([row | {"phone_number": OTHER}]).writes == []
    assert numbers(people(EMPTY)) == [PHONE, OTHER]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"contact_id": 1}, "there is no list"),
        ({"contact_id": 1, "list_id": EMPTY, "email": MAIL}, "never be found again"),
        ({"contact_id": 1, "list_id": EMPTY}, "never be found again"),
    ],
)
def test_contact_id_that_is_gone_and_nothing_to_make_one_of(write, people, row, reason):
    ran = write([row])
    assert (ran.rows(), ran.writes) == ({"rejected": 1}, [])
    assert reason in ran.reasons()[0]


def test_a_number_matches_in_its_own_list_only(write, people, anna):
    assert write([{"phone_number": PHONE, "list_id": VIP}]).rows() == {"created": 1}
    assert numbers(people(EMPTY)) == [PHONE]


@pytest.mark.parametrize("mail", ["Anna@Example.com", " anna@example.com "])
def test_match_on_email(write, people, anna, mail):
    ran = write([{"email": mail, "phone_number": OTHER, "list_id": EMPTY}], match_on=["email"])
    assert ran.rows() == {"updated": 1}
    assert numbers(people(EMPTY)) == [OTHER]


def test_match_on_takes_the_first_that_a_row_has(write, people, anna):
    rows = [
        {"email": MAIL, "first_name": "by mail", "list_id": EMPTY},
        {"email": MAIL, "phone_number": OTHER, "list_id": EMPTY},
        {"fax_number": "+61288880000", "list_id": EMPTY},
    ]
    config = {"match_on": ["phone_number", "email", "fax_number"]}
    assert write(rows, **config).rows() == {"updated": 1, "created": 2}
    shown = {row["phone_number"]: row["first_name"] for row in people(EMPTY)}
    assert shown == {PHONE: "by mail", OTHER: "", "": ""}
    assert write(rows, **config).writes == []


def test_a_row_by_id_and_one_by_its_new_number_are_one_person(write, people, anna):
    rows = [
        {"contact_id": anna["contact_id"], "phone_number": OTHER, "first_name": "first"},
        {"phone_number": OTHER, "first_name": "last", "list_id": EMPTY},
    ]
    for order in (rows, rows[::-1]):
        assert write(order).rows() == {"updated": 1, "duplicate": 1}
        assert [(row["phone_number"], row["first_name"]) for row in people(EMPTY)] == [
            (OTHER, order[1]["first_name"])
        ]


def test_a_transferred_contact_and_its_number_in_the_other_list_are_one_person(write, people, anna):
    rows = [{"contact_id": anna["contact_id"], "list_id": VIP}, {"phone_number": PHONE, "list_id": VIP}]
    before = len(people(VIP))
    assert write(rows).rows() == {"transferred": 1, "duplicate": 1}
    assert (people(EMPTY), len(people(VIP))) == ([], before + 1)


class TestMoving:
    @pytest.mark.parametrize("copies", ["new_id", "same"])
    @pytest.mark.parametrize("fields", [{}, {"first_name": "Änne"}])
    def test_transfer(self, box, write, people, anna, copies, fields):
        box.control("POST", "switches", {"copy": copies})
        row = {"contact_id": anna["contact_id"], "list_id": VIP, **fields}
        ran = write([row])
        assert ran.rows() == {"transferred": 1}
        assert len(ran.writes) == 1 + bool(fields)
        assert people(EMPTY) == []
        (moved,) = (one for one in people(VIP) if one["contact_id"] == anna["contact_id"])
        assert (moved["phone_number"], moved["first_name"]) == (PHONE, fields.get("first_name", "Anna"))
        again = write([row])
        assert (again.rows(), again.writes) == ({"unchanged": 1}, [])

    @pytest.mark.parametrize("copies", ["new_id", "same"])
    @pytest.mark.parametrize("match_on", ["phone_number", "email"])
    @pytest.mark.parametrize("fields", [{}, {"first_name": "Änne", "phone_number": PHONE}])
    def test_copied_twice_is_copied_once(self, box, write, people, anna, copies, match_on, fields):
        box.control("POST", "switches", {"copy": copies})
        before = len(people(VIP))
        row = {"contact_id": anna["contact_id"], "list_id": VIP, "copy": True, **fields}
        assert write([row], match_on=[match_on]).rows() == {"copied": 1}
        again = write([row], match_on=[match_on])
        assert (again.rows(), again.writes) == ({"unchanged": 1}, [])
        assert people(EMPTY) == [anna]
        assert len(people(VIP)) == before + 1
        assert people(VIP)[-1]["first_name"] == fields.get("first_name", "Anna")

    def test_a_copy_and_a_row_for_its_number_are_one_person(self, write, people, anna):
        rows = [
            {"contact_id": anna["contact_id"], "list_id": VIP, "copy": True},
            {"phone_number": PHONE, "list_id": VIP},
        ]
        before = len(people(VIP))
        for order in (rows, rows[::-1]):
            ran = write(order)
            assert ran.rows()["duplicate"] == 1
            assert len(people(VIP)) == before + 1

    @pytest.mark.parametrize("copies", ["new_id", "same"])
    def test_one_contact_in_two_lists(self, box, write, people, anna, copies):
        box.control("POST", "switches", {"copy": copies})
        rows = [
            {"contact_id": anna["contact_id"], "list_id": EMPTY, "first_name": "here"},
            {"contact_id": anna["contact_id"], "list_id": VIP, "first_name": "there", "copy": True},
        ]
        write(rows[1:])
        ran = write(rows)
        assert ran.rows() == {"updated": 1, "unchanged": 1}
        assert people(EMPTY)[0]["first_name"] == "here"
        assert people(VIP)[-1]["first_name"] == "there"

    def test_without_contact_id_nothing_moves(self, write, people, anna):
        ran = write([{"phone_number": PHONE, "list_id": VIP, "copy": True}])
        assert ran.rows() == {"created": 1}
        assert people(EMPTY) == [anna]


class TestLists:
    @pytest.mark.parametrize(
        ("row", "config", "list_id"),
        [
            ({"list_id": VIP}, {"list_name": "Customers"}, VIP),
            ({"list_id": str(VIP), "list_name": "Customers"}, {}, VIP),
            ({"list_name": "VIP & friends"}, {}, VIP),
            ({"list_name": " vip & FRIENDS "}, {}, VIP),
            ({"list_name": None, "list_id": 0}, {"list_name": "Customers"}, CUSTOMERS),
            ({}, {"list_id": NEWSLETTER}, NEWSLETTER),
        ],
    )
    def test_a_list_by_id_name_or_setting(self, write, people, row, config, list_id):
        before = len(people(list_id))
        assert write([{"phone_number": PHONE, **row}], **config).rows() == {"created": 1}
        assert len(people(list_id)) == before + 1

    def test_two_lists_of_one_name(self, write, call, people):
        ids = [call("POST", "/lists", {"list_name": name})["list_id"] for name in ("Two", "Two", "TWO")]
        rows = [
            {"phone_number": PHONE, "list_name": "Two"},
            {"phone_number": PHONE, "list_name": "two"},
            {"phone_number": PHONE, "list_name": "TWO"},
        ]
        ran = write(rows, create_missing_lists=True)
        assert ran.rows() == {"rejected": 2, "created": 1}
        assert all("use list_id" in reason for reason in ran.reasons())
        assert numbers(people(ids[2])) == [PHONE]

    def test_missing_lists_are_made_when_asked(self, write, call, people):
        rows = [
            {"phone_number": PHONE, "list_name": "Neu"},
            {"phone_number": OTHER, "list_name": " NEU"},
            {"phone_number": PHONE, "list_name": "Nobody", "_sdc_deleted_at": "2026-01-31"},
        ]
        ran = write(rows)
        assert (ran.rows(), ran.writes) == ({"rejected": 3}, [])
        assert any("create_missing_lists" in reason for reason in ran.reasons())
        for outcome in ("created", "unchanged"):
            ran = write(rows[:2], create_missing_lists=True)
            assert ran.rows() == {outcome: 2}
        (made,) = (row for row in call("GET", "/lists")["data"] if row["list_name"] == "Neu")
        assert numbers(people(made["list_id"])) == [PHONE, OTHER]
        ran = write(rows[2:], create_missing_lists=True)
        assert (ran.rows(), ran.writes) == ({"unchanged": 1}, [])


class TestOfOnePerson:
    def test_the_last_row_wins(self, write, people):
        rows = [{"phone_number": PHONE, "first_name": name, "list_id": EMPTY} for name in "abc"]
        ran = write(rows)
        assert ran.rows() == {"created": 1, "duplicate": 2}
        assert [row["first_name"] for row in people(EMPTY)] == ["c"]
        assert len(ran.writes) == 1

    @pytest.mark.long
    def test_thousands_of_rows_apart(self, write, people, call):
        call("POST", PATH, {"phone_number": PHONE})
        between = [{"phone_number": PHONE, "list_id": VIP, "first_name": str(n)} for n in range(3000)]
        rows = [
            {"phone_number": PHONE, "first_name": "first", "list_id": EMPTY},
            *between,
            {"phone_number": "+61 411 111 111", "first_name": "last", "list_name": "Empty list"},
        ]
        assert write(rows).rows() == {"updated": 1, "created": 1, "duplicate": 3000}
        assert [row["first_name"] for row in people(EMPTY)] == ["last"]

    def test_across_two_streams(self, write, people):
        from tests.target.runner import stream_of

        messages = [
            message
            for stream in ("customers", "leads")
            for message in stream_of(
                stream, [{"phone_number": PHONE, "first_name": stream, "list_id": EMPTY}]
            )
        ]
        ran = write(messages, raw=True, streams={"customers": "contacts", "leads": "contacts"})
        assert ran.rows() == {"created": 1, "duplicate": 1}
        assert [row["first_name"] for row in people(EMPTY)] == ["leads"]

    @pytest.mark.usefixtures("anna")
    def test_a_deletion_and_a_change(self, write, people):
        gone = {"phone_number": PHONE, "list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"}
        back = {"phone_number": PHONE, "list_id": EMPTY}
        assert write([gone, back]).rows() == {"unchanged": 1, "duplicate": 1}
        assert write([back, gone]).rows() == {"deleted": 1, "duplicate": 1}
        assert people(EMPTY) == []


class TestDuplicatesInTheList:
    @pytest.fixture
    def three(self, box, call):
        """Return the ids of three contacts of one person, oldest first."""
        ids = []
        for name in "abc":
            box.advance(60)
            ids.append(call("POST", PATH, {"phone_number": PHONE, "first_name": name})["contact_id"])
        return ids

    @pytest.mark.usefixtures("three")
    def test_the_oldest_is_changed_and_the_others_reported(self, write, people):
        row = {"phone_number": PHONE, "first_name": "Anna", "list_id": EMPTY}
        ran = write([row])
        assert ran.rows() == {"updated": 1}
        assert "2 of them" in ran.notes
        assert "remove_duplicates" in ran.notes
        assert [one["first_name"] for one in people(EMPTY)] == ["Anna", "b", "c"]

    @pytest.mark.parametrize(("name", "outcome"), [("a", "unchanged"), ("Anna", "updated")])
    def test_they_are_removed_when_asked(self, write, people, three, name, outcome):
        row = {"phone_number": PHONE, "first_name": name, "list_id": EMPTY}
        ran = write([row], remove_duplicates=True, max_deletes=0.7)
        assert (ran.rows(), ran.rows("duplicates"), ran.code) == ({outcome: 1}, {"deleted": 2}, 0)
        assert [(one["contact_id"], one["first_name"]) for one in people(EMPTY)] == [(three[0], name)]
        again = write([row], remove_duplicates=True)
        assert (again.rows(), again.writes, again.notes) == ({"unchanged": 1}, [], "")

    def test_no_more_than_a_share_of_the_list_is_removed(self, write, people, three):
        row = {"phone_number": PHONE, "list_id": EMPTY}
        ran = write([row], remove_duplicates=True, max_deletes=0.6)
        assert (ran.rows(), ran.rows("duplicates"), ran.code) == ({"unchanged": 1}, {}, 1)
        assert "duplicates: 2 of 3 contacts of list" in ran.notes
        assert [one["contact_id"] for one in people(EMPTY)] == three

    @pytest.mark.parametrize("status", [400, 500])
    def test_one_that_cannot_be_deleted_is_said(self, box, write, people, three, status):
        path = f"/lists/{EMPTY}/contacts/{three[1]}"
        box.control("POST", "faults", {"kind": "status", "status": status, "path": path, "times": -1})
        row = {"phone_number": PHONE, "list_id": EMPTY}
        ran = write([row], remove_duplicates=True, max_deletes=1, max_retries=0)
        came = {400: "rejected", 500: "failed"}[status]
        assert ran.rows("duplicates") == {"deleted": 1, came: 1}
        assert [one["contact_id"] for one in people(EMPTY)] == three[:2]

    def test_what_a_row_names_by_id_is_no_duplicate(self, write, people, three):
        rows = [
            {"contact_id": one, "phone_number": PHONE, "first_name": str(one), "list_id": EMPTY}
            for one in three
        ]
        assert write(rows, remove_duplicates=True).rows() == {"updated": 3}
        assert [one["contact_id"] for one in people(EMPTY)] == three

    def test_what_another_row_is_about_is_no_duplicate(self, write, call):
        call("POST", PATH, {"phone_number": PHONE, "email": MAIL})
        call("POST", PATH, {"phone_number": OTHER, "email": MAIL})
        rows = [{"email": MAIL, "list_id": EMPTY}, {"phone_number": OTHER, "email": MAIL, "list_id": EMPTY}]
        ran = write(rows, match_on=["phone_number", "email"], remove_duplicates=True)
        assert (ran.rows(), ran.writes) == ({"unchanged": 2}, [])

    @pytest.mark.usefixtures("three")
    def test_a_person_who_is_gone_is_gone(self, write, people):
        row = {"phone_number": PHONE, "list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"}
        assert write([row]).rows() == {"deleted": 1}
        assert people(EMPTY) == []

    def test_one_who_is_gone_by_id_is_that_one(self, write, people, three):
        row = {"contact_id": three[1], "_sdc_deleted_at": "2026-01-31"}
        assert write([row]).rows() == {"deleted": 1}
        assert [one["contact_id"] for one in people(EMPTY)] == [three[0], three[2]]
