"""Contacts written to the sandbox, under each switch and in both spellings."""

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, NEWSLETTER, OPT_OUTS, VIP
from tests.sandbox.runner import EPOCH, walk

PATH = f"/lists/{EMPTY}/contacts"
WHOLE = {
    "phone_number": "+61411111111",
    "first_name": "Zoë",
    "last_name": "O'Brien",
    "custom_1": "gold",
    "custom_2": 'says "hi"',
    "custom_3": "a,b;c",
    "custom_4": "🎉",
    "fax_number": "+61262222222",
    "organization_name": "ACME",
    "email": "zoe@example.com",
    "address_line_1": "1 Example St",
    "address_line_2": "Flat 3",
    "address_city": "Perth",
    "address_state": "WA",
    "address_postal_code": "06000",
    "address_country": "AU",
}


def test_a_contact_from_its_beginning_to_its_end(box, session, call):
    made = call("POST", PATH, WHOLE | {"contact_id": 1, "list_id": 2, "date_added": 3, "unknown": 4})
    assert made == WHOLE | {
        "contact_id": made["contact_id"],
        "list_id": EMPTY,
        "date_added": EPOCH,
        "date_updated": EPOCH,
        "_list_name": "Empty list",
    }
    path = f"{PATH}/{made['contact_id']}"
    assert walk(session, box, PATH) == [made] == [call("GET", path)]
    box.advance(60)
    changed = call("PUT", path, {"custom_1": "silver", "date_updated": 1})
    assert changed == made | {"custom_1": "silver", "date_updated": EPOCH + 60} == call("GET", path)
    assert [row["contact_id"] for row in walk(session, box, PATH, updated_after=EPOCH)] == [
        made["contact_id"]
    ]
    assert call("DELETE", path) == []
    assert walk(session, box, PATH) == []
    for method in ("GET", "PUT", "DELETE"):
        call(method, path, status=404)


def test_ids_grow_and_nothing_is_unique(box, session, call):
    known = max(row["contact_id"] for key in (CUSTOMERS, VIP) for row in contacts(box, session, key))
    first, second = (call("POST", PATH, WHOLE) for _ in range(2))
    assert second == first | {"contact_id": first["contact_id"] + 1}
    assert first["contact_id"] > known
    call("DELETE", f"{PATH}/{second['contact_id']}")
    assert call("POST", PATH, WHOLE)["contact_id"] == second["contact_id"] + 1


def contacts(box, session, list_id):
    return walk(session, box, f"/lists/{list_id}/contacts")


@pytest.mark.parametrize("field", ["phone_number", "fax_number", "email"])
def test_one_way_to_reach_them_is_enough(call, field):
    made = call("POST", PATH, {field: WHOLE[field]})
    assert {name: made[name] for name in WHOLE} == dict.fromkeys(WHOLE, "") | {field: WHOLE[field]}
    refused = call("PUT", f"{PATH}/{made['contact_id']}", {field: None}, status=400)
    assert refused.keys() == {"phone_number", "fax_number", "email"}
    assert call("GET", f"{PATH}/{made['contact_id']}") == made


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("+61411111111", "+61411111111"),
        ("+61 411-111 111", "+61411111111"),
        ("(801) 923-4886", "+18019234886"),
        ("18019234886", "+18019234886"),
        (8019234886, "+18019234886"),
    ],
)
def test_numbers_become_e164(call, sent, kept):
    made = call("POST", PATH, {"phone_number": sent})
    assert made["phone_number"] == kept
    path = f"{PATH}/{made['contact_id']}"
    assert call("PUT", path, {"phone_number": sent})["phone_number"] == kept


@pytest.mark.parametrize("phone", ["+000", "12", "call me", "+6141111111111111111"])
def test_bad_phone(box, call, phone):
    assert call("POST", PATH, {"phone_number": phone}, status=400).keys() == {"phone_number"}
    made = call("POST", PATH, WHOLE)
    call("PUT", f"{PATH}/{made['contact_id']}", {"phone_number": phone}, status=400)
    box.control("POST", "switches", {"bad_phone": "accept"})
    assert call("POST", PATH, {"phone_number": phone})["phone_number"] == phone
    assert call("PUT", f"{PATH}/{made['contact_id']}", {"phone_number": phone})["phone_number"] == phone


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_clears(box, call, nothing):
    path = f"{PATH}/{call('POST', PATH, WHOLE)['contact_id']}"
    assert call("PUT", path, {"email": nothing, "custom_1": nothing})["email"] == ""
    assert call("GET", path)["custom_1"] == ""
    box.control("POST", "switches", {"null_clears": "ignored"})
    kept = call("PUT", path, {"custom_2": nothing, "phone_number": nothing})
    assert (kept["custom_2"], kept["phone_number"]) == (WHOLE["custom_2"], WHOLE["phone_number"])


def test_contact_text(box, call):
    body = {"email": " a@example.com ", "custom_1": f"  {'x' * 80}"}
    made = call("POST", PATH, body)
    assert {name: made[name] for name in body} == body
    box.control("POST", "switches", {"contact_text": "trimmed"})
    changed = call("PUT", f"{PATH}/{made['contact_id']}", body)
    assert (changed["email"], changed["custom_1"]) == ("a@example.com", "x" * 60)


def test_copy(box, session, call):
    made = call("POST", PATH, WHOLE)
    box.advance(60)
    target = f"{PATH}/{made['contact_id']}/copy/{OPT_OUTS}"
    dates = {"date_added": box.state()["now"], "date_updated": box.state()["now"]}
    moved = made | dates | {"list_id": OPT_OUTS, "_list_name": "Opt-Out List"}
    copied = call("PUT", target, {})
    assert copied == moved | {"contact_id": made["contact_id"] + 1}
    assert contacts(box, session, OPT_OUTS)[-1] == copied
    assert contacts(box, session, EMPTY) == [made]
    box.control("POST", "switches", {"copy": "same"})
    assert call("PUT", target) == moved
    call("DELETE", f"/lists/{OPT_OUTS}/contacts/{made['contact_id']}")
    assert contacts(box, session, EMPTY) == [made]


@pytest.mark.usefixtures("documented")
@pytest.mark.parametrize("word", ["/transfer", ""])
def test_transfer(box, session, call, word):
    made = call("POST", PATH, WHOLE)
    box.advance(60)
    moved = call("PUT", f"{PATH}/{made['contact_id']}{word}/{VIP}")
    now = box.state()["now"]
    assert moved == made | {"list_id": VIP, "_list_name": "VIP & friends"}
    assert contacts(box, session, EMPTY) == []
    assert moved in contacts(box, session, VIP)
    box.control("POST", "switches", {"moves_update": True})
    assert moved | {"date_updated": now} in contacts(box, session, VIP)
    call("GET", f"{PATH}/{made['contact_id']}", status=404)


@pytest.mark.usefixtures("documented")
def test_what_is_not_there(box, session, call):
    made = call("POST", PATH, WHOLE)
    one = f"{PATH}/{made['contact_id']}"
    answer = session.post(f"{box.api_url}/lists/1/contacts", json=WHOLE, timeout=10)
    assert (answer.status_code, answer.json()["response_msg"]) == (
        403,
        "Resource not found or you don't have the permissions to access this resource.",
    )
    for path in (f"{PATH}/1", f"/lists/1/contacts/{made['contact_id']}"):
        for method, tail in [("PUT", ""), ("DELETE", ""), ("PUT", f"/copy/{VIP}"), ("PUT", f"/{VIP}")]:
            answer = session.request(method, f"{box.api_url}{path}{tail}", json={}, timeout=10)
            assert (answer.status_code, answer.json()["response_msg"]) == (404, "Contact record not found.")
    for word in ("copy/", "transfer/", ""):
        call("PUT", f"{one}/{word}1", status=403)
    assert call("GET", one) == made


@pytest.mark.parametrize("slash", ["", "/"])
def test_remove_duplicates(box, session, call, slash):
    box.control("POST", "switches", {"duplicate_fields": "array", "other_fields": "refused"})
    rows = []
    for name in ("a", "a", "b", "a"):
        rows.append(call("POST", PATH, {"phone_number": "+61411111111", "first_name": name}))
        box.advance(1)
    call("POST", PATH, {"email": "a@example.com"})
    call("POST", PATH, {"email": "b@example.com"})
    path = f"{PATH.removesuffix('/contacts')}/remove-duplicates{slash}"
    assert call("PUT", path, {"fields": ["phone_number", "first_name"]}) == {"deleted": 2}
    assert contacts(box, session, EMPTY)[:2] == [rows[0], rows[2]]
    assert call("PUT", path, {"fields": ["phone_number"]}) == {"deleted": 1}
    assert contacts(box, session, EMPTY)[0] == rows[0]
    assert call("PUT", path, {"fields": ["phone_number"]}) == {"deleted": 0}
    assert len(contacts(box, session, EMPTY)) == 3
    for wrong in (["nonsense"], "email", [], [{}]):
        assert call("PUT", path, {"fields": wrong}, status=400).keys() == {"fields"}


@pytest.mark.parametrize(("switch", "right", "wrong"), [
    ("array", ["email"], {"email": "email"}),
    ("keys", {"email": ""}, ["email"]),
    ("values", {"email": "email"}, {"email": ""}),
])  # fmt: skip
def test_duplicate_fields(box, call, switch, right, wrong):
    """In another form they are refused, or nothing is compared: one contact stays."""
    path = f"/lists/{EMPTY}/remove-duplicates"
    for name in "abc":
        call("POST", PATH, {"email": f"{name}@example.com"})
    box.control("POST", "switches", {"duplicate_fields": switch, "other_fields": "refused"})
    assert call("PUT", path, {"fields": right}) == {"deleted": 0}
    assert call("PUT", path, {"fields": wrong}, status=400).keys() == {"fields"}
    box.control("POST", "switches", {"other_fields": "compare_nothing"})
    assert call("PUT", path, {"fields": right}) == {"deleted": 0}
    assert call("PUT", path, {"fields": wrong}) == {"deleted": 2}


def test_remove_opted_out(box, session, call):
    for body in (
        {"phone_number": "+61411111111", "first_name": "by phone"},
        {"email": "GONE@example.com", "phone_number": "+61422222222"},
        {"email": "stays@example.com"},
    ):
        call("POST", PATH, body)
    for body in ({"phone_number": "+61 411 111 111"}, {"email": "gone@example.com"}):
        call("POST", f"/lists/{OPT_OUTS}/contacts", body)
    path = f"/lists/{EMPTY}/remove-opted-out-contacts/{OPT_OUTS}"
    before = contacts(box, session, OPT_OUTS)
    assert call("PUT", path) == {"deleted": 2}
    assert [row["email"] for row in contacts(box, session, EMPTY)] == ["stays@example.com"]
    assert call("PUT", path) == {"deleted": 0}
    assert contacts(box, session, OPT_OUTS) == before


def test_legacy_answers(documented, call):
    legacy = documented[1]
    made = call("POST", PATH, {"phone_number": "+61411111111"}, box=legacy)
    assert (made["date_added"], made["date_updated"]) == (str(EPOCH), str(EPOCH))
    assert (made["email"], made["address_city"], made["first_name"]) == (None, None, "")
    changed = call("PUT", f"{PATH}/{made['contact_id']}", {"email": "a@example.com"}, box=legacy)
    assert changed == made | {"email": "a@example.com"}
    copied = call("PUT", f"{PATH}/{made['contact_id']}/copy/{NEWSLETTER}", box=legacy)
    assert isinstance(copied["date_added"], str)
    for path in ("/sms/inbound-read", "/sms/receipts-read", "/mms/receipts-read", "/voice/receipts-read"):
        assert call("PUT", path, box=legacy) == []
