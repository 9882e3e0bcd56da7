"""What fails between the target and ClickSend: answers lost, servers dead, things that vanish."""

import time

import pytest

from clicksend.sandbox import Sandbox
from clicksend.sandbox.world.seed_data import EMPTY, VIP
from target_clicksend.contacts.index import Index

PHONE, OTHER = "+61411111111", "+61422222222"
PATH = f"/lists/{EMPTY}/contacts"
ANNA = {"phone_number": PHONE, "email": "anna@example.com", "first_name": "Anna", "list_id": EMPTY}
LOST = [
    {"kind": "reset_after"},
    {"kind": "status_after", "status": 500},
    {"kind": "half_body"},
    {"kind": "delay", "seconds": 2},
]
UNDONE = [
    {"kind": "reset_before"},
    {"kind": "status", "status": 503},
    {"kind": "html"},
    {"kind": "body", "body": {"data": None, "http_code": 500, "response_code": "INTERNAL_SERVER_ERROR"}},
]


@pytest.fixture
def fault(box):
    return lambda **fault: box.control("POST", "faults", fault)


@pytest.mark.parametrize("lost", LOST, ids=lambda lost: lost["kind"])
def test_a_contact_whose_answer_is_lost_is_not_made_twice(write, people, fault, lost):
    fault(method="POST", path=PATH, **lost)
    ran = write([ANNA], timeout=0.5)
    assert (ran.rows(), ran.code, len(people(EMPTY))) == ({"created": 1}, 0, 1)
    assert write([ANNA]).rows() == {"unchanged": 1}


@pytest.mark.parametrize("undone", UNDONE, ids=lambda undone: undone["kind"])
def test_a_contact_that_was_not_made_fails_and_comes_again(write, people, fault, undone):
    fault(method="POST", path=PATH, **undone)
    ran = write([ANNA])
    assert (ran.rows(), ran.code, people(EMPTY)) == ({"failed": 1}, 1, [])
    assert write([ANNA]).rows() == {"created": 1}


def test_a_lost_answer_is_not_explained_with_somebody_else(write, people, call, fault):
    call("POST", PATH, {"phone_number": PHONE, "email": "other@example.com"})
    fault(method="POST", path=PATH, kind="reset_before")
    assert write([ANNA], match_on=["email"]).rows() == {"failed": 1}


@pytest.mark.parametrize("lost", LOST, ids=lambda lost: lost["kind"])
@pytest.mark.parametrize(
    "row",
    [
        {"first_name": "B"},
        {"list_id": VIP},
        {"list_id": VIP, "first_name": "B"},
        {"list_id": VIP, "copy": True},
        {"_sdc_deleted_at": "2026-01-31"},
    ],
)
def test_other_writes_whose_answer_is_lost_are_made_once(write, people, call, fault, lost, row):
    contact_id = call("POST", PATH, ANNA)["contact_id"]
    before = len(people(VIP))
    for method in ("PUT", "DELETE"):
        fault(method=method, path=f"{PATH}/{contact_id}*", **lost)
    row = {"contact_id": contact_id, **row}
    ran = write([row], timeout=0.5)
    assert (ran.code, ran.rows().keys() & {"failed", "rejected"}) == (0, set())
    here, there = people(EMPTY), people(VIP)
    assert len(there) == before + ("list_id" in row)
    assert len(here) == (set(row) == {"contact_id", "first_name"} or "copy" in row)
    assert write([row]).writes == []


def test_a_list_whose_answer_is_lost_is_not_made_twice(write, call, people, fault):
    fault(method="POST", path="/lists", kind="reset_after")
    ran = write([{"phone_number": PHONE, "list_name": "New"}], create_missing_lists=True)
    assert ran.rows() == {"created": 1}
    (new,) = (row for row in call("GET", "/lists")["data"] if row["list_name"] == "New")
    assert len(people(new["list_id"])) == 1


def test_a_rate_limit_is_waited_for(box, write, people, clock):
    box.control(
        "POST",
        "faults",
        {"kind": "status", "status": 429, "method": "POST", "retry_after": 7, "times": 3},
    )
    rows = [{"phone_number": f"+6142222{n:04}", "list_id": EMPTY} for n in range(20)]
    ran = write(rows, clock=clock)
    assert (ran.rows(), ran.code) == ({"created": 20}, 0)
    assert 7 in [round(seconds) for seconds in clock.slept]


def test_a_dead_server_is_not_hammered(write, fault, clock):
    fault(method="POST", path=PATH, kind="reset_before", times=-1)
    rows = [{"phone_number": f"+6142222{n:04}", "list_id": EMPTY} for n in range(1000)]
    ran = write(rows, clock=clock)
    assert (ran.rows(), ran.code) == ({"failed": 1000}, 1)
    assert len(ran.writes) < 60
    assert sum("not tried" in reason for reason in ran.reasons()) == 1
    assert "in a row" in str(ran.error)


def test_a_server_that_dies_while_lists_are_read_ends_the_run(write, fault):
    fault(path=PATH, kind="status", times=-1)
    ran = write([ANNA], max_retries=1)
    assert (ran.code, ran.writes) == (1, [])


def test_a_wrong_key_in_the_middle_ends_the_run(write, people, fault):
    fault(method="POST", path=PATH, kind="status", status=401, skip=10, times=-1)
    rows = [{"phone_number": f"+6142222{n:04}", "list_id": EMPTY} for n in range(200)]
    ran = write(rows)
    assert ran.code == 1
    assert ran.rows() == {"created": 10, "failed": 190}
    assert len(people(EMPTY)) == 10
    assert len(ran.writes) < 60
    assert "api_key" in str(ran.error)


@pytest.mark.parametrize("status", [402, 405])
def test_other_errors_that_stay_end_the_run(write, fault, status):
    fault(method="POST", path=PATH, kind="status", status=status, times=-1)
    rows = [{"phone_number": f"+6142222{n:04}", "list_id": EMPTY} for n in range(200)]
    ran = write(rows)
    assert (ran.code, ran.rows()) == (1, {"failed": 200})
    assert len(ran.writes) < 60


@pytest.mark.parametrize("code", ["BAD_REQUEST", 400, "INVALID_RECIPIENT"])
def test_one_row_that_is_refused_stops_no_other(write, fault, code):
    body = {"http_code": 400, "response_code": code, "response_msg": PHONE, "data": {"phone_number": PHONE}}
    fault(method="POST", path=PATH, kind="status", status=400, body=body)
    rows = [{"phone_number": f"+6142222{n:04}", "list_id": EMPTY} for n in range(5)]
    ran = write(rows)
    assert (ran.rows(), ran.code) == ({"created": 4, "rejected": 1}, 0)
    assert PHONE not in ran.reasons()[0]


class TestVanished:
    """Lists and contacts that go while the run is on."""

    @pytest.mark.parametrize(
        "change", [{"first_name": "B"}, {"list_id": VIP}, {"list_id": VIP, "copy": True}]
    )
    def test_a_contact_is_made_anew(self, call, write, people, after_reading, change):
        contact_id = call("POST", PATH, ANNA | {"custom_1": "gold"})["contact_id"]
        row = {"contact_id": contact_id, "phone_number": PHONE, "list_id": EMPTY, **change}
        after_reading(lambda: call("DELETE", f"{PATH}/{contact_id}"))
        ran = write([row])
        assert (ran.rows(), ran.code) == ({"created": 1}, 0)
        (made,) = (one for one in people(row["list_id"]) if one["phone_number"] == PHONE)
        assert made["custom_1"] == "gold"

    def test_not_where_only_updates_are_wanted(self, call, write, people, after_reading):
        contact_id = call("POST", PATH, ANNA)["contact_id"]
        after_reading(lambda: call("DELETE", f"{PATH}/{contact_id}"))
        ran = write([ANNA | {"first_name": "B"}], contacts_mode="update")
        assert (ran.rows(), ran.code, people(EMPTY)) == ({"failed": 1}, 1, [])

    @pytest.mark.parametrize("status", [403, 404])
    @pytest.mark.parametrize(
        "change", [{"first_name": "B"}, {"list_id": VIP}, {"list_id": VIP, "copy": True}]
    )
    def test_one_that_is_still_there_is_not_made_twice(self, call, write, people, fault, status, change):
        contact_id = call("POST", PATH, ANNA)["contact_id"]
        before = len(people(VIP))
        fault(method="PUT", kind="status", status=status)
        ran = write([{"contact_id": contact_id, **change}])
        assert (ran.rows(), ran.code) == ({"failed": 1}, 1)
        assert (len(people(EMPTY)), len(people(VIP))) == (1, before)

    def test_a_deleted_one_is_deleted(self, call, write, after_reading):
        contact_id = call("POST", PATH, ANNA)["contact_id"]
        after_reading(lambda: call("DELETE", f"{PATH}/{contact_id}"))
        assert write([ANNA | {"_sdc_deleted_at": "2026-01-31"}]).rows() == {"deleted": 1}

    @pytest.mark.parametrize("missing", ["forbidden", "not_found"])
    @pytest.mark.parametrize("may_create", [True, False])
    def test_a_list(self, box, call, write, people, after_reading, missing, may_create):
        box.control("POST", "switches", {"missing_list": missing})
        call("POST", PATH, {"phone_number": OTHER})
        after_reading(lambda: call("DELETE", f"/lists/{EMPTY}"))
        rows = [{"phone_number": f"+6142222{n:04}", "list_name": "Empty list"} for n in range(20)]
        rows.append({"phone_number": OTHER, "first_name": "B", "list_name": "Empty list"})
        ran = write(rows, create_missing_lists=may_create)
        if not may_create:
            assert (ran.rows(), ran.code) == ({"failed": 21}, 1)
            assert all("vanished" in reason for reason in ran.reasons())
            return
        assert (ran.rows(), ran.code) == ({"created": 21}, 0)
        (new,) = (row for row in call("GET", "/lists")["data"] if row["list_name"] == "Empty list")
        assert len(people(new["list_id"])) == 21

    def test_a_list_of_which_nobody_knows_is_not_made_anew(self, call, write, fault):
        fault(method="POST", path=PATH, kind="status", status=403, times=-1)
        fault(method="GET", path=f"/lists/{EMPTY}", kind="status", status=500, times=-1)
        assert write([ANNA], create_missing_lists=True).rows() == {"failed": 1}
        names = [row["list_name"] for row in call("GET", "/lists")["data"]]
        assert names.count("Empty list") == 1

    @pytest.mark.parametrize("copy", [True, False])
    @pytest.mark.parametrize("may_create", [True, False])
    def test_the_list_that_a_contact_moves_to(self, call, write, people, after_reading, copy, may_create):
        contact_id = call("POST", PATH, ANNA)["contact_id"]
        after_reading(lambda: call("DELETE", f"/lists/{VIP}"))
        row = {"contact_id": contact_id, "list_id": VIP, "copy": copy, "first_name": "B"}
        ran = write([row], create_missing_lists=may_create)
        if not may_create:
            assert (ran.rows(), len(people(EMPTY))) == ({"failed": 1}, 1)
            return
        assert ran.rows() == ({"copied": 1} if copy else {"transferred": 1})
        (new,) = (one for one in call("GET", "/lists")["data"] if one["list_name"] == "VIP & friends")
        assert [one["first_name"] for one in people(new["list_id"])] == ["B"]
        assert len(people(EMPTY)) == copy

    @pytest.mark.parametrize("missing", ["forbidden", "not_found"])
    @pytest.mark.parametrize("may_create", [True, False])
    def test_a_list_before_it_was_read(self, box, call, write, monkeypatch, missing, may_create):
        box.control("POST", "switches", {"missing_list": missing})
        load, gone = Index.load, []

        def load_then(self, list_id):
            if list_id == EMPTY and not gone:
                gone.append(call("DELETE", f"/lists/{EMPTY}"))
            load(self, list_id)

        monkeypatch.setattr(Index, "load", load_then)
        rows = [
            {"phone_number": PHONE, "list_name": "Empty list"},
            {"phone_number": PHONE, "list_id": EMPTY},
            {"phone_number": PHONE, "list_id": VIP},
        ]
        ran = write(rows, create_missing_lists=may_create)
        assert ran.rows() == ({"created": 2, "rejected": 1} if may_create else {"created": 1, "rejected": 2})

    def test_one_of_many_lists_that_are_searched_for_an_id(self, call, write, monkeypatch):
        load = Index.load

        def load_then(self, list_id):
            if list_id == VIP:
                call("DELETE", f"/lists/{VIP}")
            load(self, list_id)

        monkeypatch.setattr(Index, "load", load_then)
        ran = write([ANNA | {"contact_id": 1}])
        assert ran.rows() == {"created": 1}


class TestPagesThatShift:
    """Contacts come and go while the pages of a list are read."""

    @pytest.fixture
    def many(self):
        """Return a sandbox with a list of 350 contacts, and their numbers."""
        with Sandbox(messages=0, contacts=0) as box:
            numbers = [f"+614{number:08}" for number in range(350)]
            import requests

            with requests.Session() as session:
                session.auth = ("sandbox", "sandbox-key")
                for number in numbers:
                    session.post(box.api_url + PATH, json={"phone_number": number}, timeout=5)
            yield box, numbers

    def test_nobody_is_made_twice(self, many, write, people, monkeypatch):
        from target_clicksend.contacts import index

        box, numbers = many
        read, sim = index.read_pages, box._service.sim

        def read_and_shift(client, path):
            """While the first page is read, its first contact goes and another comes: the total stays."""
            for number, page in enumerate(read(client, path)):
                yield page
                if path == PATH and not number and len(shifts) < 2:
                    shifts.append(contacts.pop(next(iter(contacts))))
                    box.advance(5)
                    session.post(box.api_url + PATH, json={"phone_number": f"+6149999{len(shifts):04}"})

        import requests

        session = requests.Session()
        session.auth = ("sandbox", "sandbox-key")
        shifts, contacts = [], sim.store.contacts[EMPTY]
        monkeypatch.setattr(index, "read_pages", read_and_shift)
        rows = [{"phone_number": number, "list_id": EMPTY} for number in numbers[2:]]
        ran = write(rows, box=box, max_concurrency=1)
        session.close()
        assert len(shifts) == 2
        assert ran.rows() == {"unchanged": 348}
        assert len(people(EMPTY, box)) == 350

    @pytest.mark.parametrize("match_on", [["phone_number"], ["email", "phone_number"]])
    def test_a_list_that_never_settles(self, many, write, people, monkeypatch, match_on):
        from target_clicksend.contacts import index

        box, numbers = many
        hidden = set(numbers[:3])
        read = index.read_pages

        def read_less(client, path):
            for page in read(client, path):
                page.rows[:] = [row for row in page.rows if row["phone_number"] not in hidden]
                yield page

        monkeypatch.setattr(index, "read_pages", read_less)
        rows = [{"phone_number": number, "first_name": "B", "list_id": EMPTY} for number in numbers[:3]]
        rows.append({"phone_number": "+61499999999", "list_id": EMPTY})
        ran = write(rows, box=box, match_on=match_on)
        assert ran.rows() == {"updated": 3, "created": 1}
        assert len(people(EMPTY, box)) == 351

    @pytest.fixture
    def hidden(self, monkeypatch):
        """Let lists be read without a single contact."""
        from target_clicksend.contacts import index

        read = index.read_pages

        def read_nothing(client, path):
            for page in read(client, path):
                page.rows.clear()
                yield page

        monkeypatch.setattr(index, "read_pages", read_nothing)

    @pytest.mark.usefixtures("hidden")
    def test_one_that_is_found_after_all_keeps_what_the_row_does_not_bring(self, call, write):
        call("POST", PATH, {"phone_number": PHONE, "custom_3": "gold"})
        ran = write([ANNA])
        (sent,) = (one["body"] for one in ran.requests if one["method"] == "PUT")
        assert (ran.rows(), sent["first_name"], sent["custom_3"]) == ({"updated": 1}, "Anna", "gold")

    @pytest.mark.usefixtures("hidden")
    def test_an_address_within_anothers_is_another(self, box, call, write, people):
        """Whether a search means the whole value or a part of it is unconfirmed."""
        box.control("POST", "switches", {"q_match": "substring"})
        call("POST", PATH, {"email": "joanna@example.com", "first_name": "Joanna"})
        assert write([ANNA], match_on=["email"]).rows() == {"created": 1}
        assert [one["first_name"] for one in people(EMPTY)] == ["Joanna", "Anna"]


def test_writes_run_at_the_same_time(write, fault):
    rows = [{"phone_number": f"+6142222{n:04}", "list_id": EMPTY} for n in range(16)]
    fault(method="POST", path=PATH, kind="delay", seconds=0.1, times=-1)
    began = time.monotonic()
    assert write(rows, max_concurrency=8).rows() == {"created": 16}
    assert time.monotonic() - began < 1.5
