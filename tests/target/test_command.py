"""``target-clicksend`` as a command: its settings, what it prints, and how it ends."""

import json
import os
import pty
import re
import socket
import sqlite3
import stat
import subprocess
from contextlib import closing

import pytest

from clicksend import report
from clicksend.ledger.ledger import Ledger
from target_clicksend.run import Run
from tests.command import PROCESSES
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, record, schema, state, stream_of, target_command

SENTENCE = re.compile(r".+\d\d:\d\d:\d\d,\d+ \| ERROR +\| target-clicksend +\| (.+)")


@pytest.fixture
def config(box, tmp_path):
    return {
        "api_url": box.api_url,
        "ledger_url": f"sqlite:///{tmp_path}/l.db",
        "max_retries": 0,
        "list_name": "Synced",
        "create_missing_lists": True,
        **CREDENTIALS,
    }


@pytest.fixture
def command(config, tmp_path):
    def command(messages, *options, env=None, **more):
        return target_command(tmp_path, messages, config | more, *options, **(env or {}))

    return command


def people(count, **more):
    rows = [
        {
            "phone_number": f"+1415555{n:04}",
            "first_name": f"Surname{n}",
            "email": f"user{n}@people.example",
            **more,
        }
        for n in range(1, count + 1)
    ]
    return [*stream_of("contacts", rows), state({"row": count})]


def states(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(done):
    """Return the one sentence that an error ends with."""
    errors = done.stderr.decode()
    assert "Traceback" not in errors
    assert "should not happen" not in errors
    assert errors.count("ERROR") == 1
    return SENTENCE.fullmatch(errors.splitlines()[-1])[1]


def test_about_and_version(command):
    about = json.loads(command([], "--about", "--format=json").stdout)
    assert about["name"] == "target-clicksend"
    assert {"about", "stream-maps", "schema-flattening"} <= set(about["capabilities"])
    settings = about["settings"]["properties"]
    assert {"api_key", "ledger_url", "streams", "dry_run", "stream_maps"} <= settings.keys()
    assert (
        not {"load_method", "batch_size_rows_x", "add_record_metadata", "validate_records"} & settings.keys()
    )
    assert {name for name, one in settings.items() if one.get("secret")} == {
        "api_key",
        "ledger_url",
        "pii_key",
    }
    assert command([], "--about", "--format=markdown").stdout.startswith(b"# `target-clicksend`")
    assert re.match(rb"target-clicksend v\d+\.\d+", command([], "--version").stdout)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"api_key": ""}, "Setting username asks for direct access"),
        ({"contact_mode": "s3cr3t"}, "Unknown setting contact_mode: did you mean contacts_mode?"),
        ({"contacts_mode": "s3cr3t"}, "Setting contacts_mode must be upsert or insert or update or mirror."),
        ({"streams": {"a": "s3cr3t"}}, "Setting streams.a must be "),
        ({"streams": "s3cr3t"}, "Setting streams must be of type object."),
        ({"pii_key": "s3cr3t"}, "Setting pii_key must have at least 16 characters."),
        ({"fail_on_rejected": 2}, "Setting fail_on_rejected must be at most 1."),
        ({"default_country": "s3cr3t"}, "Setting default_country must be two capital letters, like US."),
        ({"match_on": []}, "Setting match_on must not be empty."),
        ({"match_on": ["s3cr3t"]}, "Setting match_on.0 must be phone_number or email or fax_number or key."),
        ({"quiet_hours": {}}, "Setting quiet_hours must not be empty: leave it out instead."),
        ({"opt_out_keywords": ["STOP", "\U0001f6d1"]}, "Setting opt_out_keywords.1 must have a letter"),
        ({"opt_out_max_age": float("nan")}, "Setting opt_out_max_age must be a finite number."),
        ({"list_id": 1}, "Settings list_id and list_name are both given: give one."),
        ({"report_path": "s3cr3t/report.json"}, "Setting report_path names a file in a folder"),
        ({"ledger_url": "s3cr3t"}, "ledger_url must be a SQLAlchemy URL"),
        ({"ledger_url": "mysql://s3cr3t"}, "ledger_url must be a SQLAlchemy URL"),
        ({"ledger_url": "sqlite://"}, "ledger_url must name a plain file"),
        ({"stream_maps": {"contacts": {"email": "s3cr3t +"}}}, "Setting stream_maps.contacts.email must be"),
        ({"custom_fields": {"a": "s3cr3t"}}, "Setting custom_fields"),
        ({"api_url": "http://s3cr3t.example"}, "Setting api_url must use https://"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_wrong_settings_end_in_a_sentence_before_anything_is_written(box, command, wrong, sentence):
    done = command(people(1), **wrong)
    assert done.returncode == 2
    assert said(done).startswith(sentence)
    assert b"s3cr3t" not in done.stderr + done.stdout
    assert done.stdout == b""
    assert {one["method"] for one in box.requests()} <= {"GET"}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"s3cr3t"', "\0"])
def test_a_config_that_is_none_ends_in_a_sentence(command, tmp_path, content):
    (tmp_path / "given").write_text(content)
    done = command([], "--config", str(tmp_path / "given"))
    assert (done.returncode, said(done)) == (2, "The file given with --config is not a valid JSON object.")


def test_an_unknown_stream_is_named_with_the_sinks(command):
    done = command([*people(1), schema("customers", ["id"])])
    assert done.returncode == 2
    sentence = said(done)
    assert sentence.startswith("There is no sink for stream customers: name one of ")
    assert all(name in sentence for name in ("contacts", "contact_lists", "sms_templates", "email_addresses"))
    assert done.stdout == b""


def test_settings_come_from_the_environment(box, tmp_path, config):
    env = {
        "TARGET_CLICKSEND_API_URL": box.hub_api_url,
        "TARGET_CLICKSEND_STREAMS": '{"people": "contacts"}',
        "TARGET_CLICKSEND_LIST_NAME": "Synced",
        "TARGET_CLICKSEND_CREATE_MISSING_LISTS": "true",
        "TARGET_CLICKSEND_FAIL_ON_REJECTED": "0.5",
        "TARGET_CLICKSEND_USERNAME": "",
        "SKILLBOSS_API_KEY": "sandbox-key",
    }
    messages = stream_of("people", [{"phone_number": "+14155550001"}, {}])
    done = target_command(tmp_path, messages, {}, "--config=ENV", **env)
    assert done.returncode == 0, done.stderr.decode()
    assert {one["auth"] for one in box.requests()} == {"bearer"}
    wrong = target_command(tmp_path, [], {}, "--config=ENV", **env | {"TARGET_CLICKSEND_STREAMS": "s3cr3t"})
    assert (wrong.returncode, said(wrong)) == (2, "Setting streams must be of type object.")


def test_a_file_can_be_the_input(box, command, tmp_path):
    path = tmp_path / "input.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(map(line_of, people(2))) + b"\xff\xfe\n")
    done = command([], "--input", str(path), env={"LC_ALL": "C"})
    assert (done.returncode, states(done)) == (0, [{"row": 2}])
    missing = command([], "--input", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert b"Traceback" not in missing.stderr


@pytest.mark.parametrize(
    ("share", "bad", "code"), [(None, 4, 0), (0.5, 2, 0), (0.5, 3, 1), (0, 0, 0), (0, 1, 1), (1, 4, 0)]
)
def test_too_many_rejected_rows_are_an_error(command, share, bad, code):
    rows = [{"phone_number": "nobody" if n <= bad else f"+1415555000{n}"} for n in range(1, 5)]
    more = {} if share is None else {"fail_on_rejected": share}
    done = command([*stream_of("contacts", rows), state({"row": 4})], **more)
    assert done.returncode == code
    assert states(done) == [{"row": 4}]


def test_a_failed_row_is_an_error(box, command):
    fault = {"kind": "status", "method": "POST", "path": "/lists/*/contacts", "times": 1}
    box.control("POST", "faults", fault)
    done = command(people(3))
    assert (done.returncode, states(done)) == (1, [])
    assert b"Traceback" not in done.stderr


def test_the_report_is_a_file_and_a_line(command, tmp_path):
    path = tmp_path / "report.json"
    rows = [{"phone_number": "+14155550001"}, {"phone_number": "nobody"}, {"phone_number": "+14155550001"}]
    done = command([*stream_of("contacts", rows), "nonsense"], report_path=str(path))
    report = json.loads(path.read_text())
    assert report["rows"] == {
        "contacts": {"created": 1, "duplicate": 1, "rejected": 1},
        "input": {"rejected": 1},
    }
    assert (report["rows_read"], report["rows_unfinished"], report["error"]) == (4, 0, None)
    assert report["requests"] > 3
    assert {(one["sink"], one["outcome"], one["rows"]) for one in report["reasons"]} == {
        ("contacts", "rejected", 1),
        ("input", "rejected", 1),
    }
    line = done.stderr.decode().splitlines()[-1]
    assert "contacts 1 created, contacts 1 duplicate, contacts 1 rejected, input 1 rejected;" in line
    with Ledger.existing(f"sqlite:///{tmp_path}/l.db") as ledger:
        counts = ledger.outcomes.counts(report["run_id"])
    assert {f"{sink} {name}": rows for (sink, name), rows in counts.items()} == {
        f"{sink} {name}": rows for sink, names in report["rows"].items() for name, rows in names.items()
    }


def test_a_report_that_cannot_be_written_any_more_does_not_hide_what_was(command, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "replace", lambda *_: open(tmp_path))  # noqa: PTH123, SIM115
    done = command(people(2), report_path=str(tmp_path / "report.json"))
    assert (done.returncode, states(done)) == (1, [{"row": 2}])
    assert b"report_path" in done.stderr
    assert b"contacts 2 created" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_early_end_is_in_the_report(box, command, tmp_path):
    path = tmp_path / "report.json"
    done = command([*people(2), record("unheard_of", {})], report_path=str(path))
    assert (done.returncode, said(done)[:24]) == (1, "A RECORD or BATCH came b")
    report = json.loads(path.read_text())
    assert (report["error"], report["rows_read"], report["rows_unfinished"]) == (said(done), 2, 2)
    assert report["rows"] == {}


@pytest.mark.long
def test_a_terminal_shows_a_table(config, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    (tmp_path / "in").write_bytes(b"".join(map(line_of, people(1200))))
    ours, theirs = pty.openpty()
    with (tmp_path / "in").open("rb") as stdin:
        command = [*PROCESSES["target-clicksend"], "--config", str(path)]
        done = subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    shown = b""
    try:
        while some := os.read(ours, 65_536):
            shown += some
    except OSError:  # the end, on Linux
        pass
    os.close(ours)
    assert done.returncode == 0
    assert re.search(r"sink +outcome +rows\s+contacts +created +1,200", shown.decode())


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_no_log_shows_keys_numbers_names_or_addresses(box, command, level):
    fault = {"kind": "status", "method": "POST", "path": "/lists/*/contacts", "times": 3}
    box.control("POST", "faults", fault)
    rows = [
        *({"phone_number": f"+1415555{n:04}", "first_name": f"Surname{n}"} for n in range(1, 30)),
        {"phone_number": "+141555599999999999999", "first_name": "Surname99"},
        {"email": "Surname@"},
        {"phone_number": "+14155550042", "email": {"Surname": 5}},
        {"phone_number": "+14155550001", "first_name": "Surname100"},
    ]
    messages = [
        *stream_of("contacts", rows, keys=["phone_number"]),
        *stream_of("email_addresses", [{"email_address": "Surname@people.example"}], keys=["email_address"]),
        "Surname {",
        state({"Surname": 1}),
    ]
    done = command(messages, env={"LOGLEVEL": level}, pii_key="k" * 32, remove_duplicates=True)
    assert done.returncode == 1
    logs = done.stderr.decode()
    assert "Traceback" not in logs
    for secret in ("sandbox-key", "415555", "Surname", "people.example", "k" * 32):
        assert secret not in logs


def test_a_wrong_key_is_found_before_anything_is_read_for_nothing(box, command):
    done = command(people(2), api_key="s3cr3t-wrong-key")
    assert done.returncode == 1
    assert said(done).startswith("GET /account answered 401 UNAUTHORIZED.")
    assert done.stdout == b""
    assert len(box.requests()) == 1


def test_a_dead_server_ends_in_a_sentence(command):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        done = command(people(2), api_url=f"http://127.0.0.1:{nobody.getsockname()[1]}/v3")
    assert done.returncode == 1
    assert said(done).startswith("GET /account got no whole answer from 127.0.0.1")


def test_the_ledger_of_another_account_stops_everything(box, command, tmp_path):
    Ledger.open(f"sqlite:///{tmp_path}/l.db", api_url=box.api_url, user_id="other").close()
    lists = stream_of("contact_lists", [{"list_name": "New"}])
    done = command([*lists, *people(2)])
    assert done.returncode == 1
    assert said(done).startswith("The ledger belongs to user_id other, not to")
    assert {one["method"] for one in box.requests()} == {"GET"}


def test_a_ledger_that_cannot_be_written_stops_everything(box, command, tmp_path):
    done = command(people(2), ledger_url=f"sqlite:///{tmp_path}/missing/l.db")
    assert "ledger_url" in said(done)
    (tmp_path / "l.db").write_text("no database " * 1000)
    done = command(people(2))
    assert done.returncode == 1
    assert said(done).startswith("The ledger cannot be used")
    assert {one["method"] for one in box.requests()} <= {"GET"}


def test_a_ledger_that_breaks_in_the_middle_keeps_the_state(box, config, tmp_path, monkeypatch):
    """What cannot be noted is not claimed: the rows come again, and find themselves written."""
    messages = people(700)
    commit = Run.commit

    def broken(self):
        commit(self)
        with closing(sqlite3.connect(tmp_path / "l.db")) as ledger:
            ledger.execute("drop table if exists runs")

    messages.insert(300, state({"row": 299}))
    messages.insert(650, state({"row": 648}))
    with monkeypatch.context() as patch:
        patch.setattr(Run, "commit", broken)
        done = target_command(tmp_path, messages, config)
    assert done.returncode == 1
    assert said(done).startswith("The ledger cannot be used")
    assert states(done) == [{"row": 299}]
    (tmp_path / "l.db").unlink()
    for rest in tmp_path.glob("l.db-*"):
        rest.unlink()
    again = target_command(tmp_path, people(700), config)
    assert again.returncode == 0
    assert b"contacts 700 unchanged" in again.stderr or b"unchanged" in again.stderr


def test_the_ledger_is_private(command, tmp_path):
    command(people(1))
    assert stat.S_IMODE((tmp_path / "l.db").stat().st_mode) == 0o600


@pytest.mark.long
def test_two_targets_at_once_share_a_ledger(box, config, get, tmp_path):
    def start(name, numbers):
        rows = [{"id": n, "phone_number": f"+1415555{n:04}"} for n in numbers]
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(config | {"list_name": "Ours"}))
        (tmp_path / f"{name}.in").write_bytes(
            b"".join(map(line_of, [*stream_of("contacts", rows), state({"row": len(rows)})]))
        )
        with (tmp_path / f"{name}.in").open("rb") as stdin:
            return subprocess.Popen(
                [*PROCESSES["target-clicksend"], "--config", str(path)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

    target_command(tmp_path, [], config)
    box_list = stream_of("contact_lists", [{"list_name": "Ours"}])
    assert target_command(tmp_path, box_list, config).returncode == 0
    running = [start("one", range(1, 700)), start("two", range(2000, 2700))]
    ended = [(process.communicate(timeout=60), process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0], ended
    assert [json.loads(out) for (out, _), _ in ended] == [{"row": 699}, {"row": 700}]
    with closing(sqlite3.connect(tmp_path / "l.db")) as ledger, ledger:
        (kept,) = ledger.execute("select count(*) from outcomes where outcome = 'created'").fetchone()
    ledger.close()
    assert kept == 699 + 700 + 1
