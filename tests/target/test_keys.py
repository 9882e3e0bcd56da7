"""One thing has one key, however a tap spells it; two things have two."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend.hashing import text_hasher, unkeyed_hasher
from clicksend.key_values import is_impersonal, normalize
from clicksend.ledger.records import OlderKeys
from target_clicksend.keys import Keys
from target_clicksend.row import Rejected

SAME = [
    [1, 1.0, "1", "1.0", "1.00", " 1 ", Decimal(1), Decimal("1.000"), "1E+0", True, "true", "True"],
    [0, 0.0, "0", "-0", Decimal("-0.0"), False, "false", "FALSE"],
    [1.1, "1.1", "1.10", Decimal("1.10"), Decimal("1.1")],
    [10**20, "1E+20", Decimal("1E+20"), 1e20, "100000000000000000000.0"],
    [-5, "-5", "-5.0", Decimal(-5)],
    [
        *(date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02", "2026-01-02T00:00:00+00:00"),
        *("2026-01-02 00:00:00", "2026-01-02T00:00:00Z", "2026-01-02t00:00:00z", "2026-01-02 00:00:00+00"),
        *("2026-01-02 00:00:00 UTC", "2026-01-02T10:00:00+10:00", "2026-01-02T00:00:00.000000+00:00"),
        *("2026-01-01 19:00:00.000 -05:00", "2026-01-02 00:00"),
    ],
    ["2026-01-02T10:00:00.5Z", "2026-01-02 10:00:00.500000+00:00", "2026-01-02T12:00:00.500+02:00"],
    [
        *("7c9e6679-7425-40de-944b-e07fc1f90ae7", "7C9E6679-7425-40DE-944B-E07FC1F90AE7"),
        *("{7C9E6679-7425-40DE-944B-E07FC1F90AE7}", "7C9E6679742540DE944BE07FC1F90AE7"),
        UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ],
    ["A1", "A1      ", " A1", "A1\u00a0"],
    ["caf\u00e9", "cafe\u0301"],
    ["01"],
    ["0001"],
    ["a1"],
    ["1a"],
    ["1E3"],
    ["+1"],
    ["2026-13-45"],
    ["2026-01-02T10:00:00.25Z"],
    ["7c9e6679-7425-40de-944b-e07fc1f90ae8"],
]

KEY = "a key that nobody guesses"
OLDER = OlderKeys(hashes=(unkeyed_hasher(),), are_spelled_otherwise=True)


def keys(*names, **about):
    about = {"sink": "sms_messages", "namespace": "orders", "own": "idempotency_key", "needed": True} | about
    return Keys(
        properties={name: name for name in names}, personal=frozenset(), hashed=text_hasher(KEY), **about
    )


@pytest.mark.parametrize("spellings", SAME, ids=str)
def test_all_spellings_of_a_thing_are_one_key(spellings):
    assert len({normalize(one) for one in spellings}) == 1
    assert len({keys("id").for_row({"id": one})[0] for one in spellings}) == 1
    assert len({keys("id").for_row({"id": 1, "idempotency_key": one})[0] for one in spellings}) == 1


def test_different_things_are_different_keys():
    assert len({normalize(spellings[0]) for spellings in SAME}) == len(SAME)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 5))
def test_a_decimal_and_its_text_are_one(number, zeros):
    written = f"{number:f}" if abs(number.adjusted()) < 500 else str(number)
    more = Decimal(f"{written}{'0' * zeros}") if "." in written else number
    assert normalize(number) == normalize(more)
    if not written.lstrip("-").startswith("0") or "." in written or number == 0:
        assert normalize(number) == normalize(Decimal(written))
    # What is spelled is spelled so again: text out of a file is the number of a database.
    assert normalize(normalize(number)) == normalize(number)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 4, 14 * 4))  # noqa: DTZ001
def test_a_time_is_one_in_every_zone_and_form(moment, quarters):
    here = moment.replace(tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(minutes=15 * quarters)))
    forms = [here, there, moment, *(str(one) for one in (here, there, moment)), there.isoformat()]
    forms.append(here.isoformat(timespec="microseconds").replace("+00:00", "Z"))
    assert len(set(map(normalize, forms))) == 1


@given(st.text() | st.integers() | st.floats() | st.dates() | st.uuids() | st.booleans())
def test_a_spelling_is_spelled_as_it_is(value):
    assert normalize(normalize(value)) == normalize(value)


def test_key_columns_have_names_and_no_order():
    row = {"shop": "A", "nr": 1}
    one = keys("shop", "nr").for_row(row)[0]
    assert one == keys("nr", "shop").for_row(row)[0]
    assert one == keys("NR", "Shop").for_row({"NR": "1.0", "Shop": "A "})[0]
    others = [{"shop": 1, "nr": "A"}, {"shop": "A,1", "nr": ""}, {"shop": "", "nr": "A"}]
    assert len({one, *(keys("shop", "nr").for_row(other)[0] for other in others)}) == 4
    assert one != keys("shop", "order").for_row({"shop": "A", "order": 1})[0]
    assert one != keys("shop", "nr", namespace="b").for_row(row)[0]


@pytest.mark.parametrize("row", [{"id": None}, {"id": ""}, {"id": "  "}, {}, {"id": "\u00a0"}])
def test_a_key_that_says_nothing_is_none(row):
    with pytest.raises(Rejected, match="key property id is"):
        keys("id").for_row(row)


def test_a_source_key_shows_what_came():
    row = {"day": "2026-01-02", "nr": 7, "id": "7C9E6679-7425-40DE-944B-E07FC1F90AE7", "code": "A1  "}
    hashed = text_hasher(KEY)
    assert json.loads(keys(*row).for_row(row)[1]) == row | {"code": hashed("A1  ")}
    assert json.loads(keys(*row, clear=frozenset({"code"})).for_row(row)[1]) == row


def older(value):
    return keys("id").older({"id": value}, OLDER)


@pytest.mark.parametrize("spellings", SAME[:8], ids=str)
def test_a_key_of_an_older_version_is_among_those_looked_up(spellings):
    """Also where the tap has changed its spelling since: whole numbers, dates and UUIDs."""
    for value in spellings:
        assert keys("id").for_row({"id": value})[0] not in older(value)
    hashed = unkeyed_hasher()
    before = {text: hashed(f"sms_messages\0orders\0{text}") for text in ("1", "1.0", "2026-01-02")}
    assert {before["1"], before["1.0"]} <= set(older("1.0")) & set(older(1))
    assert before["2026-01-02"] in older("2026-01-02T00:00:00+00:00")


def test_the_order_of_key_columns_did_matter_to_older_versions():
    row = {"shop": "A", "nr": "x"}
    hashed = unkeyed_hasher()
    before = {hashed("\0".join(["sms_messages", "orders", *some])) for some in itertools.permutations("Ax")}
    assert before <= set(keys("shop", "nr").older(row, OLDER))


@pytest.mark.parametrize(("length", "is_clear"), [(1, True), (200, True), (201, False), (5000, False)])
def test_a_key_that_is_declared_clear_is_so_up_to_200_characters(length, is_clear):
    """More of them is a text, and too long for an index."""
    own = "k" * length
    declared, other = keys("id", clear=frozenset({"idempotencykey"})), keys("id")
    assert (declared.for_row({"id": 1, "idempotency_key": own})[0] == own) is is_clear
    assert other.for_row({"id": 1, "idempotency_key": own})[0] == text_hasher(KEY)(own)


@pytest.mark.parametrize("about", [{"sink": "mms_messages"}, {"namespace": "others"}])
def test_a_key_is_of_one_sink_and_one_namespace(about):
    assert keys("id").for_row({"id": "7"})[0] != keys("id", **about).for_row({"id": "7"})[0]
    assert keys().for_record({"id": "7"}) != keys(**about).for_record({"id": "7"})


def test_a_key_is_made_of_values_by_their_columns():
    first, second = {"a": "1", "b": "2"}, {"a": "2", "b": "1"}
    assert keys("a", "b").for_row(first)[0] != keys("a", "b").for_row(second)[0]
    assert keys("a", "b").for_row(first)[0] == keys("b", "a").for_row(first)[0]
    assert keys("a").for_row({"a": "1"})[0] != keys("b").for_row({"b": "1"})[0]


def test_a_personal_column_is_never_shown_whatever_is_in_it():
    personal = Keys(
        "contacts", "people", {"id": "id", "phone": "phone_number"}, frozenset({"phone_number"}), str.upper
    )
    shown = json.loads(personal.for_row({"id": 7, "phone_number": 8})[1])
    assert shown["id"] == 7
    assert shown["phone"] != 8


@pytest.mark.parametrize(
    "value",
    [
        *(7, -5, True, 9_999_999, "9999999", "1.0", date(2026, 11, 29), "2026-11-29T10:00:00.123456Z"),
        *("7c9e6679-7425-40de-944b-e07fc1f90ae7", UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")),
    ],
)
def test_a_small_number_an_id_or_a_time_says_nothing_about_a_person(value):
    assert is_impersonal(value, normalize(value))


@pytest.mark.parametrize(
    "value",
    [
        *(10_000_000, 61411222333, "61411222333", 6.1411222333e10, "0411222", "5.00000000", 1.5, "order-7"),
        *("2026-11-29T10:00:00.0411222333Z", "2026-11-29T10:00:00.61411222", "2026-11-29 61411222333"),
        *("10:30:00", "{61411222333}", ""),
    ],
)
def test_anything_else_may(value):
    assert not is_impersonal(value, normalize(value))


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (7, "7"),
        (True, "1"),
        (" 1.00 ", "1"),
        (Decimal("-0.50"), "-0.5"),
        (1e20, "100000000000000000000"),
        (10**1000, "1E+1000"),
        (Decimal("12E+2000"), "12E+2000"),
        ("001", "001"),
        (date(2026, 1, 2), "2026-01-02T00:00:00Z"),
        ("2026-01-02 12:00:00.500 +02:00", "2026-01-02T10:00:00.5Z"),
        ("2026-01-02T10:00:00.000001", "2026-01-02T10:00:00.000001Z"),
        ("{7C9E6679-7425-40DE-944B-E07FC1F90AE7}", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ("Cafe\u0301 1 ", "Caf\u00e9 1"),
        ({"b": 1, "a": [None, "x"]}, '{"a": [null, "x"], "b": 1}'),
    ],
)
def test_ledgers_hold_this_form_so_it_may_never_change(value, form):
    """Each row would be a new one, and its message would go out again."""
    assert normalize(value) == form
