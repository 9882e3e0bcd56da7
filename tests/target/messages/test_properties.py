"""Whatever rows come: each has one outcome, no key is sent twice, and the ledger counts what was read."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clicksend.sandbox import Sandbox
from target_clicksend.messages.cancel import SCHEDULED
from tests.conftest import budget
from tests.target.messages.cases import OTHER, TO, Box
from tests.target.runner import record, schema, state

SINKS = ("sms_messages", "mms_messages", "voice_messages", "cancellations")
anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.just(1))
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(1, 6) | st.none(),
        "idempotency_key": st.sampled_from(["a", "b", "", None, "+61491570156"]),
        "to": st.sampled_from([TO, OTHER, "+61491570158"]) | anything,
        "body": st.sampled_from(["a", "b", "c" * 161, "ü" * 9000]) | anything,
        "template_name": st.sampled_from(["Welcome", "nothing", None]),
        "schedule": st.sampled_from([1_790_000_600, 1, "soon", None]),
        "send_before": st.sampled_from([1_790_000_600, 1_600_000_000, None]),
        "opted_out": st.booleans() | st.none(),
        "time_zone": st.sampled_from(["Australia/Perth", "Europe/London", "Nowhere", None]),
        "purpose": st.sampled_from(["transactional", "marketing", None]),
        "custom_string": st.sampled_from(["mine", "mine", None, "*"]) | anything,
        "message_id": st.none() | st.just("00000000-0000-0000-0000-000000000000"),
    },
)
USUAL = {
    "to": TO,
    "body": "Hello",
    "subject": "Sale",
    "media_file": "https://example.com/a.jpg",
    "voice": "female",
    "lang": "en-au",
}
CONFIGS = st.fixed_dictionaries(
    {
        "opt_out": st.sampled_from(["enforce", "column", "ignore"]),
        "batch_size_rows": st.sampled_from([1, 2, 1000]),
    },
    optional={
        "quiet_hours": st.sampled_from(
            [{"start": "21:00", "end": "08:00", "policy": policy} for policy in ("schedule", "hold")]
        ),
        "dedupe_window_hours": st.just(1),
        "max_messages_per_run": st.integers(0, 9),
        "max_spend_per_run": st.sampled_from([0, 0.2, 100]),
        "messages_per_minute": st.integers(1, 5),
        "test_recipient": st.just(OTHER),
        "dry_run": st.booleans(),
        "fail_on_rejected": st.just(0.5),
    },
)
AGAIN = {"held", "failed"}


@pytest.fixture(scope="module")
def small():
    with Sandbox(messages=0, contacts=0, epoch=1_790_000_000) as box:
        yield box


@settings(max_examples=budget(15, 500), suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(SINKS), ROWS), max_size=12),
    st.lists(CONFIGS, min_size=1, max_size=3),
    st.booleans(),
)
@example(
    rows=[("sms_messages", {}), ("sms_messages", {"opted_out": True})],
    configs=[{"opt_out": "enforce", "quiet_hours": {"start": "21:00", "end": "08:00", "policy": "schedule"}}],
    throttles=False,
)
def test_any_rows_under_any_settings(small, rows, configs, throttles):
    small.control("POST", "reset")
    small.control("POST", "switches", {"throttle_seconds": 10 * throttles, "answer_order": "shuffled"})
    small.control("POST", "reply", {"from": "+61491570158", "body": "STOP"})
    lines = [schema(sink, ["id"]) for sink in SINKS]
    for number, (sink, row) in enumerate(rows, 1):
        lines += [
            record(sink, {"id": number, **({} if sink == "cancellations" else USUAL), **row}),
            state({"row": number}),
        ]
    with tempfile.TemporaryDirectory() as folder:
        out = Box(small, Path(folder))
        for config in configs:
            before = len(out.arrivals)
            ran = out.run(lines, **config)
            assert ran.error is None
            report = ran.report
            # What was scheduled to people who have opted out since is counted, too, and is no row.
            counts = {
                sink: sum(found.values()) for sink, found in report["rows"].items() if sink != SCHEDULED
            }
            assert counts == Counter(sink for sink, _ in rows)
            assert (report["rows_read"], report["rows_unfinished"]) == (len(rows), 0)
            if rows:
                assert out.counts(ran) == report["rows"]
            came = len(out.arrivals) - before
            assert came == sum(found.get("sent", 0) for found in report["rows"].values())
            assert came <= config.get("max_messages_per_run", came)
            again = sum(found.get(name, 0) for found in report["rows"].values() for name in AGAIN)
            tried = config.get("dry_run") or "test_recipient" in config
            # From ten rows of a sink on, all of them rejected is nobody's intention.
            lost = [found for found in report["rows"].values() if found.keys() == {"rejected"}]
            if tried or not rows or any(found["rejected"] >= 10 for found in lost):
                assert ran.states == []
            elif not again:
                assert ran.states[-1] == {"row": len(rows)}
            else:
                assert not ran.states or ran.states[-1]["row"] < len(rows)
        if rows:
            sent = out.query(
                "select count(message_id), count(distinct message_id) from outcomes"
                " where outcome in ('sent', 'cancelled')"
            )
            assert sent == [(len(out.arrivals), len(out.arrivals))]
            assert not [
                one
                for one in out.arrivals
                if one["to"] == "+61491570158" and all(c["opt_out"] == "enforce" for c in configs)
            ]
