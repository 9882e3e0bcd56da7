"""The filter before all handlers: what never gets out, and what must stay readable."""

import io
import json
import logging
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.logging import StructuredFormatter
from singer_sdk.metrics import Metric, Point

from clicksend import errors, logs

SECRET = "s3cr3t-of-sixteen-letters"
NUMBERS = [
    "+61411222333",
    "61411222333",
    "0411222333",
    "+61 411 222 333",
    "+1 (415) 555-0001",
    "+49 30-123.456",
    "welcome-61411222333",
    "to_61411222333",
    "%2B61411222333",
    "/lists/61411222333/contacts",
    "٠٤١١٢٢٢٣٣٣",
]
ADDRESSES = [
    "jane.roe@people.example",
    "Jane+x@sub.people.example",
    "q=email%3Ajane%40people.example",
    "ü@ö.de",
]
READABLE = [
    "sms_history, 2026-11-29T19:05:17+00:00 to 2026-11-29T20:05:17.123456Z: 12,345,678 rows, 123456789 rows",
    "GET http://127.0.0.1:54321/v3/lists/3555286/contacts/120399445 answered 400 BAD_REQUEST.",
    "run 7f3c0a52-1111-4222-8333-123456789012, message 11111111-2222-3333-4444-555555555555",
    "14142135.62373095 s, 0.12345678901234 each; key " + "0123456789abcdef" * 4,
    "Trying again in 20.0 s (attempt 1 failed). 99.9 % settled, HTTP 429.",
    "contacts 3 created, contacts 2 rejected; 12 requests, 1.2 s. Straße, 東京",
]


def seen(formatter=None, **options):
    """Return a logger and what comes of it."""
    logger, stream = logging.Logger(options.pop("name", "clicksend")), io.StringIO()  # noqa: LOG001
    for _ in range(2):
        handler = logging.StreamHandler(stream)
        handler.addFilter(logs.Guard())
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    return logger, stream


@pytest.mark.parametrize("text", [*NUMBERS, *ADDRESSES])
@pytest.mark.parametrize("before", ["", "is ", "'", "GET ?q="])
def test_numbers_and_addresses_are_masked_wherever_they_stand(text, before):
    for line in (f"{before}{text}", f"{before}{text}.", f"{before}{text} and {text}"):
        shown = logs.clean(line)
        assert "jane" not in shown.lower().replace("jane+x", "")
        assert not re.search(r"\d{5}|222|555|456", shown.replace("%2B", ""))


@pytest.mark.parametrize("line", READABLE)
def test_what_people_look_for_stays(line):
    assert logs.clean(line) == line


@given(st.text(), st.text())
def test_nothing_that_a_terminal_obeys_gets_out(before, after):
    for bad in ("\n", "\x1b[31m", "\x1b]52;c;YQ==\x07", "\u202e", "\u200e", "\u061c", "\x9b", "\u2028"):
        assert logs.clean(before + bad + after).isprintable()


def test_secrets_are_masked_and_so_are_passwords_of_urls(monkeypatch):
    monkeypatch.setattr(logs, "_secrets", set())
    logs.hide(SECRET, None, "", "short", "postgresql://u:p%40ssword-1@h/x")
    line = logs.clean(f"{SECRET} p%40ssword-1 p@ssword-1 short {SECRET}")
    assert line == "[key] [key] [key] short [key]"


def test_values_in_errors_of_others_are_left_out_and_so_is_their_chain():
    def deepest():
        int("+61411222333x")

    logger, stream = seen()
    try:
        try:
            deepest()
        except ValueError as error:
            raise KeyError("Qanaryfirst") from error
    except KeyError as error:
        logger.exception("It failed: %s and %s", error, errors.SettingsError("Setting a is wrong."))  # noqa: TRY401
        logger.error(error)  # noqa: TRY400
        logger.error("%(a)s", {"a": error})  # noqa: TRY400
    text = stream.getvalue()
    assert "Qanary" not in text
    assert "222" not in text
    assert "It failed: KeyError and Setting a is wrong." in text
    assert text.index(" deepest") < text.index("ValueError") < text.rindex("KeyError")


def test_structured_logs_show_no_more():
    logger, stream = seen(StructuredFormatter())
    try:
        int("Qanaryfirst")
    except ValueError:
        logger.exception(
            "x %s", "+61411222333", extra={"rows": 12, "who": "+61411222333\n", "all": {"a": SECRET}}
        )
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == second
    assert first["extra"]["rows"] == 12
    assert "Qanary" not in stream.getvalue()
    assert "222333" not in stream.getvalue()
    assert "test_structured" in first["message"]


def test_metrics_stay_as_they_are():
    logger, stream = seen(StructuredFormatter(), name="singer_sdk.metrics")
    logger.info("METRIC: %s", Point("counter", Metric.RECORD_COUNT, 12345678901, {"stream": "s"}))
    assert json.loads(stream.getvalue().splitlines()[0])["metric_info"]["value"] == 12345678901


@pytest.mark.parametrize(
    "name", ["urllib3.connection", "sqlalchemy.engine", "asyncio", "fsspec", "py.warnings"]
)
def test_of_others_only_errors_are_shown(name):
    logger, stream = seen(name=name)
    logger.warning("Failed to parse headers (url=?q=phone_number:%2B61411222333): Qanaryfirst")
    assert not stream.getvalue()
    logger.error("It broke at +61411222333")
    assert "It broke at [number]" in stream.getvalue()


def test_a_message_that_does_not_go_with_its_values_is_not_shown():
    logger, stream = seen()
    logger.info("%d rows", "Qanaryfirst")
    assert "Qanary" not in stream.getvalue()


def run(code, level="DEBUG"):
    return subprocess.run(
        [sys.executable, "-c", f"import logging; from clicksend import exit_codes\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        env={"LOGLEVEL": level},
    )


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_errors_of_threads_and_finalizers_are_not_quoted(level):
    done = run(
        "import threading, warnings\n"
        "class Odd:\n"
        "    def __del__(self): raise ValueError('Qanaryfirst')\n"
        "def work(): raise KeyError('Qanaryfirst')\n"
        "def command():\n"
        "    warnings.warn('Qanaryfirst')\n"
        "    Odd()\n"
        "    (one := threading.Thread(target=work)).start(); one.join()\n"
        "    int('Qanaryfirst')\n"
        "exit_codes.run_command(command, logging.getLogger('clicksend'))",
        level,
    )
    assert done.returncode == 1
    assert "Qanaryfirst" not in done.stderr
    assert "ValueError. This should not happen" in done.stderr
    assert ("work" in done.stderr) == (level == "DEBUG")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to 61411111111.0 of row 7", "to [number] of row 7"),
        ("to 61411111111.5", "to [number]"),
        ("to 6.1411111111e+10", "to [number]"),
        ("to 6.1411111111E10", "to [number]"),
        ("to +15551234567", "to [number]"),
        ("write it like +15551234567", "write it like +15551234567"),
        ("E.164 form (+15551234567)", "E.164 form (+15551234567)"),
        ("like +155512345678", "like [number]"),
        (
            "0.4 s, 12.345678 USD, 3,000 rows, 0.061411111111",
            "0.4 s, 12.345678 USD, 3,000 rows, 0.061411111111",
        ),
    ],
)
def test_a_number_is_hidden_in_every_form_of_a_float(text, shown):
    assert logs.clean(text) == shown


def test_of_two_keys_one_of_which_begins_the_other_nothing_is_left(monkeypatch):
    monkeypatch.setattr(logs, "_secrets", set())
    logs.hide(SECRET[:12], SECRET, SECRET[4:16])
    assert logs.clean(f"{SECRET} and {SECRET[:12]}") == "[key] and [key]"


def test_a_handler_of_any_logger_is_guarded():
    """Libraries and runners have loggers with handlers of their own."""
    code = (
        "import sys\n"
        "own = logging.getLogger('clicksend.of.a.runner'); own.propagate = False\n"
        "own.addHandler(logging.StreamHandler(sys.stderr))\n"
        "def command(): own.error('to %s', '+61411222333')\n"
        "exit_codes.run_command(command, logging.getLogger('clicksend'))"
    )
    done = run(code)
    assert done.stderr == "to [number]\n"
