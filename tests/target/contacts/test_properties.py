"""What holds for any value and any input: one spelling of everything, and nothing to do twice."""

import json
import math
import tempfile
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicksend.hashing import text_hasher, unkeyed_hasher
from clicksend.key_values import normalize
from clicksend.ledger.records import OlderKeys
from clicksend.phone import E164, to_e164
from clicksend.sandbox import Sandbox
from clicksend.sandbox.world.seed_data import EMPTY, VIP
from target_clicksend.contacts.contact import FIELDS, NUMBERS, changed, fields_of, match_key
from target_clicksend.keys import Keys
from target_clicksend.row import Rejected
from target_clicksend.values import LONGEST, read_id, read_text
from tests.conftest import budget, is_said_by_us
from tests.sandbox.runner import walk
from tests.target.runner import run_target, stream_of

KEY = "a key that nobody guesses"

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.datetimes()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
numbers = st.sampled_from(["+61411111111", "+61422222222", "+12025550142", "+4915112345678"])


@given(st.dictionaries(st.sampled_from(FIELDS), anything | numbers))
def test_a_row_is_read_or_rejected_and_never_quoted(row):
    said = ""
    try:
        fields = fields_of(row, "US")
    except Rejected as reason:
        fields, said = {}, str(reason)
    if said:
        texts = [text for value in row.values() if len(text := str(value)) > 12]
        assert not [text for text in texts if text in said and not is_said_by_us(text)]
        return
    assert fields.keys() == row.keys()
    for name, text in fields.items():
        assert text == text.strip()
        assert len(text.encode()) <= 4 * LONGEST
        assert (row[name] is None or not str(row[name]).strip()) <= (not text)
        assert not text or name not in NUMBERS or E164.fullmatch(text)
    assert fields_of(fields, None) == fields
    assert changed(dict.fromkeys(FIELDS, "") | fields, fields) == []


@given(scalars)
def test_texts_and_ids(value):
    try:
        text = read_text({"a": value}, "a")
    except Rejected:
        return
    assert read_text({"a": text}, "a") == text
    try:
        number = read_id({"a": value}, "a")
    except Rejected:
        return
    assert number is None or read_id({"a": str(number)}, "a") == number > 0


@given(st.integers(-(10**15), 10**15))
def test_a_number_is_one_key_whatever_its_type(number):
    spellings = {
        normalize(one)
        for one in (number, str(number), float(number), Decimal(number), Decimal(f"{number}.00"))
    }
    assert spellings == {str(number)}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_so_is_a_fraction(number):
    assert normalize(number) == normalize(Decimal(f"{number}00"))
    assert normalize(float(number)) == normalize(Decimal(str(float(number))))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_time_is_one_key_in_every_zone(moment, minutes):
    there = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    here = moment.replace(tzinfo=UTC)
    zulu = here.isoformat().replace("+00:00", "Z")
    texts = {there.isoformat(), here.isoformat(), here.isoformat(" "), zulu, moment.isoformat()}
    assert len({normalize(one) for one in [there, here, *texts]}) == 1


@given(st.text())
def test_a_text_is_one_key_in_every_normal_form(text):
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
    assert len({normalize(form) for form in forms}) == 1


@given(st.lists(anything, min_size=1, max_size=3), st.booleans())
def test_any_row_has_a_key_and_the_same_again(values, personal):
    names = [f"k{number}" for number in range(len(values))]
    columns = frozenset(names) if personal else frozenset()
    keys = Keys("contacts", "people", dict(zip(names, names, strict=True)), columns, text_hasher(KEY))
    row = dict(zip(names, values, strict=True))
    if None in values or not any(map(normalize, values)):
        with pytest.raises(Rejected):
            keys.for_row(row)
        return
    key, source_key = keys.for_row(row)
    assert (key, source_key) == keys.for_row(dict(reversed(row.items())))
    assert len(key) == 64
    assert json.loads(source_key).keys() == row.keys()
    if personal:
        assert all(len(text) == 64 for text in json.loads(source_key).values())


@pytest.mark.parametrize(
    ("values", "begins", "source_key"),
    [
        ({"id": 1}, "137bacb1cae6", '{"id": 1}'),
        ({"id": 10**40}, "fc5039574b7d", f'{{"id": {10**40}}}'),
        ({"id": Decimal("1.50")}, "56fad73e5325", '{"id": "1.5"}'),
        ({"id": True}, "a62431ebe8f6", '{"id": true}'),
        (
            {"id": "a-1", "at": "2026-11-27T10:00:00+01:00"},
            "9ad9e9e6b15e",
            '{"at": "2026-11-27T09:00:00+00:00", "id": "a-1"}',
        ),
        ({"id": {"b": 1, "a": "é"}}, "17cd876f879c", r'{"id": "{\"a\": \"\\u00e9\", \"b\": 1}"}'),
    ],
)
def test_keys_of_earlier_versions_are_known(values, begins, source_key):
    """Were one to change, a message that an earlier version sent would go out again."""
    keys = Keys("sms_messages", "orders", {name: name for name in values}, frozenset(), text_hasher(KEY))
    older = OlderKeys(hashes=(unkeyed_hasher(),), are_spelled_otherwise=True)
    assert keys.older(values, older)[1][:12] == begins
    clear = replace(keys, clear=frozenset(values))
    assert clear.for_row(values)[1] == source_key


@pytest.mark.parametrize("value", ["anna@example.com", "+61411111111", "+61 411 111 111"])
def test_personal_keys_are_hashed_whatever_their_column_is_called(value):
    keys = Keys("contacts", "people", {"customer": "customer"}, frozenset(), text_hasher(KEY))
    assert value not in keys.for_row({"customer": value})[1]


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+9999")]
)
def test_numbers_that_are_none_are_keys_too(value):
    assert normalize(value) == normalize(value)


@given(numbers, st.lists(st.sampled_from(" -().\N{NO-BREAK SPACE}"), max_size=20), st.randoms())
def test_a_number_matches_in_every_spelling(number, noise, random):
    digits = list(number)
    for character in noise:
        digits.insert(random.randrange(3, len(digits)), character)
    spelled = "".join(digits)
    try:
        assert to_e164(spelled) == number
    except ValueError:
        return  # two separate things, for the library
    assert match_key("phone_number", spelled) == match_key("phone_number", number)


@given(st.emails())
def test_an_address_matches_in_either_case(address):
    assert match_key("email", address.upper()) == match_key("email", address.lower())


SHOWN = {"first_name", "custom_1", "email"}
PHONES = [f"+6141111111{number}" for number in range(4)]
rows = st.fixed_dictionaries(
    {"phone_number": st.sampled_from(PHONES), "list_id": st.sampled_from([EMPTY, VIP])},
    optional={
        "first_name": st.sampled_from(["Anna", "Änne", "", None]),
        "custom_1": st.none() | st.integers(0, 2) | st.text("ab \n", max_size=3),
        "email": st.none() | st.sampled_from(["a@example.com", "b@example.com"]),
        "_sdc_deleted_at": st.none() | st.just("2026-01-31"),
        "contact_id": st.none() | st.just("known"),
    },
)


@pytest.fixture(scope="module")
def small():
    with Sandbox(messages=0, contacts=0) as box:
        yield box


def shown(session, box):
    """Return the contacts of both lists: their fields by list and number."""
    found = {
        (list_id, row["phone_number"]): {name: row[name] for name in SHOWN}
        for list_id in (EMPTY, VIP)
        for row in walk(session, box, f"/lists/{list_id}/contacts")
    }
    count = sum(len(walk(session, box, f"/lists/{list_id}/contacts")) for list_id in (EMPTY, VIP))
    assert len(found) == count, "somebody is there twice"
    return found


def ids_of(session, box):
    return {
        (list_id, row["phone_number"]): row["contact_id"]
        for list_id in (EMPTY, VIP)
        for row in walk(session, box, f"/lists/{list_id}/contacts")
    }


def expected(before, batch):
    """Return what a batch makes of the lists: the last row for each number counts."""
    after = dict(before)
    for key, row in {(row["list_id"], row["phone_number"]): row for row in batch}.items():
        if row.get("_sdc_deleted_at"):
            after.pop(key, None)
            continue
        given = {name: "" if row[name] is None else str(row[name]).strip() for name in SHOWN & row.keys()}
        after[key] = after.get(key, dict.fromkeys(SHOWN, "")) | given
    return after


@settings(max_examples=budget(8, 500), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(rows, min_size=1, max_size=8), min_size=1, max_size=3), st.booleans())
def test_any_inputs_leave_the_lists_as_they_say(small, session, batches, mirrors):
    small.control("POST", "reset")
    model = shown(session, small)
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "ledger_url": f"sqlite:///{folder}/ledger.db",
            "contacts_mode": "mirror" if mirrors else "upsert",
        }
        for batch in batches:
            ids = ids_of(session, small)
            known = [
                row | {"contact_id": ids.get((row["list_id"], row["phone_number"]))}
                if row.get("contact_id")
                else row
                for row in batch
            ]
            # A key is one person's in all runs.
            keyed = [row | {"id": f"{row['list_id']} {row['phone_number']}"} for row in known]
            messages = stream_of("contacts", keyed)
            assert run_target(small.api_url, messages, **config, max_deletes=0).code in (
                0,
                int(mirrors),
            )
            model = expected(model, batch)
            assert shown(session, small) == model
            before = len(small.requests())
            run_target(small.api_url, messages, **config, max_deletes=0)
            wrote = [one for one in small.requests()[before:] if one["method"] != "GET"]
            assert not wrote
