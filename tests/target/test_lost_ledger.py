"""A ledger that is new, or was restored, on an account from which more was sent: nothing is sent again."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from clicksend.ledger.ledger import Ledger
from clicksend.sandbox import Sandbox
from target_clicksend.messages import lost_ledger
from tests.target.messages.cases import CHANNELS, LESS, OTHER, TO, Box
from tests.target.runner import schema

SINKS = sorted(CHANNELS)
ROWS = [{"to": f"+6149157{number:04}", "body": f"Text {number}"} for number in range(5)]
HISTORIES = {sink: f"/{channel}/history" for sink, channel in CHANNELS.items()}


@pytest.fixture(autouse=True)
def _nothing_hides_a_second_one(out):
    out.switch(throttle_seconds=0)


@pytest.fixture
def other(out, tmp_path):
    """Return a function that has the target use another ledger from now on."""

    def other(name="other"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        out.folder = folder

    return other


def lose(out):
    Path(out.folder, "ledger.db").unlink()


def back_up(out):
    shutil.copy(Path(out.folder, "ledger.db"), Path(out.folder, "backup.db"))


def restore(out):
    shutil.copy(Path(out.folder, "backup.db"), Path(out.folder, "ledger.db"))


def asked(ran, sink="sms_messages"):
    """Return how often a run asked for the history."""
    return len([one for one in ran.requests if one["path"] == HISTORIES[sink]])


def assert_blocked(out, ran, count, *, arrived):
    assert ran.code == ran.report["exit_code"] == 1
    assert f"the history has {count}" in str(ran.error)
    assert "clicksend ledger rebuild --since " in str(ran.error)
    assert ran.report["next"].startswith("clicksend ledger rebuild --since 20")
    assert "send_without_old_ledger" in str(ran.error)
    assert not [path for method, path in ran.writes if path.endswith("/send")]
    assert ran.states == []
    assert len(out.arrivals) == arrived


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("rows", [ROWS, [{"id": 9, "to": OTHER, "body": "New"}]], ids=["old", "new"])
@pytest.mark.parametrize("config", [{}, {"max_messages_per_run": 100}, {"test_recipient": TO}], ids=str)
def test_a_deleted_ledger_sends_nothing(out, sink, rows, config):
    out.send(*ROWS, sink=sink)
    lose(out)
    for _ in range(2):
        ran = out.send(*rows, sink=sink, **config)
        assert_blocked(out, ran, "5 messages", arrived=5)
        assert sink in str(ran.error)


@pytest.mark.parametrize("sink", SINKS)
def test_a_restored_ledger_sends_nothing(out, sink):
    out.send(*ROWS[:2], sink=sink)
    back_up(out)
    out.advance(86_400)
    out.send(*ROWS, sink=sink)
    out.advance(3600)
    restore(out)
    assert_blocked(out, out.send(*ROWS, sink=sink), "3 messages", arrived=5)


@pytest.mark.parametrize("outcome", ["held", "failed", "rejected", "suppressed", "dry_run"])
def test_a_restored_ledger_in_which_the_rows_wait_sends_nothing(out, outcome):
    out.send(ROWS[0])
    rows = [{"id": 7, "to": OTHER, "body": "Later", "opted_out": False, "time_zone": "UTC"}]
    end = f"{out.now + timedelta(hours=1):%H:%M}"
    hours = {"start": f"{out.now - timedelta(hours=1):%H:%M}", "end": end, "policy": "hold"}
    waits = {"held": {"quiet_hours": hours}, "dry_run": {"dry_run": True}}
    if outcome == "failed":
        out.fault(path="/sms/send", kind="status", status=401, times=1)
    bad = {"rejected": {"schedule": "soon"}, "suppressed": {"opted_out": True}}.get(outcome, {})
    ran = out.send(rows[0] | bad, opt_out="column", **waits.get(outcome, {}))
    assert ran.rows("sms_messages") == {outcome: 1}
    back_up(out)
    out.advance(60)
    assert out.send(*rows).rows("sms_messages") == {"sent": 1}
    restore(out)
    out.advance(60)
    assert_blocked(out, out.send(*rows), "1 message", arrived=2)
    assert out.send(*rows, dry_run=True).code == 0
    assert_blocked(out, out.send(*rows), "1 message", arrived=2)


def test_a_rebuilt_ledger_goes_on(out, command):
    out.send(*ROWS)
    lose(out)
    since = out.send(*ROWS).report["next"].split()[-1]
    assert "5 messages found, 5 of them recorded as sent" in command("rebuild", "--since", since)
    again = out.send(*ROWS, {"id": 9, "to": OTHER, "body": "New"})
    assert (again.code, again.rows("sms_messages")) == (0, {"duplicate": 5, "sent": 1})


@pytest.fixture
def command(out, tmp_path):
    """Return a function that runs ``clicksend ledger`` with the settings of the target that ``out`` runs."""
    import json

    from click.testing import CliRunner

    from clicksend.cli import command as main
    from tests.tap.runner import CREDENTIALS

    def command(*arguments, given=None):
        path = tmp_path / "target.json"
        path.write_text(json.dumps({"api_url": out.api_url, "ledger_url": out.ledger_url, **CREDENTIALS}))
        result = CliRunner().invoke(main, ["ledger", *arguments, "--config", str(path)], input=given)
        assert result.exit_code == 0, result.output
        return result.output

    return command


def test_without_the_key_a_rebuild_lets_nothing_out_again(out, command):
    """A container has lost the ledger and its key: what the history shows is of rows that nobody knows."""
    out.send(*ROWS)
    path, ledger, since = (
        Path(out.folder, "ledger.db.key"),
        Path(out.folder, "ledger.db"),
        f"{out.now:%Y-%m-%d}",
    )
    key = path.read_text()
    path.unlink()
    lose(out)
    for _ in range(2):
        ran = out.send(*ROWS)
        assert_blocked(out, ran, "5 messages", arrived=5)
        assert "with another key" in ran.report["error"]
        said = command("rebuild", "--since", since)
        assert "0 messages found" in said
        assert "5 messages went out from a ledger with another key of its hashes" in said
    path.unlink()
    command("key", "import", given=key)
    assert "5 messages found, 5 of them recorded as sent" in command("rebuild", "--since", since)
    assert ledger.exists()
    assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 5}
    with out.ledger() as opened:
        # None of them is of an older version: none is looked up as those spelled it.
        assert opened.privacy.older_keys is None


def test_the_setting_lets_it_go_on_and_is_remembered(out, other):
    """Two pipelines with a ledger each: neither blocks the other for ever."""
    out.send(*ROWS[:2])
    other()
    assert_blocked(out, out.send(*ROWS[2:]), "2 messages", arrived=2)
    dry = out.send({"id": 8}, send_without_old_ledger=True, dry_run=True)
    assert (dry.code, "the history has" in dry.notes) == (0, False)
    assert_blocked(out, out.send({"id": 8}), "2 messages", arrived=2)
    assert out.send({"id": 8}, send_without_old_ledger=True).rows("sms_messages") == {"sent": 1}
    for number in (9, 10):
        out.folder, here = out.folder.parent, out.folder
        out.send(*ROWS[:2], {"id": number}, send_without_old_ledger=True)
        out.folder = here
        out.advance(3600)
        ran = out.send({"id": 100 + number, "to": OTHER})
        assert (ran.code, ran.rows("sms_messages"), asked(ran)) == (0, {"sent": 1}, 0)


def test_a_dry_run_says_it_and_leaves_the_ledger_as_it_is(out):
    out.send(*ROWS)
    lose(out)
    for _ in range(2):
        ran = out.send(*ROWS, dry_run=True)
        assert (ran.code, ran.rows("sms_messages")) == (0, {"dry_run": 5})
        assert "the history has 5 messages" in ran.notes
        assert ran.report["next"].startswith("clicksend ledger rebuild")
    assert_blocked(out, out.send(*ROWS), "5 messages", arrived=5)


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
def test_a_history_that_cannot_be_read_sends_nothing(out, sink, status):
    """But who may not call has called nobody."""
    out.fault(method="GET", path=HISTORIES[sink], kind="status", status=status, times=-1)
    ran = out.send(*ROWS, sink=sink)
    if (sink, status) == ("voice_messages", 403):
        assert (ran.code, ran.rows(sink)) == (0, {"sent": 5})
        return
    assert (ran.code, out.arrivals) == (1, [])
    assert f"GET {HISTORIES[sink]} answered {status}" in str(ran.error)
    assert "nothing is sent" in str(ran.error)
    assert out.send(*ROWS, sink=sink, dry_run=True).code == 0
    assert out.send(*ROWS, sink=sink, send_without_old_ledger=True).rows(sink) == {"sent": 5}


@pytest.mark.parametrize("kind", ["html", "half_body", "reset_before"])
def test_a_history_with_an_answer_that_is_none_sends_nothing(out, kind):
    out.send(*ROWS[:1])
    out.fault(method="GET", path="/sms/history", kind=kind, times=-1)
    ran = out.send(*ROWS)
    assert (ran.code, len(out.arrivals)) == (1, 1)
    assert "nothing is sent" in str(ran.error)


@pytest.mark.parametrize("less", LESS)
def test_a_history_that_shows_less_than_it_counts_sends_nothing(out, monkeypatch, less):
    read_pages = lost_ledger.read_pages
    monkeypatch.setattr(lost_ledger, "read_pages", lambda *given: less(list(read_pages(*given))))
    ran = out.send(*ROWS)
    assert (ran.code, out.arrivals) == (1, [])
    assert "fewer messages than it counts" in str(ran.error)


def test_a_fresh_account_goes_on(out):
    """The history is read whole once; each later run asks for the newest only."""
    first = out.send(ROWS[0])
    assert (first.code, first.rows("sms_messages")) == (0, {"sent": 1})
    assert asked(first) > 1
    for number in range(1, 5):
        out.advance(3600)
        ran = out.send(ROWS[number] | {"id": number + 1})
        assert (ran.rows("sms_messages"), asked(ran)) == ({"sent": 1}, 1)


def test_an_account_without_messages_costs_one_request(tmp_path):
    with Sandbox(messages=0, contacts=0) as box:
        out = Box(box, tmp_path)
        ran = out.send(ROWS[0])
        assert (ran.rows("sms_messages"), asked(ran)) == ({"sent": 1}, 1)


def test_a_run_without_rows_asks_nothing(out):
    ran = out.run([schema("sms_messages", ["id"])])
    assert (ran.code, asked(ran)) == (0, 0)


@pytest.mark.parametrize("switches", [{"date_filter": "ignored"}, {"date_filter": "exclusive"}], ids=str)
def test_whatever_the_filter_does(out, switches):
    out.switch(**switches)
    out.send(*ROWS[:2])
    back_up(out)
    out.advance(86_400)
    assert out.send(*ROWS).rows("sms_messages") == {"duplicate": 2, "sent": 3}
    restore(out)
    assert_blocked(out, out.send(*ROWS), "3 messages", arrived=5)


def test_what_was_pruned_is_not_asked_for(out):
    out.send(*ROWS)
    out.advance(86_400)
    out.send({"id": 9, "to": OTHER})
    out.advance(3600)
    with Ledger.existing(out.ledger_url, now=lambda: out.now) as ledger:
        assert ledger.outcomes.prune(out.now) == 6
    assert out.send({"id": 10, "to": OTHER}).rows("sms_messages") == {"sent": 1}


def test_what_a_person_released_though_it_had_arrived_does_not_block(out):
    out.fault(path="/sms/send", kind="reset_after", times=1)
    out.switch(history_lag=600)
    assert out.send(ROWS[0]).code == 3
    out.advance(60)
    with Ledger.existing(out.ledger_url, now=lambda: out.now) as ledger:
        (key,) = [row["key"] for row in ledger.outcomes.newest()]
        assert ledger.claims.release([key], force=True) == [key]
    out.switch(history_lag=0)
    assert out.send(ROWS[0] | {"opted_out": True}, opt_out="column").rows("sms_messages") == {"suppressed": 1}
    assert out.send(ROWS[0]).rows("sms_messages") == {"sent": 1}


def test_many_are_counted_up_to_a_thousand(out, monkeypatch):
    monkeypatch.setattr(lost_ledger, "ENOUGH", 3)
    out.send(*ROWS)
    lose(out)
    assert_blocked(out, out.send(*ROWS), "more than 3 messages", arrived=5)


def test_rows_with_a_custom_string_of_their_own_leave_no_token(out):
    out.send(ROWS[0] | {"custom_string": "mine"})
    lose(out)
    ran = out.send({"id": 2, "custom_string": "mine"})
    assert ran.code == 0
    assert "whose custom_string is not the target's" in ran.notes
    assert "baseline" in ran.notes
    assert "custom_string" not in out.send({"id": 3, "custom_string": "mine", "to": OTHER}).notes


def test_an_older_ledger_without_the_note_goes_on_from_its_newest_message(out):
    out.send(*ROWS[:2])
    out.execute("delete from meta where name like 'history_known:%'")
    out.advance(3600)
    ran = out.send(*ROWS)
    assert (ran.rows("sms_messages"), asked(ran)) == ({"duplicate": 2, "sent": 3}, 1)


def test_notifications_have_no_history_and_it_is_said_once(out):
    hub = {"api_url": out.hub_api_url, "hub_url": out.url, "username": None, "api_key": "sandbox-key"}
    rows = [{"to": TO, "template_id": "plain"}]
    dry = out.send(*rows, sink="notifications", dry_run=True, **hub)
    first = out.send(*rows, sink="notifications", **hub)
    second = out.send(*rows, sink="notifications", **hub)
    for ran, said in ((dry, True), (first, True), (second, False)):
        assert ("the hub keeps no history" in ran.notes) == said
    assert first.rows("notifications") == {"sent": 1}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_becomes_of_the_ledger_nothing_arrives_twice(out, command, seed):
    """Runs of all channels, backups, restored ones, deleted ledgers, rebuilt ones, in any order."""
    chance = Random(seed)
    rows = [{"to": f"+6149157{number:04}", "body": f"Text {number}", "id": number} for number in range(30)]
    out.send(rows[0])
    back_up(out)
    for _ in range(14):
        step = chance.choice(["send"] * 6 + ["back_up", "restore", "lose", "rebuild"])
        out.advance(chance.choice([1, 60, 4000, 90_000]))
        if step == "send":
            config = chance.choice([{}, {}, {"max_messages_per_run": 9}, {"dry_run": True}])
            some = chance.sample(rows, chance.randint(1, 6))
            ran = out.send(*some, sink=chance.choice(SINKS), **config)
            assert ran.code == 0 or "the history has" in str(ran.error), ran.error
        elif step in {"back_up", "restore", "lose"} and Path(out.folder, "ledger.db").exists():
            {"back_up": back_up, "restore": restore, "lose": lose}[step](out)
        elif step == "rebuild":
            command("rebuild", "--since", "2026-06-01")
        arrived = Counter((one["channel"], one["custom_string"]) for one in out.arrivals)
        assert set(arrived.values()) <= {1}, (seed, step)
    command("rebuild", "--since", "2026-06-01")
    for sink in SINKS:
        ran = out.send(*rows, sink=sink)
        assert (ran.code, sum(ran.rows(sink).values())) == (0, 30)
    assert sorted(Counter(one["custom_string"] for one in out.arrivals).values()) == [1] * 90
