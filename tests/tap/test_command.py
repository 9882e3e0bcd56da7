"""``tap-clicksend`` as a command: what it prints, how it ends, and what it says about bad input."""

import json
import os
import signal
import subprocess

import pytest

from tap_clicksend.streams import ALL
from tests.command import PROCESSES
from tests.tap.runner import CREDENTIALS, tap_command

HUB = {"api_key": "sandbox-key"}


def states(output):
    return [m for m in map(json.loads, output.splitlines()) if m["type"] == "STATE"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        pytest.param({"api_key": ""}, "api_key", id="missing key"),
        pytest.param(
            {"api_key": "s3cr3t-wrong-key"}, "GET /account answered 401 UNAUTHORIZED", id="wrong key"
        ),
        pytest.param({"api_key": "sk-s3cr3t-hub-key"}, "username", id="a username with a hub key"),
        pytest.param(
            {"pagesize": 3}, "Unknown setting pagesize: did you mean page_size?", id="unknown setting"
        ),
        pytest.param({"start_date": "s3cr3t-soon"}, "start_date", id="start_date unparsable"),
        pytest.param({"start_date": "2999-01-01"}, "start_date", id="start_date in the future"),
        pytest.param(
            {"start_date": "2026-02-01", "end_date": "2026-01-01"}, "end_date", id="end before start"
        ),
        pytest.param({"page_size": 0}, "page_size must be at least 1", id="page_size 0"),
        pytest.param({"page_size": 1000}, "page_size must be at most 100", id="page_size 1000"),
        pytest.param(
            {"page_size": "s3cr3t-many"}, "page_size must be of type integer", id="page_size a word"
        ),
        pytest.param(
            {"api_url": "http://rest.clicksend.com/v3"}, "api_url must use https", id="http to a remote host"
        ),
        pytest.param({"list_ids": [1]}, "list_ids", id="a list that does not exist"),
        pytest.param({"batch_config": {}}, "Setting batch_config", id="batch_config without its parts"),
    ],
)
def test_bad_settings_end_in_one_sentence(sandbox, tmp_path, config, named):
    done = tap_command(tmp_path, {"api_url": sandbox.api_url, "max_retries": 0, **CREDENTIALS, **config})
    assert done.returncode in (1, 2)
    assert named in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "s3cr3t" not in done.stderr + done.stdout
    assert (
        not [s for s in states(done.stdout) if "replication_key_value" in json.dumps(s)]
        or "list_ids" in config
    )


@pytest.mark.parametrize("kind", ["html", "half_body"])
def test_bodies_that_are_none_end_in_one_sentence(sandbox, tmp_path, kind):
    sandbox.control("POST", "faults", {"path": "/sms/history", "kind": kind, "times": -1})
    done = tap_command(tmp_path, {"api_url": sandbox.api_url, "max_retries": 0, **CREDENTIALS})
    assert done.returncode == 1
    assert "GET /sms/history" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "sms_history" not in [
        name
        for s in states(done.stdout)
        for name, b in s["value"]["bookmarks"].items()
        if "replication_key_value" in b
    ]


def test_neither_debug_logs_nor_output_hold_the_key(sandbox, tmp_path):
    done = tap_command(tmp_path, {"api_url": sandbox.api_url, **CREDENTIALS}, LOGLEVEL="DEBUG")
    assert done.returncode == 0
    rows = [m["record"] for m in map(json.loads, done.stdout.splitlines()) if m["type"] == "RECORD"]
    secrets = {"sandbox-key"}
    secrets |= {
        row[name]
        for row in rows
        for name in ("to", "body", "phone_number", "email")
        if len(row.get(name) or "") > 5
    }
    assert len(secrets) > 100
    assert not [secret for secret in secrets if secret in done.stderr]
    assert "sandbox-key" not in done.stdout


def test_about_discover_and_test(sandbox, tmp_path):
    about = json.loads(tap_command(tmp_path, {}, "--about", "--format=json").stdout)
    assert "batch" in about["capabilities"]
    assert {"api_key", "start_date", "page_size"} <= about["settings"]["properties"].keys()
    catalog = json.loads(tap_command(tmp_path, {}, "--discover").stdout)
    assert len(catalog["streams"]) == len(ALL)
    config = {"api_url": sandbox.api_url, **CREDENTIALS}
    tested = tap_command(tmp_path, config, "--test")
    assert tested.returncode == 0
    kinds = [json.loads(line)["type"] for line in tested.stdout.splitlines()]
    assert kinds.count("SCHEMA") == len(ALL)
    assert 0 < kinds.count("RECORD") <= len(ALL)
    wrong = tap_command(tmp_path, {**config, "api_key": "wrong"}, "--test")
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr


def test_settings_come_from_the_environment(sandbox, tmp_path):
    done = tap_command(
        tmp_path,
        {},
        "--config=ENV",
        TAP_CLICKSEND_API_URL=sandbox.hub_api_url,
        SKILLBOSS_API_KEY="sandbox-key",
        TAP_CLICKSEND_USERNAME="",
    )
    assert done.returncode == 0
    assert {request["auth"] for request in sandbox.requests()} == {"bearer"}


def tap_process(tmp_path, config, **pipes):
    """Start ``tap-clicksend`` as a command with a config file."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    command = [*PROCESSES["tap-clicksend"], "--config", str(path)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **pipes)


def test_sigterm_is_no_success(sandbox, tmp_path):
    sandbox.control("POST", "faults", {"path": "/sms/history", "kind": "delay", "seconds": 20, "times": -1})
    out = tmp_path / "out"
    with (
        out.open("w") as stdout,
        tap_process(tmp_path, {"api_url": sandbox.api_url, **CREDENTIALS}, stdout=stdout) as process,
    ):
        for line in process.stderr:
            if "sms_history" in line:
                break
        process.send_signal(signal.SIGTERM)
        err = process.stderr.read()
    assert process.returncode == 143
    assert "Traceback" not in err
    assert all(
        "replication_key_value" not in json.dumps(s["value"]["bookmarks"].get("sms_history", {}))
        for s in states(out.read_text())
    )


@pytest.mark.long
@pytest.mark.parametrize("form", [None, "jsonl", "parquet"])
def test_a_reader_that_is_gone_ends_it_with_one_sentence(sandbox, tmp_path, form):
    """As a loader that dies; files are announced in few lines, so not one of them must find a reader."""
    config = {"api_url": sandbox.api_url, **CREDENTIALS}
    if form:
        config["batch_config"] = {"encoding": {"format": form}, "storage": {"root": tmp_path.as_uri()}}
    reading, writing = os.pipe()
    os.close(reading)
    with tap_process(tmp_path, config, stdout=writing) as process:
        os.close(writing)
        assert_says_that_the_reader_is_gone(process)


def test_a_reader_that_goes_away_ends_it_with_one_sentence(sandbox, tmp_path):
    """As ``| head -1`` does."""
    config = {"api_url": sandbox.api_url, **CREDENTIALS}
    with tap_process(tmp_path, config, stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["type"] == "SCHEMA"
        process.stdout.close()
        assert_says_that_the_reader_is_gone(process)


def assert_says_that_the_reader_is_gone(process):
    lines = process.stderr.read().splitlines()
    assert process.wait() == 1
    (error,) = (number for number, line in enumerate(lines) if "ERROR" in line)
    assert error == len(lines) - 1
    assert "The program that reads the tap's output has gone: " in lines[error]
    assert "the state was not moved" in lines[error]
    assert not [line for line in lines if "Traceback" in line or "ignored" in line or "Errno" in line]


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"s3cr3t"', "\x00\x01"])
def test_files_that_are_none_end_in_one_sentence(tmp_path, option, content):
    path = tmp_path / "given"
    path.write_text(content)
    done = tap_command(tmp_path, {"username": "u", "api_key": "k"}, option, str(path))
    assert done.returncode == 2
    assert option in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--state", {"bookmarks": []}),
        ("--state", {"bookmarks": {"sms_history": "x"}}),
        ("--state", {"bookmarks": {"sms_history": {"replication_key_value": "soon"}}}),
        ("--state", {"bookmarks": {"sms_history": {"open_windows": "zz"}}}),
        ("--state", {"bookmarks": {"sms_history": {"open_windows": [[1, 2]]}}}),
        ("--state", {"bookmarks": {"sms_history": {"open_windows": [["a", "b", "c"]]}}}),
        ("--catalog", {"streams": 5}),
        ("--catalog", {"streams": [{}]}),
        ("--catalog", {"streams": [None]}),
        ("--catalog", {}),
        (
            "--catalog",
            {"streams": [{"tap_stream_id": "s", "metadata": [], "schema": {"properties": {"x": True}}}]},
        ),
        (
            "--catalog",
            {
                "streams": [
                    {"tap_stream_id": "s", "metadata": [], "schema": {"properties": {"x": {"items": []}}}}
                ]
            },
        ),
    ],
)
def test_states_and_catalogs_that_are_none_end_in_one_sentence(sandbox, tmp_path, option, content):
    path = tmp_path / "given.json"
    path.write_text(json.dumps(content))
    done = tap_command(tmp_path, {"api_url": sandbox.api_url, **CREDENTIALS}, option, str(path))
    assert done.returncode == 2
    assert option in done.stderr.splitlines()[-1] or "state of sms_history" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_whole_state_message_will_do(sandbox, tmp_path):
    config = {"api_url": sandbox.api_url, **CREDENTIALS}
    first = tap_command(tmp_path, config)
    path = tmp_path / "state.json"
    path.write_text(first.stdout.splitlines()[-1])
    second = tap_command(tmp_path, config, "--state", str(path))
    assert second.stdout.count('"sms_history","record"') < first.stdout.count('"sms_history","record"') / 2


@pytest.mark.parametrize(
    ("name", "text", "fits"),
    [
        ("TIMEOUT", "30", True),
        ("TIMEOUT", "2.5", True),
        ("SETTLE_DAYS", "3", True),
        ("PAGE_SIZE", "50", True),
        ("LIST_IDS", "[]", False),
        ("PAGE_SIZE", "abc", False),
        ("LIST_IDS", "abc", False),
        ("TIMEOUT", "soon", False),
    ],
)
def test_settings_of_every_type_come_from_the_environment(sandbox, tmp_path, name, text, fits):
    env = {"TAP_CLICKSEND_API_URL": sandbox.api_url, "TAP_CLICKSEND_USERNAME": "sandbox"}
    env |= {"TAP_CLICKSEND_API_KEY": "sandbox-key", f"TAP_CLICKSEND_{name}": text}
    done = tap_command(tmp_path, {}, "--config=ENV", **env)
    assert (done.returncode == 0) == fits, done.stderr
    assert fits or f"Setting {name.lower()} must" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_failure_is_said_once(sandbox, tmp_path):
    config = {"api_url": sandbox.api_url, **CREDENTIALS, "api_key": "wrong", "max_retries": 0}
    assert tap_command(tmp_path, config).stderr.count("ERROR") == 1
    tested = tap_command(tmp_path, {"api_url": sandbox.api_url, **CREDENTIALS}, "--test")
    assert "ERROR" not in tested.stderr


@pytest.mark.parametrize("config", [{"user_agent": "a\nb"}, {"api_url": "http://127.0.0.1:99999/v3"}])
def test_settings_that_requests_would_choke_on(tmp_path, config):
    done = tap_command(tmp_path, {**CREDENTIALS, **config})
    assert done.returncode == 2
    assert f"Setting {next(iter(config))} " in done.stderr.splitlines()[-1]
