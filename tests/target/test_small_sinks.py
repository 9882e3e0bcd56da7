"""Contact lists, SMS templates and senders' e-mail addresses: found by id or name, changed, deleted."""

import pytest

from clicksend.sandbox.world.seed_data import EMPTY, OPT_OUTS, VIP

GONE = {"_sdc_deleted_at": "2026-01-31T00:00:00Z"}
SINKS = {
    "contact_lists": ("/lists", "list_id", "list_name"),
    "sms_templates": ("/sms/templates", "template_id", "template_name"),
    "email_addresses": ("/email/addresses", "email_address_id", "email_address"),
}
NEW = {
    "contact_lists": {"list_name": "New"},
    "sms_templates": {"template_name": "New", "body": "Hello {name},\nnew 🎉"},
    "email_addresses": {"email_address": "new@example.com"},
}


@pytest.fixture(params=SINKS)
def sink(request):
    return request.param


@pytest.fixture
def there(call):
    """Return a function that returns what there is of a sink's things, by id."""

    def there(sink):
        path, key, _ = SINKS[sink]
        return {row[key]: row for row in call("GET", path, params={"limit": 100})["data"]}

    return there


def test_made_once_found_by_name_and_deleted(write, there, sink):
    before, (path, _, name) = there(sink), SINKS[sink]
    assert write([NEW[sink]], sink).rows(sink) == {"created": 1}
    again = write([NEW[sink]], sink)
    assert (again.rows(sink), again.writes) == ({"unchanged": 1}, [])
    (made,) = there(sink).keys() - before.keys()
    assert NEW[sink].items() <= there(sink)[made].items()
    shouted = write([NEW[sink] | {name: f" {NEW[sink][name].upper()}"} | GONE], sink)
    assert (shouted.rows(sink), shouted.writes) == ({"deleted": 1}, [("DELETE", f"{path}/{made}")])
    assert there(sink) == before
    assert write([NEW[sink] | GONE], sink).rows(sink) == {"unchanged": 1}


@pytest.mark.parametrize(
    ("sink", "row"),
    [
        ("contact_lists", {"list_id": VIP, "list_name": "Very important"}),
        ("contact_lists", {"list_name": "vip & FRIENDS"}),
        ("sms_templates", {"template_id": 632498, "body": "Hi"}),
        ("sms_templates", {"template_id": "632498", "template_name": "Hello", "body": None}),
        ("sms_templates", {"template_name": "Welcome", "body": "Hi"}),
    ],
)
def test_changed_by_id_or_name(write, there, sink, row):
    before = len(there(sink))
    ran = write([row], sink)
    assert (ran.rows(sink), [method for method, _ in ran.writes]) == ({"updated": 1}, ["PUT"])
    assert len(there(sink)) == before
    assert write([row], sink).writes == []


@pytest.mark.parametrize(
    ("sink", "row", "reason"),
    [
        ("contact_lists", {"list_id": 5, "list_name": "X"}, "list_id does not exist"),
        ("sms_templates", {"template_id": 5, "body": "X"}, "template_id does not exist"),
        ("sms_templates", {"template_name": "X"}, "it would be new, and has no body"),
        ("sms_templates", {"template_name": "X", "body": " "}, "it would be new, and has no body"),
        ("sms_templates", {"body": "X"}, "it has no template_name: give template_id"),
        ("contact_lists", {"remove_duplicates": True}, "it has no list_name"),
        ("contact_lists", {"list_name": "X", "remove_duplicates": "maybe"}, "neither true nor false"),
        ("contact_lists", {"list_name": "x" * 256}, "256 characters; 255"),
        ("contact_lists", {"list_name": ["X"]}, "holds a list"),
        ("contact_lists", {"list_id": 1.5}, "not a whole number"),
        ("contact_lists", {"list_name": "X", "_sdc_deleted_at": "soon"}, "says neither"),
        ("sms_templates", {"template_name": "X", "body": {"text": "X"}}, "holds an object"),
        ("sms_templates", {"template_name": "X", "body": "a\0b"}, "NUL"),
        ("sms_templates", {"template_name": "X", "body": "\ud800"}, "surrogate"),
        ("email_addresses", {"email_address": "none"}, "not a valid e-mail address"),
        ("email_addresses", {"email_address": "a@example.com, b@example.com"}, "not a valid e-mail address"),
        ("email_addresses", {"email_address": "a\N{ZERO WIDTH SPACE}@example.com"}, "invisible"),
        ("email_addresses", {"email_address": None}, "it has no email_address"),
    ],
)
def test_bad_rows(write, there, sink, row, reason):
    good = NEW[sink]
    ran = write([row, good], sink)
    assert (ran.rows(sink), ran.code) == ({"rejected": 1, "created": 1}, 0)
    assert reason in ran.reasons(sink)[0]


def test_the_last_of_two_rows_wins(write, there, sink):
    _, _, name = SINKS[sink]
    first = NEW[sink] | ({"body": "first"} if sink == "sms_templates" else {})
    ran = write([first, first | {name: first[name].upper()}, NEW[sink]], sink)
    assert (ran.rows(sink), len(ran.writes)) == ({"duplicate": 2, "created": 1}, 1)
    assert NEW[sink].items() <= max(there(sink).items())[1].items()


def test_one_by_id_and_by_name(write, there):
    rows = [
        {"template_id": 632498, "body": "by id"},
        {"template_name": "Welcome", "body": "by name"},
    ]
    for order in (rows, rows[::-1]):
        assert write(order, "sms_templates").rows("sms_templates") == {"duplicate": 1, "updated": 1}
        assert there("sms_templates")[632498]["body"] == order[1]["body"]


@pytest.mark.parametrize("sink", ["contact_lists", "sms_templates"])
def test_names_of_several(call, write, there, sink):
    path, key, name = SINKS[sink]
    ids = [call("POST", path, NEW[sink])[key] for _ in range(2)]
    ran = write([NEW[sink], NEW[sink] | GONE, {key: ids[1], **GONE}], sink)
    assert ran.rows(sink) == {"rejected": 2, "deleted": 1}
    assert f"{name} names 2 of them: give {key}" in ran.reasons(sink)
    assert ids[0] in there(sink)
    assert ids[1] not in there(sink)


@pytest.fixture
def twins(box, call):
    """Return the ids of the contacts of a list, oldest first: one person three times, and others."""
    ids = []
    for number, name in [(1, "a"), (2, ""), (1, "b"), (3, ""), (1, "a"), (None, "c"), (None, "d")]:
        phone = f"+6141111111{number}" if number else ""
        contact = {"phone_number": phone, "email": f"{name}@example.com" if name else ""}
        ids.append(call("POST", f"/lists/{EMPTY}/contacts", contact)["contact_id"])
        box.advance(60)
    return ids


def cleaned(write, how: bool | str = True, **config):  # noqa: FBT001, FBT002
    row = {"list_name": "Empty list", "remove_duplicates": how}
    return write([row], "contact_lists", **{"max_deletes": 0.5, **config})


@pytest.mark.parametrize(("config", "gone"), [
    ({}, [2, 4]), ({"match_on": ["email"]}, [4]), ({"match_on": ["phone_number", "email"]}, [4]),
])  # fmt: skip
@pytest.mark.parametrize("how", [True, "clicksend", "ClickSend"])
def test_the_younger_of_a_person_go(write, people, twins, how, config, gone):
    ran = cleaned(write, how, **config)
    assert (ran.rows("contact_lists"), ran.code, ran.notes) == ({"updated": 1}, 0, "")
    assert [one["contact_id"] for one in people(EMPTY)] == [
        one for place, one in enumerate(twins) if place not in gone
    ]
    assert len(ran.writes) == (len(gone) if how is True else 1)
    assert cleaned(write, how, **config).rows("contact_lists") == {"unchanged": 1}


@pytest.mark.parametrize("how", [True, "clicksend"])
def test_too_many_stay(write, people, twins, how):
    ran = cleaned(write, how, max_deletes=0.2)
    assert (ran.rows("contact_lists"), ran.writes, ran.code) == ({"rejected": 1}, [], 1)
    assert "duplicates: 2 of 7 contacts" in ran.notes
    assert [one["contact_id"] for one in people(EMPTY)] == twins


@pytest.mark.usefixtures("twins")
@pytest.mark.parametrize("fields", ["values", "keys", "array"])
@pytest.mark.parametrize("other", ["compare_nothing", "refused"])
def test_whichever_body_clicksend_wants_no_other_contact_goes(box, write, people, fields, other):
    """One by one no body is needed; by ClickSend's own call a wrong reading is said at least."""
    box.control("POST", "switches", {"duplicate_fields": fields, "other_fields": other})
    ran = cleaned(write, "clicksend")
    if fields != "array":
        assert (ran.code, len(people(EMPTY))) == (0, 5)
    elif other == "refused":
        assert (ran.rows("contact_lists"), len(people(EMPTY))) == ({"rejected": 1}, 7)
    else:
        assert (
            "had 7 contacts, 2 of them duplicates; after ClickSend's remove-duplicates it has 1" in ran.notes
        )
        assert ran.code == 1
    before = len(people(EMPTY))
    assert cleaned(write).code == 0
    assert len(people(EMPTY)) == min(before, 5)


def test_duplicates_go_after_the_contacts_have_come(box, call, write, people):
    from tests.target.runner import stream_of

    path = f"/lists/{EMPTY}/contacts"
    for name in ("a", "b"):
        call("POST", path, {"phone_number": "+61411111111", "first_name": name})
        box.advance(60)
    messages = [
        *stream_of("contact_lists", [{"list_name": "Empty list", "remove_duplicates": True}]),
        *stream_of(
            "contacts", [{"phone_number": "+61411111111", "first_name": "row", "list_name": "Empty list"}]
        ),
    ]
    ran = write(messages, raw=True, max_deletes=0.5)
    assert (ran.rows(), ran.rows("contact_lists")) == ({"updated": 1}, {"updated": 1})
    assert [row["first_name"] for row in people(EMPTY)] == ["row"]
    assert write(messages, raw=True).rows("contact_lists") == {"unchanged": 1}


def test_a_list_goes_after_the_contacts_have_come(write, there):
    from tests.target.runner import stream_of

    messages = [
        *stream_of("contact_lists", [{"list_id": EMPTY, **GONE}, {"list_name": "New"}]),
        *stream_of("contacts", [{"phone_number": "+61411111111", "list_name": "New"}]),
    ]
    ran = write(messages, raw=True)
    assert (ran.rows(), ran.rows("contact_lists")) == ({"created": 1}, {"deleted": 1, "created": 1})
    assert ran.writes[-1] == ("DELETE", f"/lists/{EMPTY}")


def test_a_renamed_list_is_found_by_its_new_name(write, people):
    from tests.target.runner import stream_of

    messages = [
        *stream_of("contacts", [{"phone_number": "+61411111111", "list_name": "Filled"}]),
        *stream_of("contact_lists", [{"list_id": EMPTY, "list_name": "Filled"}]),
    ]
    assert write(messages, raw=True).rows() == {"created": 1}
    assert len(people(EMPTY)) == 1


@pytest.mark.parametrize("fault", ["reset_after", "reset_before"])
def test_a_lost_answer_makes_nothing_twice(box, write, there, sink, fault):
    before, (path, _, _) = len(there(sink)), SINKS[sink]
    box.control("POST", "faults", {"kind": fault, "method": "POST", "path": path})
    ran = write([NEW[sink]], sink)
    assert (ran.rows(sink), ran.code) == (
        ({"created": 1}, 0) if fault == "reset_after" else ({"failed": 1}, 1)
    )
    outcome = "unchanged" if fault == "reset_after" else "created"
    assert write([NEW[sink]], sink).rows(sink) == {outcome: 1}
    assert len(there(sink)) == before + 1


def test_what_vanishes_meanwhile_fails_or_is_as_wanted(box, write):
    box.control("POST", "faults", {"kind": "status", "status": 404, "path": "/sms/templates/*", "times": 2})
    rows = [{"template_id": 632498, "body": "B"}, {"template_id": 632499, **GONE}]
    ran = write(rows, "sms_templates")
    assert (ran.rows("sms_templates"), ran.code) == ({"failed": 1, "deleted": 1}, 1)


@pytest.mark.parametrize(("status", "most"), [(500, 40), (401, 1)])
def test_a_dead_server_or_key_ends_the_run(box, write, status, most):
    box.control(
        "POST", "faults", {"kind": "status", "status": status, "method": "PUT", "path": "/*", "times": -1}
    )
    rows = [{"template_id": 632498, "body": "B"}]
    rows += [{"template_name": f"T{n}", "body": "B"} for n in range(100)]
    box.control("POST", "faults", {"kind": "status", "status": status, "method": "POST", "times": -1})
    ran = write(rows, "sms_templates")
    assert (ran.rows("sms_templates"), ran.code) == ({"failed": 101}, 1)
    assert len(ran.writes) <= most


def test_thousands_of_rows(write, there):
    rows = [{"template_name": f"T{n % 5}", "body": f"B{n}"} for n in range(5000)]
    ran = write(rows, "sms_templates")
    assert ran.rows("sms_templates") == {"duplicate": 4995, "created": 5}


def test_opt_out_list_may_be_named_by_rows_that_change_nothing(write):
    ran = write([{"list_id": OPT_OUTS}, {"list_name": "Opt-Out List"}], "contact_lists")
    assert (ran.rows("contact_lists"), ran.writes) == ({"unchanged": 1, "duplicate": 1}, [])
