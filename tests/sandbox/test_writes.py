"""What is written to the sandbox: lists, templates, e-mail addresses, and what all writes have in common."""

import pytest
import requests

from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, LEADS, NEWSLETTER, OPT_OUTS, RAFFLE
from tests.sandbox.runner import BEARER, DAY, EPOCH, walk

STUMBLED = "preg_replace(): Parameter mismatch, pattern is a string while replacement is an array"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_lists(box, session, call, method):
    made = call("POST", "/lists", {"list_name": "Neue Kunden ✨"})
    assert made == {
        "list_id": made["list_id"],
        "list_name": "Neue Kunden ✨",
        "list_email_id": made["list_email_id"],
        "_contacts_count": 0,
        "_import_in_progress": 0,
        "_optout_in_progress": 0,
    }
    path = f"/lists/{made['list_id']}"
    assert made["list_id"] > max(row["list_id"] for row in walk(session, box, "/lists")[:-1])
    call("POST", f"{path}/contacts", {"email": "a@example.com"})
    if method == "PUT":
        renamed = call("PUT", path, {"list_name": "Kunden"})
        assert renamed == made | {"list_name": "Kunden", "_contacts_count": 1} == call("GET", path)
        assert [row["_list_name"] for row in walk(session, box, f"{path}/contacts")] == ["Kunden"]
    if method == "DELETE":
        assert call("DELETE", path) == []
        assert call("GET", path, status=403) is None
        assert call("GET", f"{path}/contacts", status=403) is None
    again = call("POST", "/lists", {"list_name": "Neue Kunden ✨"})
    assert again["list_id"] == made["list_id"] + 1
    assert again["list_email_id"] != made["list_email_id"]


@pytest.mark.parametrize(("switch", "status"), [("forbidden", 403), ("not_found", 404)])
def test_a_list_that_is_not_there(box, call, switch, status):
    box.control("POST", "switches", {"missing_list": switch})
    call("PUT", "/lists/1", {"list_name": "x"}, status=status)
    call("DELETE", "/lists/1", status=status)
    call("PUT", "/lists/1/remove-duplicates", {"fields": ["email"]}, status=status)
    call("PUT", f"/lists/{EMPTY}/remove-opted-out-contacts/1", status=status)


def test_templates(call):
    wanted = {"template_name": "Größe", "body": "Hello {name} 🎉"}
    made = call("POST", "/sms/templates", wanted)
    path = f"/sms/templates/{made['template_id']}"
    assert made == wanted | {"template_id": made["template_id"]} == call("GET", path)
    assert call("PUT", path, wanted | {"body": "x"}) == made | {"body": "x"} == call("GET", path)
    assert set(call("PUT", path, {"body": "y"}, status=400)) == {"template_name"}
    assert call("GET", path)["body"] == "x"
    assert call("DELETE", path) == []
    for method, body in (("GET", None), ("PUT", wanted), ("DELETE", None)):
        call(method, path, body, status=404)
    assert call("POST", "/sms/templates", wanted)["template_id"] == made["template_id"] + 1


@pytest.mark.parametrize(
    ("path", "name", "sentences"),
    [
        ("/lists", "list_name", ["New list has been created."]),
        (
            "/sms/templates",
            "template_name",
            [
                "New template has been saved.",
                "Your template has been updated.",
                "Your template has been deleted.",
            ],
        ),
    ],
)
def test_recorded_sentences(box, session, path, name, sentences):
    body = {name: "x", "body": "y"}
    answers = [session.post(box.api_url + path, json=body, timeout=10).json()]
    url = f"{box.api_url}{path}/{answers[0]['data'][path[1:-1].replace('sms/', '') + '_id']}"
    answers += [session.put(url, json=body, timeout=10).json(), session.delete(url, timeout=10).json()]
    assert [answer["response_msg"] for answer in answers][: len(sentences)] == sentences
    assert [answer["http_code"] for answer in answers] == [200] * 3


def test_email_addresses(box, session, call):
    made = call("POST", "/email/addresses", {"email_address": "news@acme.example"})
    path = f"/email/addresses/{made['email_address_id']}"
    assert made == {
        "email_address_id": made["email_address_id"],
        "email_address": "news@acme.example",
        "verified": 0,
        "date_added": str(EPOCH),
    }
    assert walk(session, box, "/email/addresses")[-1] == made == call("GET", path)
    assert call("DELETE", path) is None
    call("GET", path, status=404)
    call("DELETE", path, status=404)
    for wrong in ("", "news", "a@b", "a b@c.example", None):
        assert call("POST", "/email/addresses", {"email_address": wrong}, status=400).keys() == {
            "email_address"
        }


def test_an_email_address_that_is_there_already(box, call):
    known = {"email_address": "SENDER@example.com"}
    assert call("POST", "/email/addresses", known, status=400).keys() == {"email_address"}
    box.control("POST", "switches", {"existing_address": "accept"})
    assert call("POST", "/email/addresses", known)["verified"] == 0


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("POST", "/lists", ["list_name"]),
        ("PUT", f"/lists/{CUSTOMERS}", ["list_name"]),
        ("POST", f"/lists/{CUSTOMERS}/contacts", ["phone_number", "fax_number", "email"]),
        ("PUT", f"/lists/{CUSTOMERS}/remove-duplicates", ["fields"]),
        ("POST", "/sms/templates", ["template_name", "body"]),
        ("PUT", "/sms/templates/632497", ["template_name", "body"]),
        ("POST", "/email/addresses", ["email_address"]),
    ],
)
def test_bodies_that_are_refused(box, session, call, method, path, names):
    before = box.state()
    for nothing in (None, {}, {"unknown": 1}, dict.fromkeys(names, ""), dict.fromkeys(names)):
        assert call(method, path, nothing, status=400).keys() == set(names)
    for data in (b"{", b"[]", b'"x"', b"\xff", b"[" * 50_000, b'{"a": "\\ud800"}'):
        answer = session.request(method, box.api_url + path, data=data, timeout=10)
        assert answer.status_code == 400
        assert answer.json() == {
            "http_code": 400,
            "response_code": "BAD_REQUEST",
            "response_msg": "Invalid input.",
            "data": None,
        }
    assert box.state() == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/lists", {"list_name": {"a": 1}}),
        (f"/lists/{CUSTOMERS}/contacts", {"email": "a@example.com", "address_line_1": {}}),
        (f"/lists/{CUSTOMERS}/contacts", {"phone_number": ["+61411111111"]}),
        ("/sms/templates", {"template_name": "x", "body": []}),
    ],
)
def test_an_object_for_a_text_makes_the_server_stumble(box, session, path, body):
    answer = session.post(box.api_url + path, json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json() == {"http_code": 400, "response_code": 400, "response_msg": STUMBLED, "data": None}


def test_other_scalars_become_text(call):
    body = {"phone_number": 61411111111, "custom_1": 1.5, "custom_2": True, "custom_3": False}
    made = call("POST", f"/lists/{EMPTY}/contacts", body | {"phone_number": "+61411111111"})
    assert [made[f"custom_{n}"] for n in (1, 2, 3)] == ["1.5", "1", ""]


def test_writes_need_credentials_and_their_verb(box):
    for auth, status in ((None, 401), (("banned", "sandbox-key"), 403)):
        answer = requests.post(f"{box.api_url}/lists", json={"list_name": "x"}, auth=auth, timeout=10)
        assert answer.status_code == status
    auth = ("sandbox", "sandbox-key")
    answer = requests.put(f"{box.api_url}/lists", json={"list_name": "x"}, auth=auth, timeout=10)
    assert (answer.status_code, set(answer.headers["Allow"].split(","))) == (405, {"GET", "POST"})
    assert box.state()["rows"]["lists"] == 7


def test_through_the_hub(box):
    url = f"{box.hub_api_url}/lists"
    made = requests.post(url, json={"list_name": "Hub"}, headers=BEARER, timeout=10).json()["data"]
    box.control("POST", "switches", {"hub_envelope": True})
    path = f"{url}/{made['list_id']}"
    answer = requests.put(path, json={"list_name": "Hub 2"}, headers=BEARER, timeout=10).json()
    assert (answer["status"], answer["result"]["data"]["list_name"]) == ("success", "Hub 2")
    assert requests.delete(path, headers=BEARER, timeout=10).json()["result"]["data"] == []
    refused = requests.delete(path, headers=BEARER, timeout=10)
    assert (refused.status_code, refused.json()["status"]) == (403, "error")


def test_requests_show_what_was_written(box, session, call):
    call("POST", "/lists", {"list_name": "x"})
    session.put(f"{box.api_url}/lists/{CUSTOMERS}", data=b"{", timeout=10)
    assert [(seen["method"], seen["path"], seen["status"], seen["body"]) for seen in box.requests()] == [
        ("POST", "/lists", 200, {"list_name": "x"}),
        ("PUT", f"/lists/{CUSTOMERS}", 400, None),
    ]


def test_a_body_that_is_too_large(box, session):
    answer = session.post(f"{box.api_url}/lists", data=b" " * (17 * 2**20), timeout=30)
    assert (answer.status_code, answer.json()["http_code"]) == (413, 413)
    assert box.requests()[-1]["status"] == 413


def test_reset_undoes_everything(box, session, call):
    before = box.state(), walk(session, box, f"/lists/{CUSTOMERS}/contacts"), walk(session, box, "/lists")
    inbound = walk(session, box, "/sms/inbound")
    first = call("POST", "/lists", {"list_name": "x"})
    made = call("POST", f"/lists/{CUSTOMERS}/contacts", {"email": "a@example.com"})
    call("DELETE", f"/lists/{NEWSLETTER}")
    call("DELETE", "/sms/templates/632497")
    call("PUT", "/sms/inbound-read")
    box.control("POST", "reply", {"from": before[1][0]["phone_number"], "body": "STOP"})
    box.control("POST", "reset")
    assert box.state() == before[0]
    assert (walk(session, box, f"/lists/{CUSTOMERS}/contacts"), walk(session, box, "/lists")) == before[1:]
    assert walk(session, box, "/sms/inbound") == inbound
    assert call("POST", "/lists", {"list_name": "x"}) == first
    assert call("POST", f"/lists/{CUSTOMERS}/contacts", {"email": "a@example.com"}) == made


def test_the_world_lives_on_with_what_was_written(box, session, call):
    """Nothing that was deleted comes back, and no id is given away twice."""
    call("DELETE", "/sms/templates/632497")  # is edited every week
    call("DELETE", "/sms/templates/632499")  # is edited after six hours
    call("DELETE", f"/lists/{RAFFLE}")  # is deleted after two days
    call("DELETE", f"/lists/{OPT_OUTS}")  # contacts are moved there
    call("PUT", f"/lists/{NEWSLETTER}", {"list_name": "Renamed"})
    for row in walk(session, box, f"/lists/{CUSTOMERS}/contacts")[::2]:
        call("DELETE", f"/lists/{CUSTOMERS}/contacts/{row['contact_id']}")
    for row in walk(session, box, f"/lists/{LEADS}/contacts"):
        call("PUT", f"/lists/{LEADS}/contacts/{row['contact_id']}/transfer/{NEWSLETTER}")
    mine = [call("POST", f"/lists/{EMPTY}/contacts", {"email": f"{n}@example.com"}) for n in range(3)]
    box.advance(21 * DAY)
    box.advance(60 * DAY)
    names = {row["list_id"]: row["list_name"] for row in walk(session, box, "/lists")}
    assert names[NEWSLETTER] == "Renamed"
    assert not names.keys() & {OPT_OUTS, RAFFLE}
    templates = {row["template_id"] for row in walk(session, box, "/sms/templates")}
    assert not templates & {632497, 632499}
    assert call("POST", "/sms/templates", {"template_name": "x", "body": "y"})["template_id"] not in templates
    assert walk(session, box, f"/lists/{EMPTY}/contacts") == mine
    keys = [row["contact_id"] for key in names for row in walk(session, box, f"/lists/{key}/contacts")]
    assert len(set(keys)) == len(keys)


def test_an_email_address_that_was_deleted_is_not_verified(box, call):
    box.advance(DAY)
    call("DELETE", "/email/addresses/2104")
    box.advance(3 * DAY)
    call("GET", "/email/addresses/2104", status=404)
