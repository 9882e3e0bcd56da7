"""The page at the root: what it may do, and what it is told about conversations."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from hatchling.builders.wheel import WheelBuilder

from clicksend.sandbox import Sandbox
from clicksend.sandbox.server import page, threads
from clicksend.sandbox.world.seed_data import CUSTOMERS, OPT_OUTS
from tests.sandbox.runner import EPOCH, notify, run, walk

ROOT = Path(__file__).parents[2]
NUMBER = "+61412345678"
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>\"'&lt;",
    "\u202eevil\u202c and \u2066more",
    "\x00\x07\x1b[31m\r\x7f",
    "مرحبا بالعالم",
    "👩‍👩‍👧 🎉",
    "w" * 900,
    "</script><!--",
)


def shown(box, **query):
    return box.control("GET", "threads", **query)


def thread(box, number=NUMBER):
    return box.control("GET", "thread", number=number)


class TestWhatThePageMayDo:
    def test_it_is_served_to_anybody_on_this_machine_and_is_no_request(self, box):
        answer = requests.get(box.url + "/", timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.text == page._FILE.read_text(encoding="utf-8")
        assert "This is not ClickSend" in answer.text
        head = requests.head(box.url + "/", timeout=10)
        assert (head.status_code, head.text) == (200, "")
        box.control("POST", "faults", {"kind": "html", "path": "*", "times": -1})
        assert requests.get(box.url, timeout=10).text == answer.text
        assert box.requests() == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_nothing_else_is_there(self, box, method):
        assert requests.request(method, box.url + "/", timeout=10).status_code in {404, 405}

    def test_its_policy_lets_it_use_its_own_script_and_style_and_nothing_else(self, box):
        answer = requests.get(box.url, timeout=10)
        policy = dict(
            part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";")
        )
        for kind in ("script", "style"):
            (inline,) = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
            digest = b64encode(sha256(inline.encode()).digest()).decode()
            assert policy.pop(f"{kind}-src") == f"'sha256-{digest}'"
        assert policy == {
            "default-src": "'none'",
            "connect-src": "'self'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_it_asks_for_nothing_from_elsewhere_and_makes_no_markup_of_texts(self):
        text = page._FILE.read_text(encoding="utf-8")
        links = re.findall(r"(?:src|href|action|url)\s*[=(]\s*[\"']?([^\"'\s)>]+)", text)
        assert {link.partition(",")[0] for link in links} <= {"data:image/svg+xml", "#conversations"}
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "Function(",
            "srcdoc",
        ):
            assert way not in text
        assert not re.search(r"\son\w+=", text)
        assert " style=" not in text

    def test_everything_to_fill_in_has_a_label(self):
        text = page._FILE.read_text(encoding="utf-8")
        assert '<html lang="en">' in text
        assert "width=device-width" in text
        for field in re.findall(r"<(?:input|select|textarea)[^>]*>", text):
            name = re.search(r'id="([\w-]+)"', field)[1]
            inside = re.search(rf'<label(?: class="\w+")?>(?:(?!</label>).)*id="{name}"', text, re.DOTALL)
            assert inside or f'for="{name}"' in text, name

    def test_it_is_in_the_wheel(self):
        files = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
        assert "clicksend/sandbox/server/page.html" in files


class TestConversations:
    def test_nothing_at_first(self, box):
        empty = shown(box)
        assert (empty["total"], empty["threads"], empty["clock"], empty["now"]) == (0, [], "still", EPOCH)
        assert thread(box)["messages"] == []

    def test_a_message_and_what_came_of_it(self, box, send):
        (sent,) = send({"from": "ACME", "custom_string": "order-1"})["messages"]
        (one,) = shown(box)["threads"]
        assert (one["number"], one["messages"], one["status"], one["body"]) == (NUMBER, 1, "Queued", "Hello")
        box.advance(4 * 86_400)
        (message,) = [row for row in thread(box)["messages"] if row["direction"] == "out"]
        assert message["message_id"] == sent["message_id"]
        assert (message["from"], message["custom_string"], message["parts"]) == ("ACME", "order-1", 1)
        assert float(message["price"]) == float(sent["message_price"]) > 0
        reports = box._service.sim.store.sms_receipts.items
        theirs = [row for row in reports if row.message_id == sent["message_id"]]
        assert theirs
        assert [row["at"] for row in message["receipts"]] == [row.timestamp for row in theirs]
        assert message["receipts"][-1]["code"] == message["code"] == theirs[-1].delivery.code

    @pytest.mark.parametrize(("channel", "message"), [
        ("mms", {"subject": "<b>Photo</b>"}),
        ("voice", {}),
    ])  # fmt: skip
    def test_other_channels(self, box, send, channel, message):
        send(message, channel=channel)
        (one,) = thread(box)["messages"]
        assert (one["channel"], one["body"], one["subject"]) == (channel, "Hello", message.get("subject"))

    def test_what_was_not_sent_is_there_with_its_reason(self, box, send):
        send({"to": "<b>nobody</b>"}, {}, {}, {"to": "", "body": "x"})
        found = {one["number"]: (one["status"], one["refused"]) for one in shown(box)["threads"]}
        assert found == {
            NUMBER: ("THROTTLED", True),
            "<b>nobody</b>": ("INVALID_RECIPIENT", True),
            "": ("MISSING_REQUIRED_FIELDS", True),
        }
        first, second = thread(box)["messages"]
        assert (first["refused"], second["refused"], second["price"]) == (False, True, None)

    def test_a_price_is_no_message(self, box, send):
        send({}, {"to": "x"}, verb="price")
        assert shown(box)["total"] == 0

    def test_a_notification_through_the_hub(self, box):
        run(box, notify(to=NUMBER, variables={"message": "<i>Your code</i>"}))
        (one,) = thread(box)["messages"]
        assert (one["channel"], one["body"], one["at"]) == ("notification", "<i>Your code</i>", EPOCH)
        assert [row["number"] for row in shown(box)["threads"]] == [NUMBER]

    def test_an_answer_moves_its_conversation_to_the_top(self, box, send):
        send({}, {"to": "+61412345679"})
        assert [one["number"] for one in shown(box)["threads"]] == ["+61412345679", NUMBER]
        box.reply(NUMBER, "Thanks")
        first = shown(box)["threads"][0]
        assert (first["number"], first["body"], first["direction"]) == (NUMBER, "Thanks", "in")
        box.reply("+61400000009", "Hello, who is this?")
        assert shown(box)["threads"][0]["number"] == "+61400000009"

    def test_a_stop_shows(self, box, session, send):
        person = walk(session, box, f"/lists/{CUSTOMERS}/contacts")[0]["phone_number"]
        send({"to": person})
        assert not thread(box, person)["opted_out"]
        box.reply(person, "STOP")
        assert thread(box, person)["opted_out"]
        assert shown(box)["threads"][0]["opted_out"]
        assert person in {row["phone_number"] for row in walk(session, box, f"/lists/{OPT_OUTS}/contacts")}

    @pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
    def test_texts_come_as_they_were_sent(self, box, send, body):
        send({"body": body, "custom_string": body})
        (one,) = thread(box)["messages"]
        assert (one["body"], one["custom_string"], one["cut"]) == (body, body, 0)
        assert shown(box)["threads"][0]["body"] == body[: threads.LONGEST_PREVIEW]

    def test_a_long_text_is_cut_and_said_to_be(self, box, send, monkeypatch):
        monkeypatch.setattr(threads, "LONGEST_TEXT", 10)
        send({"body": "0123456789abc"})
        (one,) = thread(box)["messages"]
        assert (one["body"], one["cut"]) == ("0123456789", 3)

    def test_only_the_newest_messages_come(self, box, send, monkeypatch):
        monkeypatch.setattr(threads, "MOST_MESSAGES", 3)
        send(*({"body": str(number)} for number in range(5)))
        found = thread(box)
        assert [one["body"] for one in found["messages"]] == ["2", "3", "4"]
        assert found["earlier"] == 2

    def test_the_made_up_history_if_asked(self, box, send, session):
        send()
        assert shown(box)["total"] == 1
        history = walk(session, box, "/sms/history")
        everything = shown(box, made_up="true", limit=1000)
        numbers = {row["to"] if row["direction"] == "out" else row["from"] for row in history}
        assert numbers <= {one["number"] for one in everything["threads"]}
        assert everything["total"] == len(everything["threads"])
        dates = [one["at"] for one in everything["threads"]]
        assert dates == sorted(dates, reverse=True)
        some = shown(box, made_up="1", limit=7)
        assert (some["threads"], some["total"]) == (everything["threads"][:7], everything["total"])

    @pytest.mark.parametrize(("search", "found"), [
        ("", 3),
        ("PARCEL", 1),
        ("  parcel ", 1),
        ("<b>", 1),
        ("0412 345 678", 0),
        ("412 345 678", 1),
        ("+6141234567", 3),
        ("1234", 3),
        ("nothing of it", 0),
        ("straße", 1),
    ])  # fmt: skip
    def test_search(self, box, send, search, found):
        send(
            {"body": "Your Parcel is there"},
            {"to": "+61412345670", "body": "<b>"},
            {"to": "+61412345671", "body": "STRASSE"},
        )
        assert shown(box, q=search)["total"] == found

    def test_nothing_comes_twice_when_nothing_has_changed(self, box, send):
        send()
        first = shown(box)
        again = shown(box, revision=first["revision"])
        assert "threads" not in again
        assert again["balance"] == first["balance"]
        for change in (
            lambda: send({"body": "x"}),
            lambda: box.reply(NUMBER, "x"),
            lambda: box.advance(4 * 86_400),
            lambda: box.control("POST", "reset"),
            lambda: run(box, notify()),
        ):
            before = shown(box)["revision"]
            change()
            assert "threads" in shown(box, revision=before)

    def test_after_a_reset_nothing_is_left(self, box, send):
        send({}, {"to": "x"})
        shown(box)
        box.control("POST", "reset")
        assert (shown(box)["total"], thread(box)["messages"]) == (0, [])

    @pytest.mark.parametrize(
        "query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"made_up": "perhaps"}, {"x": 1}]
    )
    def test_wrong_questions(self, box, query):
        with pytest.raises(ValueError, match=next(iter(query))):
            shown(box, **query)
        with pytest.raises(ValueError, match="number"):
            box.control("GET", "thread")


class TestControls:
    def test_topping_up(self, box, session):
        box.control("POST", "balance", {"balance": "0.50"})
        assert box.control("POST", "balance", {"add": "20"}) == {"balance": "20.500000"}
        assert shown(box)["balance"] == "20.500000"
        account = session.get(f"{box.api_url}/account", timeout=10).json()["data"]
        assert account["balance"] == "20.500000"

    @pytest.mark.parametrize(
        "wrong", [{}, {"add": "-1"}, {"add": "1e3"}, {"add": "1", "balance": "1"}, {"add": 1}]
    )
    def test_wrong_amounts(self, box, wrong):
        before = shown(box)["balance"]
        with pytest.raises(ValueError, match=r"add|balance|str|Expected"):
            box.control("POST", "balance", wrong)
        assert shown(box)["balance"] == before

    def test_faults_are_told(self, box):
        for number in range(25):
            box.control("POST", "faults", {"kind": "html", "path": f"/{number}"})
        told = shown(box)
        assert [one["path"] for one in told["faults"]] == [f"/{number}" for number in range(5, 25)]
        assert told["faults_total"] == 25


@pytest.mark.long
def test_it_is_fast_in_a_large_world():
    with Sandbox(messages=100_000, contacts=5000, epoch=EPOCH) as box:
        shown(box, made_up="1")  # the first look goes through everything
        import time

        for query in ({}, {"made_up": "1"}, {"made_up": "1", "q": "nothing of it"}):
            begun = time.perf_counter()
            shown(box, **query)
            assert time.perf_counter() - begun < 2, query
        begun = time.perf_counter()
        thread(box, shown(box, made_up="1")["threads"][0]["number"])
        assert time.perf_counter() - begun < 2
