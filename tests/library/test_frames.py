"""``clicksend.read``: the tap's rows with an analyst's types, without a warehouse."""

import io
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import get_args

import duckdb
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import clicksend
from clicksend import errors, frames
from clicksend.client import Client
from clicksend.errors import SettingsError, UnauthorizedError, UnreachableError
from clicksend.ledger.records import Outcome
from tap_clicksend.streams.outcomes import Outcomes
from tap_clicksend.tap import TapClickSend
from tests.e2e.checkout import ROOT
from tests.tap.runner import CREDENTIALS, run_tap

STREAMS = TapClickSend(validate_config=False).streams
HISTORIES = ["sms_history", "mms_history", "voice_history"]


@pytest.fixture
def read(sandbox):
    def read(stream, **options):
        return clicksend.read(
            stream, **{"api_url": sandbox.api_url, "max_retries": 0, **CREDENTIALS, **options}
        )

    return read


@pytest.fixture
def empty(sandbox):
    """Make all collections empty."""
    data = {"total": 0, "per_page": 15, "last_page": 0, "data": []}
    body = {"http_code": 200, "response_code": "SUCCESS", "data": data}
    sandbox.control("POST", "faults", {"kind": "body", "body": body, "times": -1})


def dtype(column):
    """Return the dtype that pandas must have for a column's JSON schema."""
    (kind,) = set(column["type"]) - {"null"}
    if column.get("format") == "date-time":
        return pd.DatetimeTZDtype("us", "UTC")
    if kind == "array" and "string" in column["items"]["type"]:
        return object
    text = pd.StringDtype(na_value=float("nan"))
    return {"integer": pd.Int64Dtype(), "number": object}.get(kind, text)


def expected_dtypes(stream):
    return {name: dtype(column) for name, column in STREAMS[stream].schema["properties"].items()}


def as_written(rows):
    """Return rows as they are after the way through a Singer message."""
    return json.loads(msgspec.json.Encoder(decimal_format="number").encode(list(rows)))


@pytest.mark.parametrize("stream", STREAMS)
def test_rows_are_the_taps_own_and_the_frame_has_its_types(sandbox, read, stream, capfd):
    sandbox.control("POST", "switches", {"legacy_paths": "served"})
    tap_rows = run_tap(sandbox.api_url, stream).rows(stream)
    rows = read(stream)
    assert as_written(rows) == tap_rows
    frame = rows.to_pandas()
    assert len(frame) == len(tap_rows) > 0
    assert dict(frame.dtypes) == expected_dtypes(stream)
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("stream", sorted(STREAMS.keys() - {"account"}))
def test_an_empty_stream_keeps_its_types(read, stream):
    frame = read(stream).to_pandas()
    assert len(frame) == 0
    assert dict(frame.dtypes) == expected_dtypes(stream)


def test_values_in_a_frame(read):
    rows, frame = list(read("sms_history")), read("sms_history").to_pandas()
    prices = [row["message_price"] for row in rows if row["message_price"] is not None]
    assert isinstance(frame["message_price"].dropna().iloc[0], Decimal)
    assert frame["message_price"].sum() == sum(prices)
    assert frame["message_price"].astype(float).mean() == pytest.approx(float(sum(prices) / len(prices)))
    assert frame["date"].iloc[0] == datetime.fromisoformat(rows[0]["date"])
    assert 0 < frame["list_id"].isna().sum() < len(frame)
    assert frame["list_id"].sum() == sum(row["list_id"] or 0 for row in rows)


class TestBatches:
    """Arrow batches, in bounded memory."""

    def test_they_hold_what_the_table_holds(self, read, monkeypatch):
        monkeypatch.setattr("tap_clicksend.rows.arrow.PAGES", 2)
        batches = list(reader := read("sms_history").to_batches())
        assert len(batches) > 1
        table = read("sms_history").to_arrow()
        assert reader.schema == table.schema
        assert pa.Table.from_batches(batches, reader.schema) == table

    @pytest.mark.usefixtures("empty")
    def test_an_empty_stream_keeps_its_types(self, read):
        table = read("sms_history").to_batches().read_all()
        assert (table.num_rows, table.schema) == (0, read("sms_history").to_arrow().schema)

    def test_one_is_there_before_the_next_are_asked_for(self, sandbox, read, monkeypatch):
        monkeypatch.setattr("tap_clicksend.rows.arrow.PAGES", 2)
        rows = read("sms_history", page_size=15, max_concurrency=1)
        closed = []
        monkeypatch.setattr(Client, "close", lambda _: closed.append("closed"))
        for batch in rows.to_batches():
            assert batch.num_rows == 30
            assert not closed
            break
        del batch
        assert len(closed) == 1
        assert len(sandbox.requests()) < 10

    @pytest.mark.parametrize("error", [KeyboardInterrupt, UnreachableError])
    def test_what_ends_the_reading_comes_through(self, read, monkeypatch, error):
        def request(*_, **__):
            raise error("as it is")

        reader = read("countries").to_batches()
        monkeypatch.setattr(Client, "request", request)
        with pytest.raises(error, match="as it is"):
            list(reader)


def test_an_arrow_table_holds_what_the_frame_holds(read):
    table = read("sms_history").to_arrow()
    assert table.num_rows == len(read("sms_history").to_pandas())
    assert str(table.schema.field("date").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("message_price").type) == "decimal128(38, 9)"


def in_numpy(moment):
    return np.datetime64(datetime.fromisoformat(moment).replace(tzinfo=None))


@pytest.mark.parametrize("stream", HISTORIES)
def test_since_and_until_cut_to_the_second(read, stream):
    rows = sorted(read(stream), key=lambda row: row[STREAMS[stream].replication_key])
    dates = [row[STREAMS[stream].replication_key] for row in rows]
    since, until = dates[len(rows) // 3], dates[2 * len(rows) // 3]
    expected = {row["message_id"] for row, moment in zip(rows, dates, strict=True) if since <= moment < until}
    for kind in (str, datetime.fromisoformat, pd.Timestamp, in_numpy):
        cut = list(read(stream, since=kind(since), until=kind(until)))
        assert {row["message_id"] for row in cut} == expected
        assert len(cut) == len(expected) > 0


def test_a_timedelta_is_so_long_ago(sandbox, read, monkeypatch):
    now = datetime.fromtimestamp(sandbox.state()["now"], UTC)
    monkeypatch.setattr(frames, "_now", lambda: now)
    dates = {row["message_id"]: datetime.fromisoformat(row["date"]) for row in read("sms_history")}
    month, week = timedelta(days=30), pd.Timedelta(days=7)
    last = {row["message_id"] for row in read("sms_history", since=month)}
    assert last == {key for key, moment in dates.items() if moment >= now - month}
    before = {row["message_id"] for row in read("sms_history", since=month, until=week)}
    assert before == {key for key, moment in dates.items() if now - month <= moment < now - week}
    assert set(dates) > last > before > set()


@pytest.fixture
def _far_from_utc(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Chicago")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_utc")
def test_a_date_and_a_time_without_a_zone_are_utc(read):
    rows = list(read("sms_history"))
    days = [row["date"][:10] for row in rows]
    second_of_its_day = next(i for i, day in enumerate(days) if days.count(day) > 1) + 1
    middle = datetime.fromisoformat(rows[second_of_its_day]["date"]).astimezone(UTC)
    later = [row for row in rows if row["date"] >= middle.isoformat()]
    assert list(read("sms_history", since=middle.replace(tzinfo=None))) == later
    today = [row for row in rows if row["date"] >= middle.date().isoformat()]
    assert list(read("sms_history", since=date(middle.year, middle.month, middle.day))) == today
    assert len(today) > len(later)


def test_a_second_iteration_reads_again(sandbox, read):
    rows = read("sms_history")
    first = list(rows)
    sandbox.advance(2 * 86_400)
    assert len(list(rows)) > len(first)


def test_nothing_is_requested_before_it_is_needed_and_little_after(sandbox, read, monkeypatch):
    rows = read("sms_history", page_size=15, max_concurrency=4)
    assert "sms_history" in repr(rows)
    assert not sandbox.requests()
    closed = []
    monkeypatch.setattr(Client, "close", lambda _: closed.append("closed"))
    iterator = iter(rows)
    next(iterator)
    assert not closed
    iterator.close()
    assert len(closed) == 1
    assert len(sandbox.requests()) < 20


def test_no_voice_access_is_an_empty_frame_and_a_warning(sandbox, read, caplog):
    sandbox.control("POST", "switches", {"voice_access": False})
    frame = read("voice_history").to_pandas()
    assert len(frame) == 0
    assert dict(frame.dtypes) == expected_dtypes("voice_history")
    assert "no voice access" in caplog.text


def test_keys_come_from_the_environment(sandbox, monkeypatch):
    monkeypatch.setenv("SKILLBOSS_API_KEY", "sandbox-key")
    assert list(clicksend.read("countries", api_url=sandbox.hub_api_url))
    monkeypatch.setenv("CLICKSEND_USERNAME", "sandbox")
    monkeypatch.setenv("CLICKSEND_API_KEY", "direct-key")
    with pytest.raises(UnauthorizedError):
        list(clicksend.read("account", api_url=sandbox.api_url))


@pytest.mark.parametrize(
    ("stream", "options", "named"),
    [
        ("sms_histroy", {}, "no stream sms_histroy: did you mean sms_history.* voice_languages"),
        ("faxes", {}, "no stream faxes: the streams are account, "),
        ("lists", {"since": "2026-10-01"}, "since and until are for .*sms_history.*; lists can only"),
        ("contacts", {"until": "2026-10-01"}, "contacts can only be read whole"),
        ("sms_history", {"since": "soon"}, "since must be a date"),
        ("sms_history", {"until": 1_790_000_000}, "until must be a date"),
        ("sms_history", {"since": pd.NaT}, "since must be a date"),
        ("sms_history", {"since": "7 days ago"}, r"for a week ago write datetime.timedelta\(days=7\)\."),
        ("sms_history", {"since": np.datetime64("NaT", "us")}, "since must be a date"),
        ("sms_history", {"until": np.datetime64("20000-01-01")}, "until must be a date"),
        ("sms_history", {"since": timedelta.max}, "since must be a date"),
        ("sms_history", {"since": timedelta(seconds=-1)}, "since lies in the future"),
        ("sms_history", {"since": timedelta(1), "until": timedelta(7)}, "since must lie before until"),
        ("lists", {"since": timedelta(1)}, "lists can only be read whole"),
        ("outcomes", {}, "outcomes needs ledger_url"),
        ("sms_history", {"since": "2999-01-01"}, "since lies in the future"),
        ("sms_history", {"since": "2026-02-01", "until": "2026-02-01"}, "since must lie before until"),
        ("sms_history", {"pagesize": 5}, "Unknown setting pagesize: did you mean page_size"),
        ("sms_history", {"start_date": "2026-01-01"}, "Unknown setting start_date"),
        (
            "sms_history",
            {"stream_maps": {"sms_history": {"body": "__NULL__"}}},
            "Unknown setting stream_maps",
        ),
        ("sms_history", {"api_key": None}, "api_key"),
    ],
)
def test_what_is_wrong_is_said_at_once(sandbox, read, stream, options, named):
    with pytest.raises(SettingsError, match=named):
        read(stream, **options)
    assert not sandbox.requests()


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestProgress:
    """A bar for people, nothing for pipes."""

    def test_a_history_shows_how_far_it_is(self, read, monkeypatch):
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        rows = list(read("sms_history"))
        assert "sms_history: 100%|" in terminal.getvalue()
        assert f"| {len(rows)}/{len(rows)} [" in terminal.getvalue()

    def test_it_ends_full_also_where_the_server_counts_more(self, sandbox, read, monkeypatch):
        sandbox.control("POST", "switches", {"date_filter": "ignored"})
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        rows = list(read("sms_history", since="2026-08-01"))
        assert f"| {len(rows)}/{len(rows)} [" in terminal.getvalue()
        assert len(rows) < sandbox.state()["rows"]["sms_history"]

    def test_other_streams_are_counted(self, read, monkeypatch):
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        count = len(read("contacts").to_pandas())
        assert f"contacts: {count} rows" in terminal.getvalue()

    @pytest.mark.usefixtures("empty")
    def test_an_empty_history(self, read, monkeypatch):
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert not list(read("sms_history"))

    def test_no_voice_access_does_not_break_it(self, sandbox, read, monkeypatch):
        sandbox.control("POST", "switches", {"voice_access": False})
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert not list(read("voice_history"))

    def test_nothing_is_written_when_piped_and_nothing_ever_to_stdout(self, read, capfd, monkeypatch):
        assert list(read("sms_history"))
        assert capfd.readouterr() == ("", "")
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert list(read("sms_history"))
        assert capfd.readouterr().out == ""


@pytest.mark.parametrize("missing", ["pandas", "pyarrow"])
def test_without_the_extra_it_says_what_to_install_before_it_reads(sandbox, read, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "tap_clicksend.rows.arrow", raising=False)
    with pytest.raises(
        ModuleNotFoundError, match=rf"{missing} is missing: .*pip install 'singer-clicksend\[arrow\]'"
    ):
        read("sms_history").to_pandas()
    if missing == "pyarrow":
        for convert in (clicksend.frames.Rows.to_arrow, clicksend.frames.Rows.to_batches):
            with pytest.raises(ModuleNotFoundError, match=r"pyarrow is missing: .*pip install"):
                convert(read("sms_history"))
    assert not sandbox.requests()
    assert list(read("countries"))


def test_ctrl_c_stays_what_it_was(read):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    list(read("countries"))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_importing_clicksend_is_lean_and_a_module_never_hides_the_function():
    code = (
        "import sys, clicksend\n"
        "heavy = {'pandas', 'pyarrow', 'numpy', 'tqdm', 'singer_sdk', 'tap_clicksend'}\n"
        "assert not (heavy | {'requests', 'jsonschema'}) & sys.modules.keys()\n"
        "import clicksend.frames, clicksend.cli.doctor\n"
        "assert callable(clicksend.read)\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
        "from datetime import timedelta\n"
        "sys.modules |= dict.fromkeys(['numpy', 'pandas', 'pyarrow'])  # as if they were not installed\n"
        "clicksend.read('sms_history', since=timedelta(days=7), username='u', api_key='k')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class TestPackage:
    """What ``import clicksend`` offers an analyst."""

    def test_all_streams_are_named_for_editors_and_told(self):
        kinds = {name: type(stream) for name, stream in STREAMS.items()} | {"outcomes": Outcomes}
        assert list(get_args(clicksend.StreamName)) == sorted(kinds)
        assert list(clicksend.streams()) == sorted(kinds)
        for name, what in clicksend.streams().items():
            assert what == (kinds[name].__doc__ or "").splitlines()[0] != ""

    @pytest.mark.long
    def test_a_type_checker_rejects_a_wrong_name(self):
        code = (
            "import clicksend\n"
            "clicksend.read('sms_history', since='2026-10-01').to_pandas()\n"
            "for name in clicksend.streams():\n"
            "    clicksend.read(name)\n"
            "clicksend.SettingsError, clicksend.__version__.upper()\n"
            "clicksend.read('sms_histroy')\n"
            "clicksend.raed\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file=", "--strict", "-c", code],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        wrong = [int(line.split(":")[1]) for line in done.stdout.splitlines() if line.startswith("<string>")]
        assert wrong == [6, 7], done.stdout
        assert "[arg-type]" in done.stdout

    def test_dir_has_what_is_meant_for_use_and_all_of_it_is_there(self):
        code = "import clicksend; print(*dir(clicksend)); [getattr(clicksend, one) for one in dir(clicksend)]"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == sorted(clicksend.__all__)
        assert clicksend.__version__ == version("singer-clicksend")
        with pytest.raises(AttributeError, match="no attribute 'raed'"):
            clicksend.raed  # noqa: B018

    def test_every_error_that_reading_can_end_with_is_exported(self):
        kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
        wanted = {kind for kind in kinds if issubclass(kind, errors.ApiError)}
        wanted |= {errors.ClickSendError, errors.SettingsError, errors.UnreachableError}
        wanted |= {errors.UnexpectedAnswerError}
        assert wanted == {one for one in map(clicksend.__dict__.get, clicksend.__all__) if one in kinds}


@pytest.mark.parametrize(
    "config", [{"pii": "hash", "pii_key": "a key that nobody guesses"}, {"pii": "drop"}], ids=str
)
def test_what_is_personal_can_be_hashed_or_dropped_here_too(read, config):
    plain = {row["email_address_id"]: row["email_address"] for row in read("email_addresses")}
    shown = {row["email_address_id"]: row["email_address"] for row in read("email_addresses", **config)}
    assert plain.keys() == shown.keys()
    assert all(plain.values())
    assert not set(plain.values()) & set(shown.values())
    assert all(len(value or "") == 64 * (config["pii"] == "hash") for value in shown.values())


@pytest.mark.both_databases
def test_outcomes_come_from_the_ledger(ledger, ledger_url, capfd):
    about = {"sink": "sms_messages", "stream": "texts", "outcome": "sent", "price": Decimal("0.1584")}
    ledger.outcomes.record("run", [Outcome(key=f"k{number}", **about) for number in range(1500)])
    rows = clicksend.read("outcomes", ledger_url=ledger_url, api_url="http://127.0.0.1:1/v3", **CREDENTIALS)
    assert {row["key"] for row in rows} == {f"k{number}" for number in range(1500)}
    assert rows.to_pandas()["price"].sum() == 1500 * Decimal("0.1584")
    with duckdb.connect() as database:
        # It reads from threads of its own.
        database.register("outcomes", rows.to_batches())
        (found,) = database.sql("select count(distinct key), sum(price) from outcomes").fetchall()
    assert found == (1500, 1500 * Decimal("0.1584"))
    assert capfd.readouterr().out == ""
