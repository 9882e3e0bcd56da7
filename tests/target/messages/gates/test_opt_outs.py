"""Opt-outs: what ClickSend knows is known here, or nothing is sent."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from clicksend.errors import LedgerError
from clicksend.paging import read_pages
from target_clicksend.messages.gates import stop_phrases, stop_words
from target_clicksend.messages.gates.opt_outs import OptOuts, OptOutsError
from target_clicksend.messages.gates.stop_phrases import KEYWORDS
from target_clicksend.messages.gates.stop_words import StopWords

OPT_OUT_LIST = 3555277
STRANGER, FRIEND = "+61411222333", "+61411222334"
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger_url(tmp_path):
    """Return the URL of a SQLite ledger; the ledger's own tests try both data bases."""
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def client(box, connect):
    return connect(box.api_url, max_retries=0)


@pytest.fixture
def new(client, ledger, ledger_time):
    """Return a function that makes the opt-outs of a new run."""

    def new(lists=(OPT_OUT_LIST,), keywords=KEYWORDS, client=client, look_at=None):
        return OptOuts(client, ledger, lambda: lists, keywords, HOUR, "AU", ledger_time, look_at)

    return new


@pytest.fixture
def listed(client):
    """Return the numbers in the Opt-Out List."""
    return {row["phone_number"] for row in rows(client, f"/lists/{OPT_OUT_LIST}/contacts")} - {"", None}


def rows(client, path):
    return [row for page in read_pages(client, path) for row in page.rows]


def stoppers(client):
    history = rows(client, "/sms/history")
    return {row["from"] for row in history if row["direction"] == "in" and StopWords().are_in(row["body"])}


def say(box, sender, body):
    box.control("POST", "reply", {"from": sender, "body": body})


def asked(box, path="contacts"):
    return [one["query"] for one in box.requests() if one["path"].endswith(path)]


@pytest.mark.long
def test_the_list_and_all_replies_are_read(box, client, new, listed):
    say(box, STRANGER, "Please stop")
    say(box, FRIEND, "Don't")
    everybody = {row["to"] for row in rows(client, "/sms/history")} | listed | stoppers(client) | {FRIEND}
    outs = new()
    assert outs.of(everybody) == set()
    outs.refresh()
    assert listed
    assert STRANGER in stoppers(client)
    assert FRIEND not in stoppers(client)
    assert outs.of(everybody) == listed | stoppers(client)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("61411222333.0", {STRANGER}),
        ("0411 222 333 / 0411 222 334", {STRANGER, FRIEND}),
        ("\uff0b61 (0)411 222 333", {STRANGER}),
        ("0061411222333", {STRANGER}),
        ("+61411222333 ext. 5", {STRANGER}),
        ("4915112345678", {"+4915112345678"}),
        ("a number of nobody", set()),
    ],
)
def test_all_that_a_text_may_mean_has_opted_out(box, call, new, text, numbers):
    box.control("POST", "switches", {"bad_phone": "accept"})
    contact = call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": STRANGER})
    box._service.sim.store.contacts[OPT_OUT_LIST][contact["contact_id"]].phone_number = text
    outs = new()
    outs.refresh()
    assert outs.of([STRANGER, FRIEND, "+4915112345678"]) == numbers


def test_emails_are_kept_too(ledger, client, new):
    emails = {row["email"] for row in rows(client, f"/lists/{OPT_OUT_LIST}/contacts") if row["email"]}
    new().refresh()
    assert emails
    assert ledger.memory.opted_out([ledger.privacy.hash(email) for email in emails]) == {
        ledger.privacy.hash(one) for one in emails
    }


def test_a_run_reads_what_is_new_since_the_last_one(box, new, ledger_time):
    new().refresh()
    read = len(box.requests())
    box.advance(7200)
    ledger_time.advance(hours=2)
    say(box, STRANGER, "Stop it, please")
    outs = new()
    outs.refresh()
    assert outs.of([STRANGER, FRIEND]) == {STRANGER}
    contacts, history = (one["query"] for one in box.requests()[read:] if "reply" not in one["path"])
    now = box.state()["now"]
    assert "updated_after" not in contacts
    assert now - 4 * 3600 < int(history["date_from"]) <= now - 3 * 3600
    assert history["q"] == "status:Received"


def test_a_list_of_several_pages(call, client, new, ledger):
    for number in range(105):
        call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": f"+61411222{number:03}"})
    numbers = {row["phone_number"] for row in rows(client, f"/lists/{OPT_OUT_LIST}/contacts")}
    outs = new()
    outs.refresh()
    assert outs.of(numbers) == numbers


def test_an_opted_out_contact_is_found_by_its_change(box, call, new, ledger_time):
    new().refresh()
    box.advance(3 * 3600)
    ledger_time.advance(hours=3)
    call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": STRANGER})
    outs = new()
    outs.refresh()
    assert outs.of([STRANGER]) == {STRANGER}


@pytest.mark.parametrize("moves_update", [False, True])
@pytest.mark.parametrize("hours", [0, 1, 3, 23, 25])
def test_who_was_moved_into_the_list_by_hand_is_known_at_once(
    box, call, client, new, ledger_time, moves_update, hours
):
    """Nobody knows whether a move touches ``date_updated``, and there is no reply to find it by."""
    box.control("POST", "switches", {"moves_update": moves_update})
    lists = [row["list_id"] for row in rows(client, "/lists") if row["list_id"] != OPT_OUT_LIST]
    known = [row for one in lists for row in rows(client, f"/lists/{one}/contacts")]
    contact = next(
        row for row in known if row["phone_number"] and row["phone_number"] not in stoppers(client)
    )
    number = contact["phone_number"]
    new().refresh()
    assert new().of([number]) == set()
    box.advance(hours * 3600)
    ledger_time.advance(hours=hours)
    path = f"/lists/{contact['list_id']}/contacts/{contact['contact_id']}"
    call("PUT", f"{path}/transfer/{OPT_OUT_LIST}")
    outs = new()
    outs.refresh()
    assert outs.of([number]) == {number}


def test_who_is_taken_off_the_list_is_known_an_hour_later(box, call, client, new, ledger_time):
    contacts = rows(client, f"/lists/{OPT_OUT_LIST}/contacts")
    silent = [row for row in contacts if row["phone_number"] and row["phone_number"] not in stoppers(client)]
    contact = silent[0]
    new().refresh()
    number = contact["phone_number"]
    call("DELETE", f"/lists/{OPT_OUT_LIST}/contacts/{contact['contact_id']}")
    for minutes, expected in ((59, {number}), (2, set())):
        ledger_time.advance(minutes=minutes)
        outs = new()
        outs.refresh()
        assert outs.of([number]) == expected


def test_a_stop_is_for_good(box, new, ledger_time):
    say(box, STRANGER, "STOP")
    new().refresh()
    say(box, STRANGER, "START")
    ledger_time.advance(days=2)
    outs = new()
    outs.refresh()
    assert outs.of([STRANGER]) == {STRANGER}


def test_a_person_opts_in_and_old_replies_never_count_again(box, new, ledger, ledger_time):
    box.advance(int(ledger_time().timestamp()) - box.state()["now"])
    say(box, STRANGER, "STOP")
    say(box, FRIEND, "STOP")
    new().refresh()
    box.advance(60)
    ledger_time.advance(seconds=60)
    assert ledger.memory.opt_in(STRANGER, "came to the counter") == {"reply"}
    say(box, STRANGER, "START")
    assert new().of([STRANGER, FRIEND]) == {FRIEND}
    for outs in (new(), new(keywords=["STOP", "BASTA"]), new(lists=[OPT_OUT_LIST, OPT_OUT_LIST + 1])):
        outs.refresh()
        assert outs.of([STRANGER, FRIEND]) == {FRIEND}
        outs.ask([STRANGER, FRIEND])
        assert outs.of([STRANGER, FRIEND]) == {FRIEND}
    box.advance(7200)
    ledger_time.advance(hours=2)
    say(box, STRANGER, "Stop!")
    outs = new()
    outs.refresh()
    assert outs.of([STRANGER, FRIEND]) == {STRANGER, FRIEND}


@pytest.mark.parametrize("date", ["", None, "soon"])
def test_a_stop_without_a_date_counts(box, client, new, ledger, date):
    ledger.memory.opt_in(STRANGER, "came to the counter")
    page = client.get("/sms/history", {"limit": 1}).data
    row = page["data"][0] | {"direction": "in", "from": STRANGER, "body": "STOP", "date": date}
    body = {
        "http_code": 200,
        "response_code": "SUCCESS",
        "data": page | {"data": [row], "total": 1, "last_page": 1},
    }
    box.control("POST", "faults", {"kind": "body", "path": "/sms/history", "body": body, "times": -1})
    outs = new()
    outs.ask([STRANGER])
    assert outs.of([STRANGER]) == {STRANGER}


def test_within_an_hour_a_run_does_not_ask_again(box, new, ledger_time):
    outs = new()
    outs.refresh()
    read = len(box.requests())
    ledger_time.advance(minutes=59)
    outs.refresh()
    assert len(box.requests()) == read
    ledger_time.advance(minutes=1)
    outs.refresh()
    assert len(box.requests()) > read


@pytest.mark.parametrize("path", ["/lists/*/contacts", "/sms/history"])
@pytest.mark.parametrize("kind", ["status", "html", "half_body", "reset_before"])
def test_what_cannot_be_read_stops_the_sending(box, new, ledger_time, path, kind):
    box.control("POST", "faults", {"kind": kind, "path": path, "times": -1})
    with pytest.raises(OptOutsError, match=r"nothing is sent: run again later.* set opt_out: column"):
        new().refresh()


def test_knowledge_of_less_than_an_hour_will_do(box, new, ledger_time, caplog):
    new().refresh()
    box.control("POST", "faults", {"kind": "status", "times": -1})
    ledger_time.advance(minutes=59)
    start = ledger_time() - timedelta(minutes=59)
    outs = new()
    with caplog.at_level(logging.WARNING):
        outs.refresh()
    assert "Opt-outs are those of 2026-11-01T12:00:00+00:00." in caplog.text
    assert outs.known_at == start
    with pytest.raises(OptOutsError):
        new(keywords=["STOP", "BASTA"]).refresh()
    ledger_time.advance(minutes=1)
    with pytest.raises(OptOutsError):
        new().refresh()
    ledger_time.advance(hours=-2)
    with pytest.raises(OptOutsError):
        new().refresh()


def test_other_lists_or_keywords_are_read_from_the_start(box, new, call):
    new().refresh()
    read = len(box.requests())
    new(lists=[OPT_OUT_LIST + 1, OPT_OUT_LIST]).refresh()
    new(keywords=["BASTA"]).refresh()
    assert not [one for one in box.requests()[read:] if {"updated_after", "date_from"} & one["query"].keys()]


def test_an_upgrade_of_the_rules_reads_old_replies_again(box, new, ledger_time, monkeypatch):
    say(box, STRANGER, "zzz 9")
    box.advance(2 * 24 * 3600)
    ledger_time.advance(days=2)
    new().refresh()
    assert new().of([STRANGER]) == set()
    monkeypatch.setattr(stop_phrases, "ALONE", {"new": ("zzz 9",)})
    stop_words._everywhere.cache_clear()
    try:
        outs = new()
        outs.refresh()
    finally:
        stop_words._everywhere.cache_clear()
    assert outs.of([STRANGER]) == {STRANGER}


def test_a_note_of_an_older_version_is_read_from_the_start(box, new, ledger, ledger_time):
    new().refresh()
    kept = json.loads(ledger.memory.cursor("opt_outs"))
    ledger.memory.set_cursor("opt_outs", json.dumps(kept | {"keywords": sorted(KEYWORDS)}))
    read = len(box.requests())
    new().refresh()
    assert not [one for one in box.requests()[read:] if {"updated_after", "date_from"} & one["query"].keys()]


@pytest.mark.parametrize("few", [True, False])
def test_replies_that_a_person_should_read(box, client, new, few):
    say(box, STRANGER, "Is the last stop near your office?")
    say(box, FRIEND, "Yes please")
    found = []
    outs = new(look_at=found.append)
    (outs.ask([STRANGER, FRIEND]) if few else outs.refresh())
    (reply,) = (row for row in rows(client, "/sms/history") if row["from"] == STRANGER)
    assert reply["message_id"] in found
    assert outs.of([STRANGER, FRIEND]) == set()
    friends = {row["message_id"] for row in rows(client, "/sms/history") if row["from"] == FRIEND}
    assert not friends & set(found)


def test_there_must_be_a_list(new):
    with pytest.raises(OptOutsError, match="no list of the name that opt_out_list says"):
        new(lists=()).refresh()


def test_a_hub_without_lists(box, connect, new):
    box.control("POST", "switches", {"hub_paths": "not_found"})
    hub = connect(box.hub_api_url, username=None, max_retries=0)
    with pytest.raises(OptOutsError, match="set opt_out: column"):
        new(client=hub).refresh()
    with pytest.raises(OptOutsError, match="set opt_out: column"):
        new(client=hub).ask([STRANGER])


def test_a_broken_ledger_is_no_matter_of_opt_outs(new, ledger, monkeypatch):
    def fail(*arguments, **about):
        raise LedgerError("locked")

    monkeypatch.setattr(ledger.memory, "add_opt_outs", fail)
    with pytest.raises(LedgerError, match="locked"):
        new().refresh()


@pytest.fixture
def chatty(box):
    """Let more people have written than fit on a page, so that those of interest are not among the newest."""
    say(box, STRANGER, "Please stop")
    say(box, FRIEND, "Don't")
    box.advance(60)
    for number in range(110):
        say(box, f"+61411333{number:03}", "Yes")


@pytest.mark.usefixtures("chatty")
@pytest.mark.parametrize("q_match", ["exact", "substring"])
def test_a_few_numbers_are_asked_for(box, new, listed, q_match):
    box.control("POST", "switches", {"q_match": q_match})
    out, stopped = min(listed), STRANGER
    in_touch = [FRIEND, "+6141122233", "+61411111111"]
    outs, before = new(), len(box.requests())
    outs.ask([out, stopped, *in_touch])
    assert outs.of([out, stopped, *in_touch]) == {out, stopped}
    queries = [one["query"].get("q") for one in box.requests()[before:] if one["path"] == "/sms/history"]
    assert len(queries) == 7
    assert queries[0] == "status:Received"
    assert {f"from:{one}" for one in [out, stopped, *in_touch]} < set(queries)


NOTHING = {"data": [], "total": 0, "last_page": 0, "current_page": 1}
SEARCHES = {
    "one term": {},
    "several terms": {"q_terms": "several"},
    "none": {"q_terms": "none"},
    "a part will do": {"q_match": "substring"},
    "nothing is found": {"faults": ["*"]},
    "no status is found": {"faults": ["status:Received"]},
    "no sender is found": {"faults": ["from:*"]},
}


@pytest.mark.usefixtures("chatty")
@pytest.mark.parametrize("how", SEARCHES)
@pytest.mark.parametrize("few", [True, False])
def test_no_stop_is_missed_whatever_a_search_finds(box, new, listed, how, few):
    wanted, out = {STRANGER, min(listed)}, min(listed)
    switches = dict(SEARCHES[how])
    faults = switches.pop("faults", [])
    box.control("POST", "switches", switches)
    senders = [FRIEND, STRANGER, out, *(f"+61411333{number:03}" for number in range(110))]
    for q in faults:
        terms = [q] if q.startswith("status") else [f"from:{one}" for one in senders]
        for term in terms + ["status:Received"] * (q == "*"):
            body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": NOTHING}
            fault = {"kind": "body", "path": "/sms/history", "query": {"q": term}, "body": body, "times": -1}
            box.control("POST", "faults", fault)
    outs = new()
    (outs.ask([STRANGER, FRIEND, out]) if few else outs.refresh())
    assert outs.of([STRANGER, FRIEND, out]) == wanted


@pytest.mark.usefixtures("chatty")
@pytest.mark.parametrize("at", [0, 60, 119])
def test_a_stop_among_many_replies_of_one_person(box, new, at):
    for number in range(120):
        say(box, FRIEND, "STOP" if number == at else "Yes please")
    box.advance(60)
    for number in range(110):
        say(box, f"+61411444{number:03}", "Yes")
    outs = new()
    outs.ask([FRIEND, "+61411222399"])
    assert outs.of([FRIEND, "+61411222399"]) == {FRIEND}


def test_what_another_worker_adds_meanwhile_stays_though_its_clock_is_slow(
    box, call, new, ledger, ledger_time, monkeypatch
):
    call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": STRANGER})
    outs = new()
    original = outs._reader.read_list

    def read_list(list_id):
        began = original(list_id)
        ledger_time.advance(minutes=-40)
        ledger.memory.add_opt_outs([ledger.privacy.hash(FRIEND)], source="list", kind="phone")
        ledger_time.advance(minutes=40)
        return began

    monkeypatch.setattr(outs._reader, "read_list", read_list)
    outs.refresh()
    assert outs.of([STRANGER, FRIEND]) == {STRANGER, FRIEND}


def test_a_long_list_is_read_instead_of_searched(box, call, new):
    """No source says how contacts are searched."""
    for number in range(101):
        call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": f"+61411{number:06}"})
    number = call("POST", f"/lists/{OPT_OUT_LIST}/contacts", {"phone_number": "+61499000111"})["phone_number"]
    outs = new()
    outs.ask([number, FRIEND])
    assert outs.of([number, FRIEND]) == {number}
    assert not [query for query in asked(box) if "q" in query]
    # What was read whole once is read on from there.
    before = len(box.requests())
    outs.ask([number])
    assert len(box.requests()) == before


def test_a_few_numbers_that_cannot_be_asked_for(box, new):
    box.control("POST", "faults", {"kind": "status", "path": "/sms/history", "times": -1})
    with pytest.raises(OptOutsError):
        new().ask([STRANGER])


def test_pages_that_shift_are_read_again(box, client, new, listed, monkeypatch):
    """Somebody who slipped from page 2 to page 1 while page 2 was asked for is not overlooked."""
    page = client.get(f"/lists/{OPT_OUT_LIST}/contacts", {"limit": 100}).data
    box.control(
        "POST",
        "faults",
        {
            "kind": "body",
            "path": f"/lists/{OPT_OUT_LIST}/contacts",
            "body": {"http_code": 200, "response_code": "SUCCESS", "data": page | {"data": page["data"][1:]}},
        },
    )
    outs = new()
    outs.refresh()
    assert outs.of(listed) == listed
    assert len(asked(box)) >= 3


def test_a_server_that_counts_what_it_does_not_give(box, client, new, listed):
    page = client.get(f"/lists/{OPT_OUT_LIST}/contacts", {"limit": 100}).data
    body = {"http_code": 200, "response_code": "SUCCESS", "data": page | {"total": page["total"] + 1}}
    fault = {"kind": "body", "path": f"/lists/{OPT_OUT_LIST}/contacts", "body": body, "times": -1}
    box.control("POST", "faults", fault)
    outs = new()
    outs.refresh()
    assert outs.of(listed) == listed
