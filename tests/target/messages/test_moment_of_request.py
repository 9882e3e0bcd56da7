"""What time decides is judged again right before each request: none starts after its row's time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.sandbox import API_KEY
from clicksend.transport import Transport
from tests.conftest import budget
from tests.target.messages.cases import OTHER, TO
from tests.target.runner import stream_of


@pytest.fixture
def slow(out, monkeypatch):
    """Return a function that lets each send take so many seconds, and remembers when each began."""
    began = []

    def slow(seconds):
        exchange = Transport.exchange

        def taking(self, request, *arguments, **options):
            if request.method == "POST" and request.url.endswith(("/send", "/run")):
                began.append(out.now)
                out.now += timedelta(seconds=seconds)
            return exchange(self, request, *arguments, **options)

        monkeypatch.setattr(Transport, "exchange", taking)
        return began

    return slow


def clock(moment):
    return f"{moment:%H:%M}"


@pytest.mark.parametrize("policy", ["hold", "schedule"])
def test_pictures_that_go_one_by_one_reach_the_quiet_hours(out, slow, policy):
    out.now = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    began, start = slow(1.5), out.now + timedelta(minutes=1)
    quiet = {"start": clock(start), "end": clock(start + timedelta(hours=8)), "policy": policy}
    rows = [
        {"media_file": f"https://example.com/{n}.jpg", "time_zone": "UTC", "body": f"{n}"} for n in range(60)
    ]
    ran = out.send(*rows, sink="mms_messages", quiet_hours=quiet)
    now = [one for one in out.arrivals if one["status"] != "Scheduled"]
    assert len(now) == 40
    if policy == "hold":
        assert ran.rows("mms_messages") == {"sent": 40, "held": 20}
        assert max(began) < start
    else:
        assert ran.rows("mms_messages") == {"sent": 60}
        assert {one["schedule"] for one in out.arrivals if one["status"] == "Scheduled"} == {
            int((start + timedelta(hours=8)).timestamp())
        }


@pytest.mark.parametrize("sink", ["mms_messages", "sms_messages", "voice_messages"])
def test_send_before_is_before_the_request(out, slow, sink):
    began, last = slow(10), out.now + timedelta(seconds=35)
    rows = [
        {"media_file": f"https://example.com/{n}.jpg", "send_before": int(last.timestamp()), "body": f"{n}"}
        for n in range(8)
    ]
    ran = out.send(*rows, sink=sink, batch_size_rows=1)
    assert ran.rows(sink) == {"sent": 4, "rejected": 4}
    assert all(moment < last for moment in began)


def test_notifications_go_one_by_one_too(out, slow):
    """One claim holds twenty of them; each request asks for itself."""
    began, last = slow(10), out.now + timedelta(seconds=35)
    row = {"to": TO, "template_id": "order_update", "variables": {"name": "Zoë", "order": 17}}
    row["send_before"] = int(last.timestamp())
    hub = {"api_url": None, "hub_url": out.url, "username": None, "api_key": API_KEY}
    ran = out.run(stream_of("notifications", [row] * 8), **hub)
    assert (ran.rows("notifications"), ran.code) == ({"sent": 4, "failed": 4}, 1)
    assert all(moment < last for moment in began)
    again = out.run(stream_of("notifications", [row] * 8), **hub)
    assert again.rows("notifications") == {"duplicate": 4, "rejected": 4}


@pytest.mark.parametrize("sink", ["mms_messages", "sms_messages"])
def test_a_stop_during_a_long_run_holds_once_opt_outs_are_old(out, slow, sink, monkeypatch):
    began = slow(30)
    rows = [
        {"media_file": f"https://example.com/{n}.jpg", "to": TO if n < 9 else OTHER, "body": f"{n}"}
        for n in range(10)
    ]
    exchange = Transport.exchange

    def stopping(self, request, *arguments, **options):
        if len(began) == 3 and not any(one == "said" for one in said):
            said.append("said")
            out.reply(OTHER, "STOP")
        return exchange(self, request, *arguments, **options)

    said = []
    monkeypatch.setattr(Transport, "exchange", stopping)
    ran = out.send(*rows, sink=sink, opt_out="enforce", opt_out_max_age=0.01, batch_size_rows=1)
    assert ran.rows(sink) == {"sent": 9, "suppressed": 1}
    assert OTHER not in {one["to"] for one in out.arrivals}


def test_opt_outs_are_as_old_as_their_reading(out, slow, monkeypatch):
    """The second batch is judged by what was read for the first one, 30 seconds before."""
    began = slow(30)
    late = {"to": TO, "body": "late", "send_before": out.at - 1, "media_file": "https://example.com/"}
    rows = [
        {"media_file": f"https://example.com/{n}.jpg", "to": OTHER if n == 2 else TO, "body": f"{n}"}
        for n in range(3)
    ]
    exchange, said = Transport.exchange, []

    def stopping(self, request, *arguments, **options):
        if request.url.endswith("/send") and not said:
            said.append(out.reply(OTHER, "STOP"))
        return exchange(self, request, *arguments, **options)

    monkeypatch.setattr(Transport, "exchange", stopping)
    ran = out.send(
        late, *rows, sink="mms_messages", opt_out="enforce", opt_out_max_age=0.01, batch_size_rows=2
    )
    assert ran.rows("mms_messages") == {"sent": 2, "rejected": 1, "suppressed": 1}
    assert len(began) == 2


@settings(max_examples=budget(10, 300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.data(),
    st.sampled_from(["sms_messages", "mms_messages", "voice_messages"]),
    st.integers(1, 300),
    st.integers(1, 5),
)
def test_no_request_begins_after_the_time_of_one_of_its_rows(out, monkeypatch, data, sink, seconds, size):
    out.control("POST", "reset")
    out.now = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    start = out.now
    ends = data.draw(st.lists(st.integers(1, 1500), min_size=1, max_size=8))
    rows = [
        {
            "id": f"{sink} {seconds} {number} {end} {size}",
            "body": f"{number}",
            "media_file": f"https://example.com/{number}.jpg",
            "send_before": int(start.timestamp()) + end,
        }
        for number, end in enumerate(ends)
    ]
    limits = {row["body"]: row["send_before"] for row in rows}
    exchange, late = Transport.exchange, []

    def taking(self, request, *arguments, **options):
        if request.method == "POST" and request.url.endswith("/send"):
            bodies = [body for body in limits if f'"body": "{body}"' in str(request.body)]
            late.extend(body for body in bodies if out.now.timestamp() >= limits[body])
            out.now += timedelta(seconds=seconds)
        return exchange(self, request, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Transport, "exchange", taking)
        ran = out.send(*rows, sink=sink, batch_size_rows=size)
    assert (late, sum(ran.rows(sink).values())) == ([], len(rows))
