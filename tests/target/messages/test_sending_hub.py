"""Notifications: one request each, and no history that could say what became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clicksend.client import Client
from clicksend.sandbox import API_KEY
from tests.target.messages.cases import TO
from tests.target.runner import state, stream_of

SINK = "notifications"
ROW = {"to": TO, "template_id": "plain"}
REFUSAL = {"error": {"code": "invalid_request"}}


@pytest.fixture
def notify(out):
    """Return a function that sends so many notifications through the hub."""

    def notify(count, **config):
        hub = {"api_url": None, "hub_url": out.url, "username": None, "api_key": API_KEY}
        lines = [*stream_of(SINK, [ROW] * count), state({"row": count})]
        return out.run(lines, **hub, **config)

    return notify


def shown(out):
    return [one["correlation_id"] for one in out.control("GET", "notifications")]


def fault(out, kind, **options):
    out.fault(path="/v1/run", kind=kind, **options)


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "html_after", "half_body", "status_after"])
def test_what_got_no_answer_stays_unknown(out, notify, kind):
    fault(out, kind, skip=1)
    ran = notify(3)
    assert (ran.code, ran.rows(SINK), ran.states) == (3, {"sent": 2, "unknown": 1}, [{"row": 3}])
    out.advance(90_000)
    again = notify(4)
    assert (again.code, again.rows(SINK)) == (3, {"duplicate": 3, "sent": 1})
    assert len(shown(out)) == len(set(shown(out))) == (3 if kind == "reset_before" else 4)


def test_after_two_unanswered_calls_nothing_more_is_sent(out, notify):
    fault(out, "reset_after", times=-1)
    ran = notify(5)
    assert (ran.code, ran.rows(SINK), ran.states) == (1, {"unknown": 2, "failed": 3}, [])
    out.control("DELETE", "faults")
    assert notify(5).rows(SINK) == {"duplicate": 2, "sent": 3}
    assert len(shown(out)) == len(set(shown(out))) == 5


@pytest.mark.parametrize("result", [{}, [], None, {"status": "failure"}, {"id": None}])
def test_an_answer_without_an_id_proves_nothing(out, notify, result):
    fault(out, "body_after", body={"status": "success", "result": result})
    assert notify(1).rows(SINK) == {"unknown": 1}
    assert notify(1).rows(SINK) == {"duplicate": 1}
    assert len(shown(out)) == 1


DOUBTFUL = [
    {"result": {"id": "m9", "status": "failed"}},
    {"status": "success", "result": {"id": "m9", "status": "queued-ish"}},
    {"result": {"id": "m9", "status": 200}},
    {"result": {"id": "m9", "status": ["success"]}},
    {"result": {"id": "m9", "status": ""}},
    {"result": {"id": "m9", "success": False}},
    {"result": {"id": "m9", "errors": ["x"]}},
    {"result": {"id": "m9", "error": "insufficient_balance"}},
    {"result": {"id": "m9", "error": {"code": "insufficient_balance"}}},
    {"result": {"id": " "}},
    {"status": "failed", "result": {"id": "m9"}},
    {"status": "failed", "data": {"result": {"id": "m9"}}},
    {"data": {"status": "failed", "result": {"id": "m9"}}},
    {"error": "insufficient_balance", "id": "z"},
    {"error": "insufficient_balance"},
    {"error": {"code": "TOO_MANY_REQUESTS"}, "id": "z"},
    {"error": {"code": "insufficient_balance"}, "result": {"id": "z"}},
    {"data": {"result": {"id": "m3", "error": {"code": "x"}}}},
    {"data": {"error": "x", "result": {"id": "m3"}}},
    {"data": {"id": "m3"}},
    {"result": {"result": {"id": "m3"}}},
    {"id": "m3", "status": "failed"},
    {"id": "m3", "status": "error"},
]


@pytest.mark.parametrize("body", DOUBTFUL, ids=str)
def test_an_id_beside_an_error_or_a_strange_status_proves_nothing(out, notify, body):
    fault(out, "body_after", body=body)
    assert notify(1).rows(SINK) == {"unknown": 1}
    assert notify(1).rows(SINK) == {"duplicate": 1}
    assert len(shown(out)) == 1


@pytest.mark.parametrize("message", [{"id": "m9"}, {"id": "m9", "status": "success", "error": None}], ids=str)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda message: message,
        lambda message: {"result": message},
        lambda message: {"status": "success", "error": None, "result": message},
        lambda message: {"status": "success", "data": {"result": message}},
    ],
)
def test_an_id_alone_in_any_known_wrapping_is_sent(out, notify, message, wrap):
    fault(out, "body_after", body=wrap(message))
    assert notify(1).rows(SINK) == {"sent": 1}


def test_a_documented_error_alone_lets_it_go_later(out, notify):
    fault(out, "body", body={"error": {"code": "insufficient_balance"}})
    assert notify(1).rows(SINK) == {"failed": 1}
    assert notify(1).rows(SINK) == {"sent": 1}


@pytest.mark.parametrize("status", [408, 409, 413, 499])
def test_only_a_judgement_of_the_message_rejects_it(out, notify, status):
    fault(out, "status_after", status=status, body=REFUSAL)
    assert notify(1).rows(SINK) == {"unknown": 1}
    assert notify(1).rows(SINK) == {"duplicate": 1}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", {}, {"message": "x"}])
def test_a_refusal_without_a_code_may_be_a_proxys(out, notify, status, body):
    fault(out, "status_after", status=status, body=body)
    assert notify(1).rows(SINK) == {"unknown": 1}
    assert notify(1).rows(SINK) == {"duplicate": 1}
    assert len(shown(out)) == 1


@pytest.mark.parametrize("status", [400, 422])
def test_a_message_that_is_refused_lets_the_others_go(out, notify, status):
    fault(out, "status", status=status, body=REFUSAL)
    assert notify(3).rows(SINK) == {"rejected": 1, "sent": 2}


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 429])
def test_a_refusal_of_the_caller_leaves_all_for_later(out, notify, status):
    fault(out, "status", status=status, times=6, skip=1)
    ran = notify(3)
    assert (ran.code, ran.rows(SINK), ran.states) == (1, {"sent": 1, "failed": 2}, [])
    out.control("DELETE", "faults")
    assert notify(3).rows(SINK) == {"duplicate": 1, "sent": 2}
    assert len(shown(out)) == len(set(shown(out))) == 3


def test_what_waited_until_its_claim_is_old_is_not_sent_any_more(out, notify, monkeypatch):
    original = Client.run

    def late(self, payload, **options):
        out.now += timedelta(minutes=10)
        return original(self, payload, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "run", late)
        ran = notify(2)
    assert (ran.code, ran.rows(SINK)) == (1, {"failed": 2})
    assert "came too late" in ran.reasons(SINK)[0]
    assert [one for one in ran.requests if one["path"] == "/v1/run"] == []
    assert notify(2).rows(SINK) == {"sent": 2}
