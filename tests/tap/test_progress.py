"""Progress: what it says, to whom, how often."""

import io
import json
import logging
import re
import sys

import pytest
from singer_sdk.logging import StructuredFormatter

from tap_clicksend import progress
from tap_clicksend.progress import EVERY, Bar, Lines, Progress, run_summary
from tap_clicksend.streams import ALL
from tests.tap.runner import run_tap


@pytest.fixture
def going(clock):
    """Return progress whose time is the clock's."""
    return Progress("sms_history", clock.monotonic)


@pytest.fixture
def lines(caplog):
    caplog.set_level("INFO")
    return Lines(logging.getLogger("tap-clicksend.sms_history"))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_it_says(going, clock):
    assert str(going) == "sms_history: 0 rows, 0 rows/s"
    clock.sleep(10)
    going.rows += 20_000
    assert str(going) == "sms_history: 20,000 rows, 2,000 rows/s"
    going.expect(100_000, windows=1)
    going.expect(0, windows=9)
    going.windows += 2
    said = "sms_history: 20,000 of 100,000 rows, 2 of 10 windows, 2,000 rows/s, 40 s left"
    assert str(going) == said


def test_without_a_total_nobody_knows_how_long(going, clock):
    going.expect(None, windows=1)
    going.rows += 5
    clock.sleep(1)
    assert (going.total, going.eta_seconds) == (None, None)


def test_more_than_expected_is_not_less_than_no_time(going, clock):
    going.expect(10)
    going.rows += 12
    clock.sleep(1)
    assert going.eta_seconds == 0


def test_a_line_every_few_seconds_however_many_pages(going, clock, lines, caplog):
    for _ in range(100):
        clock.sleep(EVERY / 20)
        going.rows += 100
        lines.update(going)
    lines.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"sms_history: {rows:,} rows, 400 rows/s." for rows in (2000, 4000, 6000, 8000, 10_000)
    ]


def test_structured_logs_have_its_figures_as_fields(going, clock, lines, caplog):
    going.expect(1000, windows=2)
    going.rows += 250
    clock.sleep(EVERY)
    lines.update(going)
    (record,) = caplog.records
    entry = json.loads(StructuredFormatter().format(record))
    assert entry["stream_name"] == "sms_history"
    assert entry["extra"].items() >= {"rows": 250, "total": 1000, "windows": 0, "windows_total": 2}.items()
    assert entry["extra"].items() >= {"rows_per_second": 50, "eta_seconds": 15}.items()


def test_a_bar_on_a_terminal_and_log_lines_above_it(going, clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [logging.StreamHandler(sys.stderr)])
    bar = progress.shown_on_stderr("sms_history", root)
    assert isinstance(bar, Bar)
    going.expect(200, windows=3)
    going.rows += 100
    root.warning("something happened")
    bar.update(going)
    bar.close()
    assert "something happened\n" in terminal.getvalue()
    assert "sms_history" in terminal.getvalue()
    assert "1/3 windows" not in terminal.getvalue()
    root.warning("afterwards")
    assert terminal.getvalue().endswith("afterwards\n")


def test_lines_where_nobody_watches(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress.shown_on_stderr("lists", logging.getLogger()), Lines)


def test_a_run_says_a_line_for_each_window_and_one_for_each_stream(sandbox, monkeypatch, caplog):
    monkeypatch.setattr("tap_clicksend.readers.windows.LARGEST_WINDOW", 100)
    caplog.set_level("INFO")
    output = run_tap(sandbox.api_url, "sms_history", "countries")
    said = [record for record in caplog.records if record.name == "tap-clicksend.sms_history"]
    windows = [record for record in said if " to " in record.getMessage()]
    (summary,) = [record for record in said if "settled" in record.getMessage()]
    rows = len(output.rows("sms_history"))
    assert f"{rows:,} rows, " in summary.getMessage()
    assert "0 re-reads" in summary.getMessage()
    assert (summary.rows, summary.windows, summary.windows_total) == (rows, len(windows), len(windows))
    assert len(windows) > 3
    assert summary.total == rows
    (countries,) = [r for r in caplog.records if r.name == "tap-clicksend.countries" and hasattr(r, "rows")]
    assert countries.rows == countries.total == len(output.rows("countries"))


OF_ONE = re.compile(r"(?<![\d,.])1 (?!of )\w+s\b(?!/)")


def test_of_one_thing_everything_speaks_in_the_singular(going, clock):
    clock.sleep(1)
    going.rows += 1
    assert str(going) == "sms_history: 1 row, 1 row/s"
    going.expect(1, windows=1)
    going.windows += 1
    assert str(going) == "sms_history: 1 of 1 row, 1 of 1 window, 1 row/s, 0 s left"
    assert run_summary([going], 0.54, {}) == "1 stream, 1 row in 0.5 s"


def test_each_line_names_its_stream_and_the_last_says_what_the_run_came_to(sandbox, caplog):
    caplog.set_level("INFO")
    output = run_tap(sandbox.api_url)
    ours = [record for record in caplog.records if record.name.startswith("tap-clicksend")]
    said = [(record.name.partition(".")[2], record.getMessage()) for record in ours]
    counts = [(stream, line) for stream, line in said if re.search(r"\d rows?\b", line)]
    assert {stream for stream, _ in counts} == {"", *(stream.name for stream in ALL)}
    for stream, line in counts:
        assert line.startswith((f"{stream}: ", f"{stream}, ")) or not stream
        assert not OF_ONE.search(line), line
    rows = sum(message["type"] == "RECORD" for message in output.messages)
    bookmarks = {
        name: state["replication_key_value"]
        for name, state in output.state["bookmarks"].items()
        if "replication_key_value" in state
    }
    stream, last = said[-1]
    assert stream == ""
    assert re.fullmatch(rf"{len(ALL)} streams, {rows:,} rows in \d+\.\d s; bookmarks: .*\.", last)
    assert (
        last.partition("bookmarks: ")[2]
        == ", ".join(f"{n} {at}" for n, at in sorted(bookmarks.items())) + "."
    )
    assert bookmarks.keys() >= {"sms_history", "mms_history", "voice_history"}


def test_a_run_of_one_stream_says_so(sandbox, caplog):
    caplog.set_level("INFO")
    run_tap(sandbox.api_url, "account")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tap-clicksend")]
    assert any(re.fullmatch(r"account: 1 row, 1 page in \d\.\d s, [\d,]+ rows/s\.", line) for line in lines)
    assert re.fullmatch(r"1 stream, 1 row in \d\.\d s\.", lines[-1])
