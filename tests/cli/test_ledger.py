"""clicksend ledger: what people see of the ledger, and what they remove."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.ledger.ledger import Ledger
from tests.ledger.cases import ACCOUNT, claim, outcome

KEY = "a key that nobody guesses"
NUMBER = "+61411111111"


@pytest.fixture
def config(tmp_path):
    """Return a config file of a target; its ledger has a sent, an unknown and a rejected row."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url, **ACCOUNT, pii_key=KEY) as ledger:
        wanted = [claim(key, recipient_hash=ledger.privacy.hash(NUMBER)) for key in ("s", "u")]
        ledger.claims.claim("run 1", "sms_messages", wanted, lease_seconds=90)
        ledger.claims.settle("run 1", [outcome("s", "sent", "sms_messages", message_id="M1")])
        reason = "the number is too short\x1b[2J\nand more"
        ledger.outcomes.record("run 2", [outcome("r", "rejected", reason=reason)])
    path = tmp_path / "target.json"
    settings = {"ledger_url": url, "pii_key": KEY, "default_country": "AU", "api_key": "x", "username": "y"}
    path.write_text(json.dumps(settings))
    return path


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["ledger", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_list_is_a_table(config):
    lines = run("list", "--config", config).splitlines()
    assert lines[0].split() == ["updated_at", "sink", "outcome", "source_key", "key", "message_id", "reason"]
    assert len(lines) == 4
    assert len({line.index(word) for line, word in zip(lines, ["outcome", "reject"], strict=False)}) == 1
    assert "\x1b" not in "".join(lines)
    assert lines[1].endswith("the number is too short\\x1b[2J\\nand more")


def test_list_is_filtered(config):
    def keys(*arguments):
        return [
            row["key"] for row in json.loads(run("list", "--config", config, *arguments, "--format", "json"))
        ]

    assert keys("--outcome", "unknown") == ["u"]
    assert keys("--run", "run 2") == ["r"]
    assert set(keys("--sink", "sms_messages")) == {"s", "u"}
    assert len(keys("--limit", "1")) == 1
    assert run("list", "--config", config, "--sink", "none") == "Nothing there.\n"
    assert keys("--sink", "none") == []


def test_show(config):
    assert "outcome        sent\n" in run("show", "s", "--config", config)
    (row,) = json.loads(run("show", "s", "--config", config, "--format", "json"))
    assert (row["message_id"], row["price"]) == ("M1", None)
    assert row["updated_at"].endswith("+00:00")
    assert "does not know" in run("show", "none", "--config", config, code=1)


def test_prune(config):
    assert run("prune", "--config", config, "--before", "2020-01-01") == "0 outcomes deleted.\n"
    assert "future" in run("prune", "--config", config, "--before", "2999-01-01", code=2)
    assert "--before" in run("prune", "--config", config, code=2)
    assert "SENT AGAIN" in run("prune", "--help")


def test_prune_goes_by_utc(config, tmp_path):
    midnight, minute = datetime(2020, 6, 1, tzinfo=UTC), timedelta(minutes=1)
    for key, at in (("before", midnight - minute), ("after", midnight + minute)):
        with Ledger.existing(f"sqlite:///{tmp_path}/ledger.db", pii_key=KEY, now=lambda at=at: at) as ledger:
            ledger.outcomes.record("run 3", [outcome(key)])
    assert run("prune", "--config", config, "--before", "2020-06-01") == "1 outcomes deleted.\n"
    listed = json.loads(run("list", "--config", config, "--run", "run 3", "--format", "json"))
    assert [row["key"] for row in listed] == ["after"]


def test_a_run_is_released_only_when_it_is_old_enough(config, tmp_path):
    for run_id, hours in (("young", 23), ("old", 25)):
        at = datetime.now(UTC) - timedelta(hours=hours)
        with Ledger.existing(f"sqlite:///{tmp_path}/ledger.db", pii_key=KEY, now=lambda at=at: at) as ledger:
            ledger.claims.claim(run_id, "sms_messages", [claim(run_id)], lease_seconds=90)
    assert "--force" in run("release", "--config", config, "--run", "young", code=1)
    assert "1 message released." in run("release", "--config", config, "--run", "old")
    assert "1 message released." in run("release", "--config", config, "--run", "young", "--force")


def test_forget(config):
    assert "Removed from 2 messages, and from the keys of 0 rows.\n" in run(
        "forget", "0411 111 111", "--config", config
    )
    assert "Removed from 0 messages," in run("forget", NUMBER, "--config", config)
    output = run("forget", "12", "--config", config, code=2)
    assert "too few or too many digits" in output


def test_opt_in(config, tmp_path):
    url, reason = f"sqlite:///{tmp_path}/ledger.db", "came to the counter"
    arguments = ("--config", config, "--reason", f" {reason} ")
    with Ledger.existing(url, pii_key=KEY) as ledger:
        one = ledger.privacy.hash(NUMBER)
        ledger.memory.add_stops({one: 1_790_000_000})
    said = run("opt-in", "0411 111 111", *arguments)
    assert said == (
        "The STOP of this number is undone: replies written before now no longer count.\n"
        "As far as the ledger knows, it is not in the Opt-Out List.\n"
    )
    with Ledger.existing(url, pii_key=KEY) as ledger:
        ledger.memory.add_stops({one: 1_790_000_000})
        assert ledger.memory.opted_out([one]) == set()
        ledger.memory.add_opt_outs([one], source="list", kind="phone")
    assert run("opt-in", NUMBER, *arguments) == (
        "The ledger has no STOP of this number. Replies written before now will not count.\n"
        "It is still in the Opt-Out List, and gets nothing: take it off there, in ClickSend.\n"
    )
    with Ledger.existing(url, pii_key=KEY) as ledger:
        assert ledger.memory.opted_out([one]) == {one}
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        ((hashed, kept, at),) = database.execute("select hash, reason, opted_in_at from opt_ins").fetchall()
    assert (hashed, kept) == (one, reason)
    assert datetime.now(UTC) - datetime.fromisoformat(at) < timedelta(minutes=5)
    shown = run("list", "--config", config, "--format", "json") + run("show", "s", "--config", config)
    assert "counter" not in shown


@pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
def test_an_opt_in_needs_a_reason_and_a_number(config, tmp_path, reason):
    assert "--reason is blank" in run("opt-in", NUMBER, "--config", config, "--reason", reason, code=2)
    assert "--reason" in run("opt-in", NUMBER, "--config", config, code=2)
    assert "too few or too many" in run("opt-in", "12", "--config", config, "--reason", "x", code=2)
    url = f"sqlite:///{tmp_path}/ledger.db"
    assert "pii_key" in run("opt-in", NUMBER, "--ledger-url", url, "--reason", "x", code=1)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        assert database.execute("select count(*) from opt_ins").fetchall() == [(0,)]


def test_forgetting_needs_the_key(config, tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    assert "pii_key" in run("forget", NUMBER, "--ledger-url", url, code=1)
    assert run("list", "--ledger-url", url).count("\n") == 4


def test_what_is_wrong_is_said_in_a_sentence(tmp_path):
    none = tmp_path / "none.db"
    said = f"The ledger {none} does not exist: check ledger_url."
    assert said in run("list", "--ledger-url", f"sqlite:///{none}", code=1)
    assert not (tmp_path / "none.db").exists()
    path = tmp_path / "config.json"
    path.write_text("[]")
    assert "not a valid JSON object" in run("list", "--config", path, code=2)
    path.write_text('{"ledger_url": 1}')
    assert "ledger_url must be of type string" in run("list", "--config", path, code=2)
    path.write_text('{"pii_key": "short secret"}')
    output = run("list", "--config", path, code=2)
    assert "pii_key" in output
    assert "secret" not in output


def test_the_default_ledger_is_the_targets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = "The ledger clicksend_ledger.db does not exist in the current folder: check ledger_url."
    assert said in run("list", code=1)
    Ledger.open("sqlite:///clicksend_ledger.db", **ACCOUNT).close()
    assert run("list") == "Nothing there.\n"
