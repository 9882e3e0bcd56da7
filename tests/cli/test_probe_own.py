"""What the probe makes is removed, however it ends; what it has not made is never touched."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from clicksend.client import Client
from clicksend.errors import ApiError, SettingsError
from clicksend.probe import messages
from clicksend.probe.account import Account
from clicksend.probe.asking import ask
from clicksend.probe.own import Own, noted_in
from clicksend.probe.points import POINTS
from clicksend.sandbox import Sandbox
from tests.cli.probe_cases import TO, call, connected, let_scheduled_go, probing, remains
from tests.command import run_command
from tests.conftest import FULL
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS

ALL = ("write", "to", "mark_read")
WRITING = tuple(point for point in POINTS if point.needs in ("write", "to"))
OTHERS = "clicksend probe 2026-09-21T10:00:00Z"
"""A name that is nearly that of a probe's list."""

# The command, that kills itself at one of its writes, before it is made or after.
KILLED = """
import os, signal, sys
from clicksend.transport import Transport
from clicksend.cli import command as main

place, when, writes = int(sys.argv.pop(1)), sys.argv.pop(1), 0
exchange = Transport.exchange

def killing(self, request, endpoint):
    global writes
    if request.method == "GET" or request.url.endswith("/price"):
        return exchange(self, request, endpoint)
    writes += 1
    if writes == place and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = exchange(self, request, endpoint)
    if writes == place and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

Transport.exchange = killing
main()
"""


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def small():
    with Sandbox(messages=30, contacts=10, epoch=EPOCH) as box:
        yield box


@pytest.fixture
def world(small):
    small.control("POST", "reset")
    let_scheduled_go(small)
    # Whatever takes more than it should, takes it here.
    small.control("POST", "switches", {"cancel_filter": "ignored", "existing_address": "accept"})
    call(small, "POST", "/lists", json={"list_name": OTHERS})
    call(small, "POST", "/lists", json={"list_name": f"{OTHERS} of mine"})
    return small


class Struck(BaseException):
    """What ends a process in the middle of a request."""


def writes_of(box):
    return [seen for seen in box.requests() if seen["method"] != "GET" and "price" not in seen["path"]]


def strike(monkeypatch, place, when):
    """Let the write at a place (from 0) end everything, before it is made or after."""
    count = 0

    def striking(name):
        original = getattr(Client, name)

        def wrapped(self, *arguments, **options):
            nonlocal count
            count += 1
            if count == place + 1 and when == "before":
                raise Struck
            mine = count
            try:
                return original(self, *arguments, **options)
            finally:
                if mine == place + 1:
                    raise Struck

        monkeypatch.setattr(Client, name, wrapped)

    for name in ("post", "put", "delete", "send"):
        striking(name)


def run_all(box):
    client = connected(box)
    try:
        with probing(client) as account:
            list(ask(account, ALL, WRITING))
    finally:
        client.close()


def run_without_removing(client, own):
    """Do what the command does; when something ends it, it ends as after kill -9."""
    account = Account(client, own, TO)
    own.begin(account.now())
    list(ask(account, ALL, WRITING))
    own.remove()


def count_writes(box):
    before = len(writes_of(box))
    run_all(box)
    return len(writes_of(box)) - before


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_end_at_any_write_leaves_nothing_after_the_next_start(world, monkeypatch, when):
    expected = remains(world)
    total = count_writes(world)
    assert remains(world) == expected
    assert total > 40
    for place in range(total) if FULL else (*range(0, total, 7), total - 1):
        world.advance(60)  # so that it has a name of its own
        client = connected(world)
        own = Own(client)
        with monkeypatch.context() as patched:
            strike(patched, place, when)
            with pytest.raises(Struck):
                run_without_removing(client, own)
        own.close()
        own = Own(client)
        assert own.noted
        own.remove()
        own.close()
        client.close()
        assert remains(world) == expected, place
        assert not noted_in(client.settings).exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_removes_everything_at_once(world, monkeypatch, error):
    expected = remains(world)
    original = Client.put

    def interrupted(self, path, *arguments, **options):
        if "cancel-all" in path:
            raise error
        return original(self, path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Client, "put", interrupted)
        with pytest.raises(error):
            run_all(world)
    assert remains(world) == expected


@pytest.mark.long
@pytest.mark.parametrize(("place", "when"), [(1, "after"), (9, "before"), (30, "after")])
def test_a_kill_is_made_good_by_the_next_start(world, tmp_path, place, when):
    expected = remains(world)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"api_url": world.api_url, **CREDENTIALS}))
    program = [sys.executable, "-c", KILLED, str(place), when]
    arguments = ["probe", "--config", str(config)]
    command = [*program, *arguments, "--write", "--yes"]
    killed = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert remains(world) != expected
    (note,) = (tmp_path / "state" / "clicksend").glob("*.json")
    assert note.stat().st_mode & 0o777 == 0o600
    again = run_command("clicksend", *arguments, env={"XDG_STATE_HOME": str(tmp_path / "state")})
    assert again.returncode == 0, again.stderr.decode()
    assert b"An earlier probe was interrupted." in again.stdout
    assert remains(world) == expected
    assert not note.exists()


def test_lists_of_an_abandoned_probe_are_found_by_their_name(world):
    expected = remains(world)
    call(world, "POST", "/lists", json={"list_name": f"{OTHERS} 3"})
    client = connected(world)
    with probing(client) as account:
        assert account.made.strays(account.now()) == [f"{OTHERS} 3"]
        fresh = account.made.name
        call(world, "POST", "/lists", json={"list_name": f"{fresh} 1"})
        assert account.made.strays(account.now()) == [f"{OTHERS} 3"]
        account.made.remove([f"{OTHERS} 3"])
    client.close()
    assert remains(world) == expected


def test_lists_of_a_probe_that_may_still_be_at_work_are_left_for_an_hour(world):
    """It may run on another machine, where its note and its lock are."""
    client = connected(world)
    with probing(client) as account:
        now = account.now()
        names = [
            f"clicksend probe {datetime.fromtimestamp(now - age, UTC):%Y-%m-%dT%H:%M:%SZ} 1"
            for age in (60, 3600, 3601)
        ]
        for name in names:
            call(world, "POST", "/lists", json={"list_name": name})
        assert account.made.strays(now) == names[2:]
    client.close()


def test_what_shows_late_is_cancelled_too(world):
    """Some of what was scheduled shows in the history already when it is removed, some does not yet."""
    expected = remains(world)
    world.control("POST", "switches", {"history_lag": 20})
    client = connected(world)
    own = Own(client)
    own.begin(world.state()["now"])
    own.note(scheduled=2)
    for number in (1, 2):
        at = world.state()["now"] + 86_400
        message = {
            "to": TO,
            "body": f"{number}",
            "schedule": at,
            "custom_string": f"{own.name} later {number}",
        }
        call(world, "POST", "/sms/send", json={"messages": [message]})
        world.advance(15)
    own.remove()
    own.close()
    client.close()
    assert remains(world) == expected


def test_what_else_is_scheduled_keeps_everything_scheduled(world):
    at = world.state()["now"] + 86_400
    message = {"to": TO, "body": "Mine", "schedule": at, "custom_string": "clicksend probe"}
    call(world, "POST", "/sms/send", json={"messages": [message]})
    expected = remains(world)
    client = connected(world)
    with probing(client) as account:
        (one,) = [one for one in ask(account, ALL, WRITING) if one.point.name == "cancel_filter"]
    client.close()
    assert one.finding.text == "cannot tell: other messages are scheduled, which must not be cancelled"
    assert not [seen for seen in world.requests() if seen["path"] == "/sms/cancel-all"][1:]
    assert remains(world) == expected


def cancelling(box):
    """Ask what cancelling by custom string takes; return what is said, and what was sent and cancelled."""
    before = len(box.requests())
    client = connected(box)
    with probing(client) as account:
        asked = tuple(point for point in POINTS if point.name in ("q_terms", "cancel_filter"))
        text = list(ask(account, ALL, asked))[-1].finding.text
    client.close()
    return text, [seen["path"] for seen in box.requests()[before:] if seen["method"] != "GET"]


def test_a_scheduled_campaign_keeps_everything_unsent(small):
    small.control("POST", "reset")
    expected = remains(small)
    text, writes = cancelling(small)
    assert text == "cannot tell: a campaign is scheduled, which must not be cancelled"
    assert writes == []
    assert remains(small) == expected


def test_a_history_that_cannot_be_searched_or_read_whole_keeps_everything_scheduled(world, monkeypatch):
    world.control("POST", "switches", {"q_terms": "none"})
    monkeypatch.setattr(messages, "SHORT_HISTORY", 10)
    expected = remains(world)
    text, writes = cancelling(world)
    assert text.startswith("cannot tell: the history is too long to be certain")
    assert "/sms/cancel-all" not in writes
    assert sum("/cancel" in path for path in writes) == 4
    assert remains(world) == expected


def test_two_probes_of_one_account_are_one_too_many(world):
    client = connected(world)
    with probing(client), pytest.raises(SettingsError, match="Another probe of this account is at work"):
        Own(client)
    client.close()


@pytest.mark.parametrize(
    "fault",
    [{"status": 500, "times": -1}, {"status": 403, "times": -1}, {"status": 404, "times": -1}],
    ids=str,
)
def test_what_cannot_be_removed_now_is_removed_later(world, fault):
    expected = remains(world)
    client = connected(world)
    own = Own(client)
    own.begin(world.state()["now"])
    call(world, "POST", "/lists", json={"list_name": f"{own.name} 1"})
    world.control("POST", "faults", {"kind": "status", "method": "DELETE", "path": "/lists/*", **fault})
    with pytest.raises(ApiError, match=f"answered {fault['status']}"):
        own.remove()
    own.close()
    note = noted_in(client.settings)
    assert note.exists()
    world.control("DELETE", "faults")
    own = Own(client)
    own.remove()
    own.close()
    client.close()
    assert remains(world) == expected
    assert [path.name for path in note.parent.iterdir()] == [f"{note.name}.lock"]


@pytest.mark.long
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "half_body", "html_after", "status_after"])
def test_answers_that_are_lost_leave_nothing(world, method, kind):
    expected = remains(world)
    # Every fifth is lost.
    for place in range(12):
        fault = {"kind": kind, "method": method, "path": "/[!c]*", "skip": 4 * (place + 1)}
        world.control("POST", "faults", fault)
    run_all(world)
    assert remains(world) == expected


def test_a_note_that_is_none_is_said(world):
    client = connected(world)
    note = noted_in(client.settings)
    note.parent.mkdir(parents=True)
    for content in ("", "[]", "{}", '{"name": "x", "begun": 1, "other": 2}'):
        note.write_text(content)
        with pytest.raises(SettingsError, match="does not hold what a probe has made"):
            Own(client)
    client.close()
