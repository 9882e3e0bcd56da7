"""What the tap's settings must be, beside their types."""

from datetime import UTC, datetime, timedelta

import pytest

from clicksend.errors import SettingsError
from tap_clicksend.settings import moment
from tap_clicksend.tap import TapClickSend
from tests.tap.runner import CREDENTIALS


def tap(**config):
    return TapClickSend(config={"api_url": "http://127.0.0.1:9/v3", **CREDENTIALS, **config})


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-01", "2026-10-01"),
        ("2026-10-01", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01T02:00:00+02:00", "2026-10-01"),
        ("2026-10-01T00:00:01Z", "2026-10-01"),
    ],
)
def test_a_span_that_holds_no_moment_is_refused(start, end):
    with pytest.raises(SettingsError, match="end_date must lie after start_date"):
        tap(start_date=start, end_date=end)
    later = (moment({"end_date": end}, "end_date") + timedelta(seconds=2)).isoformat()
    assert tap(start_date=start, end_date=later).config["end_date"] == later


def test_what_lies_in_the_future_has_nothing_to_read():
    soon = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(SettingsError, match="start_date lies in the future"):
        tap(start_date=soon.isoformat())
    # A backfill may end whenever it likes.
    assert tap(end_date=soon.isoformat())


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize("text", ["2026-10-01", "2026-10-01T00:00:00", "2026-09-30T19:00:00-05:00"])
def test_a_date_without_a_zone_is_utc(name, text):
    assert moment({name: text}, name) == datetime(2026, 10, 1, tzinfo=UTC)


def files(root, form="parquet"):
    return {"batch_config": {"encoding": {"format": form}, "storage": {"root": root}}}


@pytest.mark.parametrize(
    ("form", "root", "missing", "sentence"),
    [
        ("parquet", "file:///tmp/x", {"pyarrow"}, r"parquet needs pyarrow: .*pip install '.*\[arrow\]'"),
        ("parquet", "s3://bucket/x", {"pyarrow"}, r"parquet needs pyarrow: .*pip install '.*\[arrow\]'"),
        ("parquet", "s3://bucket/x", {"s3fs"}, r"s3 needs s3fs: .*pip install 'singer-clicksend\[s3\]'"),
        (
            "parquet",
            "s3a://bucket",
            {"s3fs", "pyarrow"},
            r"parquet on s3 needs pyarrow and s3fs: .*\[arrow,s3\]",
        ),
        (
            "jsonl",
            "s3://bucket/x",
            {"s3fs", "pyarrow"},
            r"s3 needs s3fs: .*pip install 'singer-clicksend\[s3\]'",
        ),
        ("jsonl", "file:///tmp/x", {"s3fs", "pyarrow"}, None),
        ("parquet", "s3://bucket/x", set(), None),
    ],
)
def test_what_files_need_is_named_with_its_extra(monkeypatch, form, root, missing, sentence):
    monkeypatch.setattr("tap_clicksend.settings.find_spec", lambda name: name not in missing)
    if sentence is None:
        assert tap(**files(root, form))
        return
    with pytest.raises(SettingsError, match=sentence):
        tap(**files(root, form))


@pytest.mark.parametrize(
    "root", ["s3://AKIAEXAMPLE:a-secret-of-ours@bucket/x", "s3://me@bucket", "sftp://me:x@host/"]
)
def test_no_key_is_part_of_a_url(monkeypatch, root):
    monkeypatch.setattr("tap_clicksend.settings.find_spec", lambda _: True)
    with pytest.raises(SettingsError, match="must name no user or key") as refused:
        tap(**files(root))
    assert "a-secret-of-ours" not in str(refused.value)


@pytest.mark.parametrize("root", ["s3://", "s3:///x", "s3:x"])
def test_s3_needs_a_bucket(monkeypatch, root):
    monkeypatch.setattr("tap_clicksend.settings.find_spec", lambda _: True)
    with pytest.raises(SettingsError, match="s3://bucket/folder"):
        tap(**files(root))
