"""Rows become contacts: made, changed, left alone and deleted, with one write for each that differs."""

import pytest

from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, VIP

ANNA = {"phone_number": "+61411111111", "first_name": "Anna", "email": "anna@example.com", "list_id": EMPTY}
PATH = f"/lists/{EMPTY}/contacts"


def fill(box, count, list_id=EMPTY):
    """Put contacts into a list, faster than the API could."""
    from clicksend.sandbox.world.events import ContactAdded
    from clicksend.sandbox.world.rows import Contact

    sim = box._service.sim
    for number in range(count):
        row = Contact(
            contact_id=sim.store.new_id("contacts"),
            list_id=list_id,
            phone_number=f"+614{number:08}",
            date_added=sim.now,
            date_updated=sim.now,
            first_name=f"N{number}",
        )
        ContactAdded(sim.now, row).apply(sim.store)


def test_a_row_is_made_changed_left_alone_and_deleted(write, people):
    assert write([ANNA]).rows() == {"created": 1}
    (made,) = people(EMPTY)
    assert ANNA.items() - {("list_id", EMPTY)} <= made.items()
    again = write([ANNA])
    assert (again.rows(), again.writes) == ({"unchanged": 1}, [])
    changed = write([ANNA | {"first_name": "Änne"}])
    assert (changed.rows(), changed.writes) == (
        {"updated": 1},
        [("PUT", f"{PATH}/{made['contact_id']}")],
    )
    assert people(EMPTY)[0]["first_name"] == "Änne"
    deleted = write([ANNA | {"_sdc_deleted_at": "2026-01-31T12:00:00Z"}])
    assert (deleted.rows(), deleted.writes) == (
        {"deleted": 1},
        [("DELETE", f"{PATH}/{made['contact_id']}")],
    )
    assert people(EMPTY) == []
    gone = write([ANNA | {"_sdc_deleted_at": "2026-01-31"}])
    assert (gone.rows(), gone.writes, gone.code) == ({"unchanged": 1}, [], 0)


BLANKS = {"first_name": "", "last_name": " ", "email": "\u200b", "plan": "\ufeff\n"}
WHOLE = ANNA | {"last_name": "B", "custom_1": "gold"}
NAMES = ("first_name", "last_name", "email", "custom_1")


@pytest.mark.parametrize(("means", "left"), [(None, ""), ("clear", ""), ("keep", None)])
def test_what_a_blank_text_does_to_a_field(write, people, means, left):
    write([WHOLE])
    row = {"phone_number": ANNA["phone_number"], "list_id": EMPTY, **BLANKS}
    ran = write([row], blank_means=means, custom_fields={"plan": "custom_1"})
    assert ran.rows() == ({"unchanged": 1} if means == "keep" else {"updated": 1})
    (found,) = people(EMPTY)
    assert [found[name] or "" for name in NAMES] == [WHOLE[name] if left is None else left for name in NAMES]
    ran = write([row | dict.fromkeys(NAMES)], blank_means=means, custom_fields={"other": "custom_2"})
    assert [people(EMPTY)[0][name] or "" for name in NAMES] == ["", "", "", ""]


@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
def test_blank_columns_that_would_find_a_contact_are_missing(write, call, blank):
    made = call("POST", PATH, {"phone_number": "+61411111111", "first_name": "Anna"})
    about = {"blank_means": "keep", "match_on": ["phone_number", "email"]}
    nobody = {"list_id": EMPTY, "phone_number": blank, "email": blank, "fax_number": "+61288880000"}
    ran = write([nobody, {"list_id": EMPTY, "fax_number": "+61288880000"}], **about)
    assert (ran.rows(), len(set(ran.reasons()))) == ({"rejected": 2}, 1)
    known = nobody | {"contact_id": made["contact_id"], "first_name": "Bea"}
    assert write([known], **about).rows() == {"updated": 1}
    found = call("GET", f"{PATH}/{made['contact_id']}")
    assert (found["phone_number"], found["first_name"]) == ("+61411111111", "Bea")


def test_a_change_sends_the_whole_contact(write, people, call):
    made = call(
        "POST", PATH, {"phone_number": "+61411111111", "custom_3": "gold", "fax_number": "+61288880000"}
    )
    ran = write([ANNA])
    (sent,) = (one["body"] for one in ran.requests if one["method"] == "PUT")
    assert sent["custom_3"] == "gold"
    assert sent["fax_number"] == "+61288880000"
    assert sent["first_name"] == "Anna"
    assert people(EMPTY)[0] | {"date_updated": 0} == made | {
        "first_name": "Anna",
        "email": "anna@example.com",
        "date_updated": 0,
    }


@pytest.mark.parametrize("switch", ["clears", "ignored"])
@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_null_clears_and_a_missing_column_leaves(box, write, people, switch, nothing):
    box.control("POST", "switches", {"null_clears": switch})
    write([ANNA | {"custom_1": "gold"}])
    ran = write([{"phone_number": ANNA["phone_number"], "list_id": EMPTY, "email": nothing}])
    assert ran.rows() == {"updated": 1}
    (now,) = people(EMPTY)
    assert (now["custom_1"], now["first_name"]) == ("gold", "Anna")
    assert now["email"] == ("" if switch == "clears" else ANNA["email"])
    assert ("email reads back different" in ran.notes) == (switch == "ignored")
    again = write([{"phone_number": ANNA["phone_number"], "list_id": EMPTY, "email": nothing}])
    assert (again.rows(), again.writes, again.notes) == ({"unchanged": 1}, [], "")


@pytest.mark.long
def test_ten_thousand_rows_of_which_one_percent_changed(box, write):
    fill(box, 10_000)
    rows = [
        {"phone_number": f"+614{number:08}", "first_name": f"N{number}" + "!" * (number % 100 == 0)}
        for number in range(10_000)
    ]
    first = write(rows, list_id=EMPTY)
    assert first.rows() == {"updated": 100, "unchanged": 9_900}
    pages = [one for one in first.requests if one["path"] == PATH and one["method"] == "GET"]
    assert len(pages) == 100
    assert len(first.writes) == 100
    assert len(first.requests) < 210
    second = write(rows, list_id=EMPTY)
    assert (second.rows(), second.writes) == ({"unchanged": 10_000}, [])


def test_columns_that_go_nowhere_are_reported_once(write, people):
    rows = [
        ANNA | {"plan": "pro", "age": 7, "_sdc_batched_at": "x"},
        {"phone_number": "+61422222222", "plan": 1},
    ]
    ran = write(rows, list_id=EMPTY)
    (note,) = ran.report["notes"]
    assert note.startswith("contacts: age, plan ")
    assert ran.rows() == {"created": 2}


def test_custom_fields_take_columns_of_other_names(write, people):
    row = {"phone_number": "+61411111111", "plan": "pro", "points": 12.50, "custom_2": "overruled"}
    custom = {"plan": "custom_1", "points": "custom_2"}
    ran = write([row], list_id=EMPTY, custom_fields=custom)
    assert (ran.rows(), ran.notes) == ({"created": 1}, "")
    (made,) = people(EMPTY)
    assert (made["custom_1"], made["custom_2"]) == ("pro", "12.5")
    assert write([row], list_id=EMPTY, custom_fields=custom).writes == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        (1.5, "1.5"),
        (True, "true"),
        ("  a b\n", "a b"),
        (10**20, "1" + "0" * 20),
        ("محمد \N{RIGHT-TO-LEFT MARK}", "محمد \N{RIGHT-TO-LEFT MARK}".strip()),
        ("👩\N{ZERO WIDTH JOINER}🚀", "👩\N{ZERO WIDTH JOINER}🚀"),
        ("x" * 1000, "x" * 1000),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("'; DROP TABLE contacts; --", "'; DROP TABLE contacts; --"),
    ],
)
def test_values_become_text(write, people, value, text):
    write([ANNA | {"custom_1": value}])
    assert people(EMPTY)[0]["custom_1"] == text
    assert write([ANNA | {"custom_1": value}]).writes == []


@pytest.mark.parametrize(
    ("given", "country"),
    [
        ("+61 (411) 111-111", None),
        ("0411 111 111", "AU"),
        (61411111111, "AU"),
        ("tel:+61-411-111-111", None),
        ("\N{LEFT-TO-RIGHT EMBEDDING}+61411111111\N{POP DIRECTIONAL FORMATTING}", None),
        ("+6141111\N{ZERO WIDTH SPACE}1111", None),
        ("+٦١٤١١١١١١١١", None),
        ("０４１１ １１１ １１１", "AU"),  # noqa: RUF001
    ],
)
def test_spellings_of_a_number_are_one_contact(write, people, given, country):
    write([ANNA])
    config = {"default_country": country} if country else {}
    ran = write([{"phone_number": given, "list_id": EMPTY}], **config)
    assert (ran.rows(), ran.writes) == ({"unchanged": 1}, [])


def test_the_accounts_country_reads_local_numbers(write, people):
    assert write([{"phone_number": "(801) 923-4886", "list_id": EMPTY}]).rows() == {"created": 1}
    assert people(EMPTY)[0]["phone_number"] == "+18019234886"


def test_a_number_kept_in_another_spelling_is_found(box, write, call, people):
    box.control("POST", "switches", {"bad_phone": "accept"})
    row = call("POST", PATH, {"phone_number": "+61411111111"})
    box._service.sim.store.contacts[EMPTY][row["contact_id"]].phone_number = "+61 411 111 111"
    ran = write([{"phone_number": "+61411111111", "list_id": EMPTY}])
    assert (ran.rows(), ran.writes) == ({"unchanged": 1}, [])


MODES = [
    ("upsert", {"created": 1, "updated": 1, "deleted": 1, "transferred": 1, "copied": 1}),
    ("insert", {"created": 1, "unchanged": 3, "copied": 1}),
    ("update", {"rejected": 2, "updated": 1, "deleted": 1, "transferred": 1}),
    ("mirror", {"created": 1, "updated": 1, "deleted": 1, "transferred": 1, "copied": 1}),
]


@pytest.mark.parametrize(("mode", "outcomes"), MODES)
def test_modes(call, write, people, mode, outcomes):
    ids = [call("POST", PATH, {"phone_number": f"+6142222222{n}"})["contact_id"] for n in range(4)]
    rows = [
        ANNA,
        {"phone_number": "+61422222220", "first_name": "B", "list_id": EMPTY},
        {"phone_number": "+61422222221", "list_id": EMPTY, "_sdc_deleted_at": "2026-01-31"},
        {"contact_id": ids[2], "list_id": VIP},
        {"contact_id": ids[3], "list_id": VIP, "copy": True},
    ]
    ran = write(rows, contacts_mode=mode)
    assert ran.rows() == outcomes
    assert ran.code == 0


def test_update_mode_makes_no_list(write):
    rows = [{"phone_number": "+61411111111", "list_name": "New"}]
    ran = write(rows, contacts_mode="update", create_missing_lists=True)
    assert (ran.rows(), ran.writes) == ({"rejected": 1}, [])


@pytest.mark.parametrize("types", [0, 1], ids=["live", "legacy"])
def test_both_spellings_of_the_api(boxes, write, people, types):
    box = boxes[types]
    box.control("POST", "reset")
    known = people(CUSTOMERS, box)[0]["contact_id"]
    rows = [{"phone_number": ANNA["phone_number"], "contact_id": known, "first_name": "All"}]
    rows += [ANNA, {"phone_number": "+61422222222", "list_id": EMPTY, "fax_number": None}]
    assert write(rows, box=box).rows() == {"updated": 1, "created": 2}
    again = write(rows, box=box)
    assert (again.rows(), again.writes) == ({"unchanged": 3}, [])


@pytest.mark.parametrize("wrapped", [False, True])
def test_through_the_hub(box, write, people, wrapped):
    box.control("POST", "switches", {"hub_envelope": wrapped})
    config = {"api_url": box.hub_api_url, "username": None, "api_key": "sandbox-key"}
    for outcome in ("created", "unchanged"):
        assert write([ANNA], **config).rows() == {outcome: 1}
    assert len(people(EMPTY)) == 1


def test_a_hub_that_serves_nothing_says_so(box, write):
    box.control("POST", "switches", {"hub_paths": "not_allowed"})
    ran = write([ANNA], api_url=box.hub_api_url, username=None, api_key="sandbox-key")
    assert ran.code == 1
    assert "connect directly" in str(ran.error)
