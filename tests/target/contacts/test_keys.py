"""A row's key leads to its contact: rows that bring nothing else, and numbers that change."""

import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.ledger.memory import Memory
from clicksend.sandbox import Sandbox
from clicksend.sandbox.world.seed_data import EMPTY, NEWSLETTER, OPT_OUTS, VIP
from tests.conftest import budget
from tests.sandbox.runner import walk
from tests.target.runner import record, run_target, schema, stream_of

NUMBERS = A, B, C = "+61411111111", "+61422222222", "+61433333333"
PATH = f"/lists/{EMPTY}/contacts"
GONE = {"_sdc_deleted_at": "2026-01-31T12:00:00Z"}
KEY, KEY_FIRST, KEY_LAST = ["key"], ["key", "phone_number"], ["phone_number", "key"]
UNKNOWN = "it has no phone_number, and the ledger knows no contact of its key"


def row(key, number=None, list_id=EMPTY, **columns):
    """Return a row as a table has it."""
    return {"id": key, "phone_number": number, "list_id": list_id, **columns}


def gone(key, **columns):
    """Return a deleted row that brings only its key, as LOG_BASED does, and perhaps more."""
    return {"id": key, **columns, **GONE}


@pytest.fixture
def numbers(people):
    """Return a function that returns the numbers in a list."""
    return lambda list_id=EMPTY: sorted(one["phone_number"] for one in people(list_id))


@pytest.fixture
def anna(write, people):
    """Return the id of the contact that the row with key 1 made."""
    assert write([row(1, A)]).rows() == {"created": 1}
    return people(EMPTY)[0]["contact_id"]


@pytest.fixture
def noted(monkeypatch):
    """Return what is written to the ledger about contacts of keys: one number of keys for each write."""
    counts, write = [], Memory.set_contacts

    def counted(self, contacts):
        counts.append(len(contacts))
        write(self, contacts)

    monkeypatch.setattr(Memory, "set_contacts", counted)
    return counts


class TestDeleting:
    """A deleted row finds its contact by contact_id, by a number, by its key."""

    @pytest.mark.parametrize(
        ("columns", "config"),
        [
            ({}, {}),
            ({}, {"list_id": EMPTY}),
            ({}, {"list_id": VIP}),
            ({}, {"list_name": "no such list"}),
            ({"list_id": EMPTY}, {}),
            ({"list_name": "Empty list"}, {"list_id": VIP}),
            ({"phone_number": None, "list_id": EMPTY}, {}),
            ({"phone_number": B, "list_id": EMPTY}, {}),
            ({"phone_number": B}, {}),
            ({"phone_number": B}, {"list_id": VIP}),
            ({"phone_number": "12", "email": "none", "first_name": "x" * 5000}, {}),
            ({"contact_id": 1}, {}),
            ({"contact_id": 1, "phone_number": B, "list_id": EMPTY}, {}),
        ],
    )
    @pytest.mark.parametrize("match_on", [["phone_number"], KEY, KEY_FIRST, ["email", "key"]])
    def test_by_its_key(self, write, numbers, anna, columns, config, match_on):
        call_of = gone(1, **columns)
        ran = write([call_of], match_on=match_on, **config)
        assert (ran.rows(), ran.writes) == ({"deleted": 1}, [("DELETE", f"{PATH}/{anna}")])
        assert numbers() == []
        again = write([call_of], match_on=match_on, **config)
        assert (again.rows(), again.writes) == ({"unchanged": 1}, [])

    @pytest.mark.parametrize("keys", [["id"], ["id", "shop"]])
    def test_all_that_log_based_brings(self, write, numbers, keys):
        columns = dict.fromkeys(["id", "shop", "phone_number", "first_name", "list_id", "_sdc_deleted_at"])
        rows = [{"id": n, "shop": "x", "phone_number": f"+6142222222{n}", "list_id": EMPTY} for n in range(9)]
        describe = schema("contacts", columns, keys)
        first = [describe, *(record("contacts", one) for one in rows)]
        assert write(first, raw=True).rows() == {"created": 9}
        lost = [{"id": one["id"], "shop": "x", "_sdc_lsn": 7, **GONE} for one in rows[:4]]
        ran = write([describe, *(record("contacts", one) for one in lost)], raw=True)
        assert ran.rows() == {"deleted": 4}
        assert numbers() == [one["phone_number"] for one in rows[4:]]

    @pytest.mark.usefixtures("anna")
    def test_a_number_that_is_there_goes_first(self, write, numbers):
        write([row(2, B)])
        ran = write([gone(1, phone_number=B, list_id=EMPTY)])
        assert (ran.rows(), numbers()) == ({"deleted": 1}, [A])

    @pytest.mark.usefixtures("anna")
    def test_with_key_first_it_does_not(self, write, numbers):
        write([row(2, B)])
        ran = write([gone(1, phone_number=B, list_id=EMPTY)], match_on=KEY_FIRST)
        assert (ran.rows(), numbers()) == ({"deleted": 1}, [B])

    @pytest.mark.usefixtures("anna")
    def test_contact_id_goes_before_all(self, write, call, numbers):
        other = call("POST", PATH, {"phone_number": C})["contact_id"]
        ran = write([gone(1, contact_id=other, phone_number=A, list_id=EMPTY)], match_on=KEY_FIRST)
        assert (ran.rows(), numbers()) == ({"deleted": 1}, [A])

    @pytest.mark.usefixtures("anna")
    def test_it_is_that_contact_only(self, write, call, numbers):
        call("POST", PATH, {"phone_number": A})
        ran = write([gone(1)])
        assert (ran.rows(), numbers()) == ({"deleted": 1}, [A])

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize(
        ("columns", "config", "reason"),
        [
            ({}, {}, UNKNOWN),
            ({}, {"list_id": EMPTY}, UNKNOWN),
            ({"list_id": EMPTY}, {}, UNKNOWN),
            ({"phone_number": " "}, {"list_id": EMPTY}, UNKNOWN),
            ({"phone_number": A}, {}, "it names no list, and the ledger knows no contact of its key"),
            ({"phone_number": "12", "list_id": EMPTY}, {}, "the ledger knows no contact of its key"),
            ({}, {"match_on": KEY}, "the ledger knows no contact of its key"),
            (
                {},
                {"match_on": ["email", "key", "phone_number"]},
                "it has no email or phone_number, and the ledger knows no contact of its key",
            ),
        ],
    )
    def test_of_nobody(self, write, numbers, columns, config, reason):
        ran = write([gone(2, **columns)], **config)
        assert (ran.rows(), ran.writes, ran.code) == ({"rejected": 1}, [], 0)
        assert reason in ran.reasons()[0]
        assert numbers() == [A]

    @pytest.mark.usefixtures("anna")
    def test_the_key_of_another_stream_is_another_key(self, write, numbers):
        sinks = {"people": "contacts"}
        ran = write([gone(1)], "people", streams=sinks, match_on=KEY)
        assert (ran.rows(), numbers()) == ({"rejected": 1}, [A])
        ran = write([gone(1)], "people", streams=sinks, key_namespace="contacts")
        assert (ran.rows(), numbers()) == ({"deleted": 1}, [])

    @pytest.mark.usefixtures("anna")
    def test_the_list_that_a_row_names_itself_holds_for_its_key(self, write, numbers):
        ran = write([gone(1, list_id=VIP)])
        assert (ran.rows(), ran.writes, numbers()) == ({"unchanged": 1}, [], [A])
        assert write([gone(1)]).rows() == {"deleted": 1}

    @pytest.mark.parametrize("columns", [{}, {"phone_number": A, "list_id": EMPTY}])
    def test_what_is_gone_already(self, write, call, anna, columns):
        call("DELETE", f"{PATH}/{anna}")
        for _ in range(2):
            ran = write([gone(1, **columns)])
            assert (ran.rows(), ran.writes, ran.code) == ({"unchanged": 1}, [], 0)

    def test_what_is_known_to_be_gone_is_looked_for_once(self, write, call, anna, noted):
        call("DELETE", f"{PATH}/{anna}")
        reads = [sum("/contacts" in one["path"] for one in write([gone(1)]).requests) for _ in range(3)]
        assert reads[0] > 3
        assert reads[1:] == [1, 1]  # of those who opted out
        assert noted == [1]

    def test_a_contact_that_was_moved_is_found_in_any_list(self, write, call, numbers, anna):
        call("PUT", f"{PATH}/{anna}/transfer/{VIP}")
        assert A in numbers(VIP)
        assert write([gone(1)]).rows() == {"deleted": 1}
        assert A not in numbers(VIP)

    @pytest.mark.usefixtures("anna")
    def test_a_list_that_was_deleted(self, write, call):
        call("DELETE", f"/lists/{EMPTY}")
        ran = write([gone(1)])
        assert (ran.rows(), ran.writes) == ({"unchanged": 1}, [])

    @pytest.mark.usefixtures("anna")
    def test_a_list_that_is_deleted_meanwhile(self, write, call, monkeypatch):
        from target_clicksend.contacts.index import Index

        load = Index.load

        def load_then(self, list_id):
            if list_id == EMPTY:
                call("DELETE", f"/lists/{EMPTY}")
            load(self, list_id)

        monkeypatch.setattr(Index, "load", load_then)
        ran = write([gone(1)])
        assert (ran.rows(), ran.code) == ({"unchanged": 1}, 0)

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize(
        ("mode", "outcome"),
        [("upsert", "deleted"), ("insert", "unchanged"), ("update", "deleted"), ("mirror", "deleted")],
    )
    def test_in_every_mode(self, write, numbers, mode, outcome):
        assert write([gone(1)], contacts_mode=mode).rows() == {outcome: 1}
        assert numbers() == [A] * (outcome == "unchanged")
        assert write([gone(1)]).rows() == {"deleted" if outcome == "unchanged" else "unchanged": 1}

    @pytest.mark.long
    def test_thousands_of_keys(self, box, write, monkeypatch):
        from tests.target.contacts.test_basics import fill

        rows = [row(n, f"+614{n:08}") for n in range(2500)]
        fill(box, 2500)
        assert write(rows).rows() == {"unchanged": 2500}
        asked, of = [], Memory.contacts_of

        def counted(self, keys):
            asked.append(len(keys))
            return of(self, keys)

        monkeypatch.setattr(Memory, "contacts_of", counted)
        ran = write([gone(n) for n in range(0, 2500, 2)], dry_run=True)
        assert (ran.plan(), asked) == ({"delete": 1250}, [1000, 250])


class TestInOneRun:
    """Rows of one key in one run, and rows of several keys for one contact."""

    @pytest.mark.parametrize("match_on", [["phone_number"], KEY_FIRST, KEY])
    def test_made_and_deleted(self, write, match_on):
        ran = write([row(1, A), gone(1)], match_on=match_on)
        assert (ran.rows(), ran.writes) == ({"unchanged": 1, "duplicate": 1}, [])

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize("match_on", [["phone_number"], KEY_FIRST, KEY])
    def test_changed_and_deleted(self, write, numbers, match_on):
        ran = write([row(1, B), gone(1)], match_on=match_on)
        assert (ran.rows(), numbers()) == ({"deleted": 1, "duplicate": 1}, [])

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize("match_on", [["phone_number"], KEY_FIRST, KEY])
    @pytest.mark.parametrize("number", [A, B])
    def test_deleted_and_made_again(self, write, numbers, match_on, number):
        rows = [gone(1), row(1, number)]
        assert write(rows, match_on=match_on).rows().keys() <= {
            "deleted",
            "created",
            "duplicate",
            "updated",
            "unchanged",
        }
        assert numbers() == [number]
        assert write([gone(1)], match_on=match_on).rows() == {"deleted": 1}
        assert numbers() == []

    @pytest.mark.parametrize("columns", [{}, {"list_id": None, "list_name": "Empty list"}])
    def test_two_rows_of_a_new_key(self, write, numbers, columns):
        rows = [row(1, A), row(1, B) | columns]
        assert write(rows, match_on=KEY_FIRST).rows() == {"created": 1, "duplicate": 1}
        assert numbers() == [B]

    def test_one_key_in_two_lists(self, write, numbers):
        rows = [row(1, A), row(1, B, NEWSLETTER)]
        assert write(rows, match_on=KEY_FIRST).rows() == {"created": 2}
        assert numbers() == [A]

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_number_that_another_key_gets(self, write, people, anna, order):
        """The contact of key 1 is not that of key 2, which has its old number."""
        rows = [row(1, B, custom_1="1"), row(2, A, custom_1="2")]
        ran = write(rows[::order], match_on=KEY_FIRST)
        assert ran.rows() == {"updated": 1, "created": 1}
        found = {one["contact_id"]: (one["phone_number"], one["custom_1"]) for one in people(EMPTY)}
        assert found.pop(anna) == (B, "1")
        assert [*found.values()] == [(A, "2")]
        assert write(rows, match_on=KEY_FIRST).writes == []

    def test_numbers_that_are_swapped(self, write, people, anna):
        write([row(2, B)])
        ids = {one["contact_id"] for one in people(EMPTY)}
        rows = [row(1, B, custom_1="1"), row(2, A, custom_1="2")]
        assert write(rows, match_on=KEY_FIRST).rows() == {"updated": 2}
        shown = {one["contact_id"]: (one["phone_number"], one["custom_1"]) for one in people(EMPTY)}
        assert shown.keys() == ids
        assert shown[anna] == (B, "1")
        assert sorted(shown.values()) == [(A, "2"), (B, "1")]

    @pytest.mark.parametrize("order", [1, -1])
    @pytest.mark.parametrize("match_on", [["phone_number"], KEY_FIRST])
    def test_the_number_of_a_deleted_key(self, write, people, anna, order, match_on):
        """Whoever has it now keeps the contact: only the key is gone."""
        rows = [gone(1), row(2, A, custom_1="2")]
        assert write(rows[::order], match_on=match_on).rows() == {"updated": 1, "duplicate": 1}
        assert [(one["contact_id"], one["custom_1"]) for one in people(EMPTY)] == [(anna, "2")]
        assert write([gone(1)]).rows() == {"unchanged": 1}
        assert write([gone(2)]).rows() == {"deleted": 1}

    @pytest.mark.parametrize("number", [A, B])
    def test_by_its_key_and_by_contact_id(self, write, people, anna, number):
        rows = [row(1, number, custom_1="key"), {"id": 2, "contact_id": anna, "custom_1": "id"}]
        for order in (rows, rows[::-1]):
            ran = write(order, match_on=KEY_FIRST)
            assert ran.rows() == {"updated": 1, "duplicate": 1}
            assert [one["custom_1"] for one in people(EMPTY)] == [order[1]["custom_1"]]

    @pytest.mark.usefixtures("anna")
    def test_by_its_key_and_by_its_new_number(self, write, people):
        rows = [row(1, B, custom_1="key"), row(2, B, custom_1="number")]
        for order in (rows, rows[::-1]):
            ran = write(order, match_on=KEY_FIRST)
            assert ran.rows() == {"updated": 1, "duplicate": 1}
            assert [one["custom_1"] for one in people(EMPTY)] == [order[1]["custom_1"]]

    @pytest.mark.parametrize("order", [1, -1])
    def test_two_keys_with_one_number_that_part(self, write, people, order):
        write([row(1, A), row(2, A)])
        (first,) = (one["contact_id"] for one in people(EMPTY))
        rows = [row(1, A, custom_1="1"), row(2, B, custom_1="2")]
        assert write(rows[::order], match_on=KEY_FIRST).rows() == {"updated": 1, "created": 1}
        shown = {one["phone_number"]: (one["contact_id"], one["custom_1"]) for one in people(EMPTY)}
        assert (shown[A], shown[B][1], len(people(EMPTY))) == ((first, "1"), "2", 2)

    @pytest.mark.usefixtures("anna")
    def test_a_row_that_cannot_be_written_gives_no_number_away(self, write, numbers):
        """The contact keeps its number, so another row of that number is about it."""
        ran = write([{"id": 1, "phone_number": None, "list_id": EMPTY}, row(2, A)], match_on=KEY_FIRST)
        assert (ran.rows(), numbers()) == ({"duplicate": 1, "unchanged": 1}, [A])

    @pytest.mark.usefixtures("anna")
    def test_answers_in_another_order_than_the_rows(self, box, write, numbers):
        """The row that is made anew counts, although the deletion of the first contact ends later."""
        delay = {"kind": "delay", "method": "DELETE", "seconds": 0.2}
        box.control("POST", "faults", delay)
        assert write([gone(1), row(1, B)]).rows() == {"deleted": 1, "created": 1}
        assert write([gone(1)]).rows() == {"deleted": 1}
        assert numbers() == []

    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_two_keys_with_one_number_that_change_both(self, write, numbers, match_on):
        write([row(1, A), row(2, A)])
        rows = [row(1, B), row(2, C)]
        assert write(rows, match_on=match_on).rows() == {"updated": 1, "created": 1}
        assert numbers() == [B, C]
        assert write(rows, match_on=match_on).writes == []


class TestChangedNumbers:
    """With ``key`` in match_on a row's contact is the one that its key made."""

    @pytest.mark.parametrize(
        ("match_on", "found"),
        [
            (["phone_number"], [A, B]),
            (KEY_LAST, [A, B]),
            (KEY, [B]),
            (KEY_FIRST, [B]),
            (["key", "email", "phone_number"], [B]),
        ],
    )
    def test_the_order_of_the_names_counts(self, write, numbers, anna, match_on, found):
        ran = write([row(1, B)], match_on=match_on)
        assert ran.writes == [("PUT", f"{PATH}/{anna}") if found == [B] else ("POST", PATH)]
        assert numbers() == found
        assert write([row(1, B)], match_on=match_on).writes == []

    def test_a_key_that_is_new_is_tried_by_its_number(self, write, call, people):
        there = call("POST", PATH, {"phone_number": A})["contact_id"]
        assert write([row(1, A, first_name="Anna")], match_on=KEY_FIRST).rows() == {"updated": 1}
        assert write([row(1, B)], match_on=KEY_FIRST).rows() == {"updated": 1}
        assert [(one["contact_id"], one["phone_number"]) for one in people(EMPTY)] == [(there, B)]

    def test_with_key_alone_one_is_made(self, write, call, numbers):
        call("POST", PATH, {"phone_number": A})
        assert write([row(1, A)], match_on=KEY).rows() == {"created": 1}
        assert numbers() == [A, A]
        assert write([row(1, A)], match_on=KEY).rows() == {"unchanged": 1}

    @pytest.mark.usefixtures("anna")
    def test_another_streams_key_is_another_row(self, write, numbers):
        ran = write([row(1, B)], "people", streams={"people": "contacts"}, match_on=KEY_FIRST)
        assert (ran.rows(), numbers()) == ({"created": 1}, [A, B])

    @pytest.mark.usefixtures("anna")
    def test_a_row_for_a_known_key_needs_no_number(self, write, people):
        changes = {"id": 1, "first_name": "Anna", "list_id": EMPTY}
        assert write([changes], match_on=KEY).rows() == {"updated": 1}
        assert [(one["phone_number"], one["first_name"]) for one in people(EMPTY)] == [(A, "Anna")]
        ran = write([changes | {"id": 2}], match_on=KEY)
        assert (ran.rows(), ran.writes) == ({"rejected": 1}, [])
        assert "a contact needs one of phone_number, email, fax_number" in ran.reasons()[0]
        ran = write([changes | {"phone_number": None}], match_on=KEY)
        assert "without any of" in ran.reasons()[0]
        assert write([changes | {"id": 2, "email": "a@example.com"}], match_on=KEY).rows() == {"created": 1}

    @pytest.mark.usefixtures("anna")
    def test_a_row_for_a_known_key_needs_no_list(self, write, people):
        ran = write([{"id": 1, "phone_number": B}], match_on=KEY_FIRST)
        assert (ran.rows(), [one["phone_number"] for one in people(EMPTY)]) == ({"updated": 1}, [B])
        ran = write([{"id": 2, "phone_number": C}], match_on=KEY_FIRST)
        assert (ran.rows(), ran.writes) == ({"rejected": 1}, [])
        assert "names no list" in ran.reasons()[0]

    def test_without_a_list_the_contact_is_found_where_it_was_moved(self, write, call, numbers, anna):
        call("PUT", f"{PATH}/{anna}/transfer/{VIP}")
        assert write([{"id": 1, "phone_number": B}], match_on=KEY_FIRST).rows() == {"updated": 1}
        assert B in numbers(VIP)

    @pytest.mark.usefixtures("anna")
    def test_in_another_list_it_is_another_contact(self, write, numbers):
        ran = write([row(1, B, NEWSLETTER)], match_on=KEY_FIRST)
        assert (ran.rows(), numbers(), B in numbers(NEWSLETTER)) == ({"created": 1}, [A], True)
        assert write([row(1, C, NEWSLETTER)], match_on=KEY_FIRST).rows() == {"updated": 1}

    @pytest.mark.usefixtures("anna")
    def test_in_a_list_that_is_made(self, write, numbers):
        new = {"id": 1, "phone_number": B, "list_name": "New"}
        config = {"match_on": KEY_FIRST, "create_missing_lists": True}
        assert write([new], **config, dry_run=True).plan() == {"create": 1}
        assert write([new], **config).rows() == {"created": 1}
        assert write([new | {"phone_number": C}], **config).rows() == {"updated": 1}
        assert numbers() == [A]

    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_a_contact_that_was_deleted_is_made_anew(self, write, call, numbers, anna, match_on):
        call("DELETE", f"{PATH}/{anna}")
        ran = write([row(1, B)], match_on=match_on)
        assert (ran.rows(), ran.writes, numbers()) == ({"created": 1}, [("POST", PATH)], [B])
        assert write([row(1, C)], match_on=match_on).rows() == {"updated": 1}
        assert numbers() == [C]

    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_a_contact_that_vanishes_meanwhile_is_made_anew(
        self, write, call, numbers, anna, after_reading, match_on
    ):
        left = [anna]
        after_reading(lambda: left and call("DELETE", f"{PATH}/{left.pop()}"))
        assert write([row(1, B)], match_on=match_on).rows() == {"created": 1}
        assert write([row(1, C)], match_on=match_on).rows() == {"updated": 1}
        assert numbers() == [C]

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_a_list_that_vanishes_meanwhile_is_made_anew(
        self, write, call, people, after_reading, match_on, noted
    ):
        gone_lists = [EMPTY]
        after_reading(lambda: gone_lists and call("DELETE", f"/lists/{gone_lists.pop()}"))
        config = {"match_on": match_on, "create_missing_lists": True}
        named = {"id": 1, "list_name": "Empty list"}
        assert write([named | {"phone_number": B}], **config).rows() == {"created": 1}
        noted.clear()
        assert write([named | {"phone_number": C}], **config).rows() == {"updated": 1}
        assert noted == []
        (made,) = (one for one in call("GET", "/lists")["data"] if one["list_name"] == "Empty list")
        assert [one["phone_number"] for one in people(made["list_id"])] == [C]
        assert write([gone(1)]).rows() == {"deleted": 1}

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize(
        ("mode", "known", "new"),
        [
            ("upsert", "updated", "created"),
            ("insert", "unchanged", "created"),
            ("update", "updated", "rejected"),
            ("mirror", "updated", "created"),
        ],
    )
    def test_in_every_mode(self, write, mode, known, new):
        assert write([row(1, B)], match_on=KEY_FIRST, contacts_mode=mode).rows() == {known: 1}
        assert write([row(2, C)], match_on=KEY_FIRST, contacts_mode=mode).rows() == {new: 1}

    def test_duplicates_of_the_new_number_are_removed(self, write, call, people, anna):
        call("POST", PATH, {"phone_number": B})
        assert write([row(1, B)], match_on=KEY_FIRST).rows() == {"updated": 1}
        assert len(people(EMPTY)) == 2
        config = {"remove_duplicates": True, "max_deletes": 1}
        assert write([row(1, B)], match_on=KEY_FIRST, **config).rows() == {"unchanged": 1}
        assert [one["contact_id"] for one in people(EMPTY)] == [anna]

    def test_a_transferred_contact_is_still_that_keys(self, write, numbers, anna):
        assert write([{"id": 1, "contact_id": anna, "list_id": VIP}]).rows() == {"transferred": 1}
        assert write([row(1, B, VIP)], match_on=KEY).rows() == {"updated": 1}
        assert B in numbers(VIP)
        assert write([gone(1)]).rows() == {"deleted": 1}
        assert B not in numbers(VIP)

    @pytest.mark.parametrize("copies", ["new_id", "same"])
    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_a_copy_is_its_keys(self, box, write, call, people, numbers, copies, match_on):
        box.control("POST", "switches", {"copy": copies})
        anna = call("POST", PATH, {"phone_number": A})["contact_id"]
        before = len(people(VIP))
        copied = {"id": 7, "contact_id": anna, "list_id": VIP, "copy": True}
        assert write([copied], match_on=match_on).rows() == {"copied": 1}
        again = write([copied], match_on=match_on)
        assert (again.rows(), again.writes) == ({"unchanged": 1}, [])
        assert write([copied | {"phone_number": B}], match_on=match_on).rows() == {"updated": 1}
        assert (numbers(), B in numbers(VIP), len(people(VIP))) == ([A], True, before + 1)
        assert write([gone(7)]).rows() == {"deleted": 1}
        assert (numbers(), len(people(VIP))) == ([A], before)

    def test_a_list_that_never_settles(self, write, people, anna, monkeypatch):
        """A contact that the reading missed is asked for by itself."""
        from target_clicksend.contacts import index

        read = index.read_pages

        def read_less(client, path):
            for page in read(client, path):
                page.rows[:] = [one for one in page.rows if one["phone_number"] != A]
                yield page

        monkeypatch.setattr(index, "read_pages", read_less)
        assert write([row(1, B)], match_on=KEY).rows() == {"updated": 1}
        assert [(one["contact_id"], one["phone_number"]) for one in people(EMPTY)] == [(anna, B)]

    @pytest.mark.usefixtures("anna")
    def test_a_dry_run_plans_it(self, write, numbers, noted):
        ran = write([row(1, B), row(2, C), row(3, C)], match_on=KEY_FIRST, dry_run=True)
        assert (ran.plan(), ran.writes, noted) == ({"update": 1, "create": 1}, [], [])
        ran = write([gone(1)], dry_run=True)
        assert (ran.plan(), ran.writes, noted, numbers()) == ({"delete": 1}, [], [], [A])

    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_remove_duplicates_of_a_list_needs_columns(self, write, call, match_on):
        for _ in range(2):
            call("POST", PATH, {"phone_number": B})
        row = {"list_id": EMPTY, "remove_duplicates": "clicksend"}
        ran = write([row], "contact_lists", match_on=match_on, max_deletes=1)
        (body,) = (one["body"] for one in ran.requests if one["method"] == "PUT")
        assert body == {"fields": {"phone_number": "phone_number"}}


class TestOptedOut:
    @pytest.fixture
    def stop(self, box):
        """Return a function that lets the person of number A answer STOP, which moves the contact."""
        return lambda: box.control("POST", "reply", {"from": A, "body": "STOP", "list_id": EMPTY})

    @pytest.mark.parametrize("opt_out", ["enforce", "ignore"])
    @pytest.mark.parametrize("columns", [{}, {"phone_number": B}])
    def test_their_contact_is_not_deleted(self, write, people, anna, stop, opt_out, columns):
        stop()
        out = people(OPT_OUTS)
        assert out[-1]["contact_id"] == anna
        ran = write([gone(1, **columns)], opt_out=opt_out)
        assert (ran.rows(), ran.writes) == ({"suppressed": 1}, [])
        assert people(OPT_OUTS) == out

    @pytest.mark.usefixtures("anna")
    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    @pytest.mark.parametrize("list_id", [EMPTY, None, VIP])
    def test_their_contact_is_not_changed_nor_made_with_a_new_number(
        self, write, people, stop, match_on, list_id
    ):
        stop()
        out, vip = people(OPT_OUTS), people(VIP)
        ran = write([row(1, B, list_id)], match_on=match_on)
        assert (ran.rows(), ran.writes) == ({"suppressed": 1}, [])
        assert (people(OPT_OUTS), people(EMPTY), people(VIP)) == (out, [], vip)

    @pytest.mark.parametrize("number", [A, B])
    @pytest.mark.parametrize("by", [{"match_on": KEY_FIRST}, {"contact_id": True}])
    def test_the_old_number_and_the_new_one_are_asked(self, call, write, numbers, anna, number, by):
        call("POST", f"/lists/{OPT_OUTS}/contacts", {"phone_number": number})
        changed = {"id": 1, "phone_number": B, "list_id": EMPTY}
        changed |= {"contact_id": anna} if "contact_id" in by else {}
        config = {name: value for name, value in by.items() if name == "match_on"}
        ran = write([changed], **config)
        assert (ran.rows(), ran.writes, numbers()) == ({"suppressed": 1}, [], [A])
        assert write([changed], **config, opt_out="ignore").rows() == {"updated": 1}

    def test_stop_between_reading_and_writing(self, write, people, anna, stop, after_reading):
        after_reading(stop)
        ran = write([row(1, B)], match_on=KEY_FIRST)
        assert (ran.rows(), people(EMPTY)) == ({"suppressed": 1}, [])
        assert people(OPT_OUTS)[-1]["contact_id"] == anna

    def test_their_list_is_never_written(self, write, call):
        call("POST", f"/lists/{OPT_OUTS}/contacts", {"phone_number": A})
        ran = write([row(1, A, OPT_OUTS)], match_on=KEY)
        assert (ran.rows(), ran.writes) == ({"rejected": 1}, [])

    @pytest.mark.usefixtures("anna")
    def test_a_suppressed_change_gives_no_number_away(self, call, write, numbers):
        """The contact keeps its number, so another row of that number is about it."""
        call("POST", f"/lists/{OPT_OUTS}/contacts", {"phone_number": B})
        ran = write([row(1, B), row(2, A, first_name="Bea")], match_on=KEY_FIRST)
        assert (ran.rows(), numbers()) == ({"duplicate": 1, "updated": 1}, [A])


class TestMirror:
    MIRROR = {"contacts_mode": "mirror", "mirror_confirmations": 1, "max_deletes": 1}  # noqa: RUF012

    @pytest.fixture
    def ids(self, write, people):
        """Return the ids of the contacts of keys 0 to 4."""
        write([row(n, f"+6142222222{n}") for n in range(5)])
        return [one["contact_id"] for one in sorted(people(EMPTY), key=lambda one: one["phone_number"])]

    @pytest.fixture
    def left(self, people, ids):
        return lambda: sorted((one["contact_id"] for one in people(EMPTY)), key=ids.index)

    @pytest.mark.parametrize("match_on", [KEY, KEY_FIRST])
    def test_nobody_is_missing_when_numbers_change(self, write, ids, left, match_on):
        rows = [row(n, f"+6142222222{9 - n}") for n in range(5)]
        ran = write(rows, match_on=match_on, **self.MIRROR)
        assert (ran.rows("mirror"), left()) == ({}, ids)
        ran = write(rows[1:], match_on=match_on, **self.MIRROR)
        assert (ran.rows("mirror"), left()) == ({"deleted": 1}, ids[1:])

    @pytest.mark.parametrize("match_on", [["phone_number"], KEY, KEY_FIRST])
    @pytest.mark.parametrize("bad", [gone(99), gone(None), gone(0, list_name="none")])
    def test_a_deleted_row_that_is_rejected_blocks_nothing(self, write, ids, left, bad, match_on):
        rows = [row(n, f"+6142222222{n}") for n in range(1, 5)]
        ran = write([*rows, bad], match_on=match_on, **self.MIRROR)
        assert ran.rows() == {"unchanged": 4, "rejected": 1}
        assert (ran.rows("mirror"), ran.code, left()) == ({"deleted": 1}, 0, ids[1:])

    def test_a_row_that_may_be_deleted_blocks_as_ever(self, write, ids, left):
        rows = [row(n, f"+6142222222{n}") for n in range(1, 5)]
        ran = write([*rows, {"id": 0, "_sdc_deleted_at": "perhaps"}], **self.MIRROR)
        assert (ran.code, left()) == (1, ids)

    @pytest.mark.parametrize(
        ("bad", "anybody"),
        [
            (row(0, "+61499999999", first_name="x" * 5000), False),
            (row(0, "+61499999999", list_id=1), False),
            (row(0, None), False),
            (row(0, "12"), True),
            (row(None, "+61499999999"), True),
            (row(99, None), True),
            (row(99, "+61499999999", first_name="x" * 5000), False),
        ],
    )
    def test_a_rejected_row_protects_the_contact_of_its_key(self, write, ids, left, bad, anybody):
        rows = [row(n, f"+6142222222{n}") for n in range(1, 5)]
        ran = write([*rows[1:], bad], match_on=KEY_FIRST, **self.MIRROR)
        assert ran.rows()["rejected"] == 1
        protected = ids if anybody else [one for one in ids if one != ids[1]]
        assert left() == (protected[1:] if bad["id"] == 99 and not anybody else protected)
        assert ran.code == anybody

    @pytest.mark.usefixtures("ids")
    def test_lists_that_only_the_ledger_knows_are_untouched(self, write, call, numbers):
        call("POST", PATH, {"phone_number": C})
        rows = [row(7, A, NEWSLETTER), gone(0), {"id": 1, "phone_number": B}]
        others = numbers(NEWSLETTER)
        ran = write(rows, match_on=KEY_FIRST, **self.MIRROR)
        assert ran.rows() == {"created": 1, "deleted": 1, "updated": 1}
        assert (ran.rows("mirror"), numbers(NEWSLETTER)) == ({"deleted": len(others)} if others else {}, [A])
        assert numbers() == sorted([B, C, *(f"+6142222222{n}" for n in range(2, 5))])


class TestRemembering:
    """The ledger is written once for each key, and again only where its contact is another."""

    @pytest.mark.long
    def test_the_same_again_writes_nothing(self, write, noted):
        rows = [row(n, f"+614{n:08}") for n in range(700)]
        assert write(rows).rows() == {"created": 700}
        assert sum(noted) == 700
        noted.clear()
        for match_on in (["phone_number"], KEY_FIRST):
            assert write(rows, match_on=match_on).rows() == {"unchanged": 700}
        changed = write([row(3, "+61499999999")], match_on=KEY_FIRST)
        assert (changed.rows(), noted) == ({"updated": 1}, [])

    def test_of_a_contact_that_was_there(self, write, call, noted):
        call("POST", PATH, {"phone_number": A})
        assert write([row(1, A)]).rows() == {"unchanged": 1}
        assert noted == [1]
        assert write([gone(1)]).rows() == {"deleted": 1}

    def test_of_duplicates(self, write, noted):
        assert write([row(1, A), row(2, A), row(3, A)]).rows() == {"created": 1, "duplicate": 2}
        assert sum(noted) == 3
        noted.clear()
        assert write([row(1, A), row(2, A), row(3, A)]).rows() == {"unchanged": 1, "duplicate": 2}
        assert noted == []
        assert write([gone(1)]).rows() == {"deleted": 1}

    def test_what_failed_is_not_remembered(self, box, write, noted):
        box.control("POST", "faults", {"kind": "status", "status": 400, "method": "POST", "path": PATH})
        assert write([row(1, A), row(2, A)]).rows() == {"rejected": 1, "duplicate": 1}
        assert noted == []

    def test_across_two_streams(self, write, numbers):
        messages = [one for name in ("x", "y") for one in stream_of(name, [row(1, A if name == "x" else B)])]
        streams = {"x": "contacts", "y": "contacts"}
        assert write(messages, raw=True, streams=streams).rows() == {"created": 2}
        assert write([gone(1)], "y", streams=streams).rows() == {"deleted": 1}
        assert numbers() == [A]


STEPS = st.lists(st.tuples(st.integers(1, 4), st.none() | st.sampled_from(NUMBERS)), min_size=1, max_size=7)
"""A key and its new number; None deletes the row."""


def delivered(table, steps):
    """Return the rows that a run brings, and the table after it, in which no number is there twice."""
    after, rows = dict(table), []
    for key, number in steps:
        after.pop(key, None)
        after |= {} if number is None else {key: number}
        rows.append(gone(key) if number is None else row(key, number, custom_1=str(key)))
    for key, number in list(after.items()):
        if number in [other for one, other in after.items() if one < key]:
            del after[key]
            rows.append(gone(key))
    return rows, after


@pytest.fixture(scope="module")
def small():
    with Sandbox(messages=0, contacts=0) as box:
        yield box


@settings(max_examples=budget(12, 500), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=4), st.booleans())
def test_the_list_ends_as_the_table(small, session, runs, mirrors):
    """Rows come, change their numbers and go by their key, whatever the order and however often it comes."""
    small.control("POST", "reset")
    mode = {"contacts_mode": "mirror", "mirror_confirmations": 1, "max_deletes": 1} if mirrors else {}
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        config = {"ledger_url": f"sqlite:///{folder}/ledger.db", "match_on": KEY_FIRST, "list_id": EMPTY}
        for steps in runs:
            known = set(table)
            rows, table = delivered(table, steps)
            if mirrors:
                rows += [row(key, number, custom_1=str(key)) for key, number in table.items()]
            for _ in range(2):
                before = len(small.requests())
                ran = run_target(small.api_url, stream_of("contacts", rows), **config, **mode)
                assert (ran.code, ran.rows().keys() & {"failed", "suppressed"}) == (0, set())
                assert ran.rows().get("rejected", 0) <= len({one["id"] for one in rows} - known)
                shown = [(int(one["custom_1"]), one["phone_number"]) for one in walk(session, small, PATH)]
                assert sorted(shown) == sorted(table.items())
            assert [one for one in small.requests()[before:] if one["method"] != "GET"] == []
