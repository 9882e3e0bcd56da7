"""What a Spark job reads, without Spark: windows that hold each row once, options, types."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clicksend
from clicksend import frames
from clicksend.errors import SettingsError, UnreachableError
from clicksend.frames import properties
from clicksend.spark_plan import PII_KEY, Part, Plan
from tests.conftest import budget
from tests.sandbox.runner import DAY, EPOCH
from tests.tap.runner import CREDENTIALS

SECRETS = {
    "api_key": "a-live-key-of-somebody",
    "pii_key": "a key that nobody guesses",
    "ledger_url": "postgresql://me:a-password@host/ledger",
    "username": "somebody@example.com",
}
SPELLED = ["apiKey", "API-KEY", "clicksend_api_key", "SKILLBOSS_API_KEY", "password", "auth_token", "Secret"]


@pytest.fixture
def keys(monkeypatch):
    """Put the keys where they belong."""
    monkeypatch.setenv("CLICKSEND_USERNAME", CREDENTIALS["username"])
    monkeypatch.setenv("CLICKSEND_API_KEY", CREDENTIALS["api_key"])


@pytest.fixture
def plan(sandbox, keys):
    def plan(stream="sms_history", **options):
        return Plan({"stream": stream, "api_url": sandbox.api_url, **options})

    return plan


def seconds(moment):
    return None if moment is None else int(datetime.fromisoformat(moment).timestamp())


class TestWindows:
    """Together they are the history."""

    @pytest.mark.usefixtures("keys")
    @settings(max_examples=budget(40, 400), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        since=st.none() | st.integers(EPOCH - 130 * DAY, EPOCH - 2),
        days=st.none() | st.floats(1e-5, 150),
        count=st.none() | st.integers(1, 40),
    )
    def test_they_cover_the_span_exactly_once(self, sandbox, since, days, count):
        until = None if days is None else (since or EPOCH - 100 * DAY) + max(1, int(days * DAY))
        span = {"since": since, "until": until}
        texts = {
            name: datetime.fromtimestamp(moment, UTC).isoformat() for name, moment in span.items() if moment
        }
        before = len(sandbox.requests())
        rows = clicksend.read("sms_history", api_url=sandbox.api_url, **texts)
        windows = [tuple(map(seconds, window)) for window in rows.windows(count)]
        assert len(sandbox.requests()) == before + 1
        assert 1 <= len(windows) <= (count or frames.FEWEST_WINDOWS)
        now = sandbox.state()["now"]
        assert windows[0][0] == since
        if len(windows) == 1:
            assert windows[0][1] in {until, now + 1}
        else:
            assert windows[-1][1] == min(now + 1, until or now + 1)
        assert all(one[1] == other[0] for one, other in pairwise(windows))
        assert all(one[0] is None or one[0] < one[1] for one in windows)

    @pytest.mark.parametrize("stream", ["sms_history", "mms_history", "voice_history", "link_clicks"])
    @pytest.mark.parametrize("switch", [{}, {"date_filter": "ignored"}], ids=["filtered", "not filtered"])
    def test_each_row_is_in_one(self, sandbox, plan, stream, switch):
        sandbox.control("POST", "switches", switch)
        whole = clicksend.read(stream, api_url=sandbox.api_url).to_arrow().to_pylist()
        read = plan(stream, numPartitions="5")
        parts = read.parts()
        found = [row for part in parts for batch in read.read(part) for row in batch.to_pylist()]
        assert len(parts) > 1
        assert Counter(map(repr, found)) == Counter(map(repr, whole))

    def test_a_sizeable_account_has_four_or_more(self, sandbox, plan, monkeypatch):
        assert len(plan().parts()) == 4
        monkeypatch.setattr(frames, "ROWS_IN_A_WINDOW", 50)
        assert len(plan().parts()) == -(-sandbox.state()["rows"]["sms_history"] // 50) > 8

    def test_a_small_one_is_left_whole(self, plan):
        assert len(plan("mms_history", since="2026-09-20").parts()) == 1

    def test_what_is_no_history_is_one(self, sandbox, plan):
        before = len(sandbox.requests())
        assert plan("contacts", numPartitions="8").parts() == [Part(None, None)]
        assert len(sandbox.requests()) == before

    def test_nothing_moves_them_but_the_server(self, sandbox, plan):
        assert plan().parts() == plan().parts()
        spans = {"since": "2026-08-01", "until": "2026-09-01"}
        parts = plan(**spans).parts()
        sandbox.advance(5)
        assert plan(**spans).parts() == parts

    def test_a_history_that_the_account_may_not_see_is_one(self, sandbox, plan):
        sandbox.control("POST", "switches", {"voice_access": False})
        assert plan("voice_history").parts() == [Part(None, None)]

    @pytest.mark.usefixtures("keys")
    def test_who_does_not_answer_is_named(self):
        plan = Plan({"stream": "sms_history", "api_url": "http://127.0.0.1:1/v3", "max_retries": "0"})
        with pytest.raises(UnreachableError):
            plan.parts()


class TestOptions:
    """No secret is one; what is one is checked before anything is asked."""

    @pytest.mark.parametrize("name", [*SECRETS, *SPELLED])
    def test_a_secret_is_refused(self, name):
        value = SECRETS.get(name, "a-live-key-of-somebody")
        with pytest.raises(SettingsError, match="environment of the driver and of all executors") as refused:
            Plan({"stream": "sms_history", name: value})
        assert value not in str(refused.value)

    def test_every_secret_of_ours_is_one(self):
        for name in [name for name, schema in properties().items() if schema.get("secret")]:
            with pytest.raises(SettingsError, match=f"Option {name} is refused"):
                Plan({"stream": "sms_history", name: "x"})

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({}, "Option stream is missing"),
            ({"stream": "sms_history", "sinze": "2026-01-01"}, "Unknown setting sinze: did you mean since?"),
            ({"stream": "sms_history", "path": "/x"}, "Unknown setting path"),
            ({"stream": "outcomes"}, "outcomes is a table of the ledger"),
            ({"stream": "sms_history", "numPartitions": "0"}, "numpartitions"),
            ({"stream": "sms_history", "numPartitions": "many"}, "numpartitions"),
        ],
    )
    def test_what_is_wrong_is_said(self, options, sentence):
        with pytest.raises(SettingsError, match=sentence):
            Plan(options)

    def test_a_wrong_stream_or_span_is_said_before_anything_is_asked(self, plan):
        with pytest.raises(SettingsError, match="did you mean sms_history"):
            plan("sms_histori").schema()
        with pytest.raises(SettingsError, match="since and until are for"):
            plan("contacts", since="2026-09-01").schema()

    def test_a_missing_key_is_named(self):
        with pytest.raises(SettingsError, match="SKILLBOSS_API_KEY"):
            Plan({"stream": "sms_history"}).schema()

    def test_parts_share_the_limit(self, plan):
        parts = plan(requests_per_minute="1000", numPartitions="4").parts()
        assert [part.requests_per_minute for part in parts] == [250] * 4
        assert {part.requests_per_minute for part in plan(requests_per_minute="2").parts()} == {1}
        assert {part.requests_per_minute for part in plan().parts()} == {None}

    def test_a_part_keeps_to_its_share(self, plan, monkeypatch):
        read, given = plan(requests_per_minute="1000", numPartitions="4"), []
        monkeypatch.setattr(
            "clicksend.spark_plan.read",
            lambda stream, **settings: given.append(settings) or clicksend.read(stream, **settings),
        )
        assert list(read.read(Part(None, None, 250)))
        assert given[0]["requests_per_minute"] == 250

    def test_the_key_of_hashes_comes_from_the_environment(self, sandbox, plan, monkeypatch):
        with pytest.raises(SettingsError, match="pii_key"):
            plan("contacts", pii="hash").schema()
        monkeypatch.setenv(PII_KEY, SECRETS["pii_key"])
        read = plan("contacts", pii="hash")
        hashed = {"pii": "hash", "pii_key": SECRETS["pii_key"]}
        whole = clicksend.read("contacts", api_url=sandbox.api_url, **hashed).to_arrow()
        found = [row for part in read.parts() for batch in read.read(part) for row in batch.to_pylist()]
        assert found == whole.to_pylist()


@pytest.mark.parametrize("stream", [name for name in clicksend.streams() if name != "outcomes"])
def test_types_are_those_of_tables_and_nothing_is_asked(sandbox, plan, stream):
    before = len(sandbox.requests())
    schema = plan(stream).schema()
    assert len(sandbox.requests()) == before
    assert schema == clicksend.read(stream, api_url=sandbox.api_url).to_arrow().schema


def test_without_spark_the_extra_is_named():
    with pytest.raises(
        ModuleNotFoundError, match=r"pyspark is missing: .*pip install 'singer-clicksend\[spark\]'"
    ):
        import clicksend.spark  # noqa: F401
