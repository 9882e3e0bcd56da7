"""Personal data: kept, hashed so that it still joins, or dropped; on every path out."""

import hashlib
import hmac
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clicksend import errors
from clicksend.hashing import canonical, hasher, text_hasher
from tap_clicksend.streams import ALL
from tap_clicksend.streams.campaigns import MmsCampaigns, SmsCampaigns
from tap_clicksend.streams.outcomes import Outcomes
from tests.tap.runner import run_tap
from tests.tap.test_tap import SdkOutput

KEY = "a key that nobody guesses"


@pytest.fixture(params=["pages", "rows"])
def masked(request, sandbox):
    """Run the tap with a setting, writing whole pages or single rows."""

    def run(**config):
        return run_tap(sandbox.api_url, output=SdkOutput() if request.param == "rows" else None, **config)

    return run


def rows_of(output, stream):
    return [m["record"] for m in output.messages if m["type"] == "RECORD" and m["stream"] == stream.name]


def personal(output):
    """Return every value of a personal column that is long enough to be told from others."""
    values = {
        row[name]
        for stream in ALL
        for row in rows_of(output, stream)
        for name, column in stream.columns.items()
        if column.personal and isinstance(row[name], str)
    }
    return {value for value in values if len(value) > 7}


def spelled(value):
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize("config", [{"pii": "hash", "pii_key": KEY}, {"pii": "drop"}], ids=["hash", "drop"])
def test_nothing_personal_gets_out_and_the_rest_stays_as_it_is(sandbox, masked, config):
    plain, output = run_tap(sandbox.api_url), masked(**config)
    # The account's own numbers and the names of countries may stand where they are nobody's.
    public = [rows_of(plain, stream) for stream in ALL if stream.name in ("numbers", "countries")]
    # So may what a campaign says to everybody, which messages say again.
    public += [
        (row["name"], row["body"])
        for stream in (SmsCampaigns, MmsCampaigns)
        for row in rows_of(plain, stream)
    ]
    masked_streams = [stream for stream in ALL if stream.name not in ("numbers", "countries")]
    public, text = spelled(public), spelled([rows_of(output, stream) for stream in masked_streams])
    values = {value for one in personal(plain) if (value := spelled(one)[1:-1]) not in public}
    assert len(values) > 500
    assert not [value for value in values if value in text]
    for stream in ALL:
        for before, after in zip(rows_of(plain, stream), rows_of(output, stream), strict=True):
            assert list(before) == list(after)
            assert after["extra"] is None
            for name, column in stream.columns.items():
                if not column.personal:
                    assert before[name] == after[name], (stream.name, name)
                elif config["pii"] == "drop" or before[name] is None:
                    assert after[name] is None


NEW = "+61400000017 Secret Name"


@pytest.mark.parametrize(
    "config", [{}, {"pii": "hash", "pii_key": KEY}, {"pii": "drop"}], ids=["keep", "hash", "drop"]
)
@pytest.mark.parametrize("files", [False, True], ids=["records", "files"])
def test_a_field_that_is_added_tomorrow_is_personal(sandbox, tmp_path, config, files):
    row = {"template_id": 1, "template_name": "x", "body": "y", "added_tomorrow": NEW}
    data = {"total": 1, "last_page": 1, "current_page": 1, "data": [row]}
    body = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": data}
    sandbox.control("POST", "faults", {"kind": "body", "path": "/sms/templates", "body": body, "times": -1})
    if files:
        storage = {
            "encoding": {"format": "jsonl", "compression": "none"},
            "storage": {"root": tmp_path.as_uri()},
        }
        config = config | {"batch_config": storage}
    output = run_tap(sandbox.api_url, "sms_templates", **config)
    text = json.dumps(output.messages) + "".join(file.read_text() for file in tmp_path.glob("*.jsonl"))
    assert (NEW in text) == ("pii" not in config)


def test_a_hash_joins_across_streams(sandbox):
    output = run_tap(sandbox.api_url, pii="hash", pii_key=KEY)
    numbers = {row["phone_number"] for row in output.rows("contacts")} - {None}
    recipients = {row["to"] for row in output.rows("sms_history")}
    assert len(numbers & recipients) > 10
    (plain, *_) = run_tap(sandbox.api_url, "contacts").rows("contacts")
    expected = hmac.new(KEY.encode(), plain["phone_number"].encode(), hashlib.sha256).hexdigest()
    assert expected in numbers
    assert run_tap(sandbox.api_url, "contacts", pii="hash", pii_key=KEY + "2").rows(
        "contacts"
    ) != output.rows("contacts")


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("+61 411-111 111", "+61411111111"),
        ("61411111111", "+61411111111"),
        ("+1 (555) 123.4567", "+15551234567"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("0044 20 7946 0958", "+442079460958"),
        ("+442079460958.0", "+442079460958"),
        ("442079460958.0", "+442079460958"),
        ("4.42079460958E+11", "+442079460958"),
        ("\uff0b\uff14\uff14\u200b2079460958", "+442079460958"),
        ("tel:+44-20-7946-0958", "+442079460958"),
        ("020 7946 0958", "+02079460958"),
        ("+5215512345678", "+5215512345678"),
        ("2026-01-31", "+20260131"),
        ("12 High Street", "12 high street"),
        (
            "Your code is 123456, +44 20 7946 0958" + " " * 40 + "x",
            "your code is 123456, +44 20 7946 0958" + " " * 40 + "x",
        ),
        (" Zoe\u0308@Example.org ", "zo\u00eb@example.org"),
        ("12345", "12345"),
        ("Hauptstraße 1", "hauptstrasse 1"),
        ("MyBrand", "mybrand"),
    ],
)
def test_one_spelling_for_what_is_the_same(spelled, expected):
    assert canonical(spelled) == expected


@given(st.text(), st.text())
def test_hashes_are_equal_only_for_what_is_the_same(one, other):
    hashed = hasher(KEY)
    assert (hashed(one) == hashed(other)) == (canonical(one) == canonical(other))
    assert canonical(canonical(one)) == canonical(one)


@pytest.mark.parametrize("config", [{"pii": "hash"}, {"pii": "hash", "pii_key": "short"}, {"pii": "some"}])
def test_a_hash_without_a_key_is_refused(sandbox, config):
    with pytest.raises(errors.SettingsError, match="pii") as caught:
        run_tap(sandbox.api_url, **config)
    assert "short" not in str(caught.value)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200), st.text())
@example("k" * 64, "")
@example("k" * 65, "a")
def test_hashes_are_hmac_sha256(key, text):
    expected = hmac.new(key.encode(), text.encode(errors="surrogatepass"), hashlib.sha256)
    assert text_hasher(key)(text) == expected.hexdigest()


PERSONAL = frozenset(
    re.findall(
        r"\w+",
        """
        _api_username _keyword _media_file_url _subaccount account_billing_email account_billing_mobile
        account_name address_city address_line_1 address_line_2 address_postal_code address_state
        api_username body campaign client_comments custom_1 custom_2 custom_3 custom_4 custom_string
        delivery_to description digits email email_address fax_number first_name from from_email ip_address
        key last_name notes organization_name original_body phone_number reply_to senders source_key subject
        support_comments to user_email user_first_name user_geo_region user_last_name user_phone username
        """,
    )
)
TEMPLATES = {"sms_templates", "sms_campaigns", "mms_campaigns"}
"""Streams whose texts are for nobody in particular."""


@pytest.mark.parametrize("stream", [*ALL, Outcomes], ids=lambda stream: stream.name)
def test_what_says_something_about_a_person_is_personal(stream):
    expected = {
        name
        for name in PERSONAL & stream.columns.keys()
        if not (name in ("body", "subject") and stream.name in TEMPLATES)
        # What a message's sender wrote there is theirs; in the ledger it is what a row brought.
        and not (name == "custom_string" and stream is not Outcomes)
    }
    assert {name for name, column in stream.columns.items() if column.personal} == expected


@pytest.mark.parametrize("value", ["\ud83d", "a\udfff b"])
def test_half_a_character_has_a_hash_too(value):
    expected = hmac.new(KEY.encode(), value.encode(errors="surrogatepass"), hashlib.sha256)
    assert hasher(KEY)(value) == expected.hexdigest()


@pytest.mark.parametrize("make", [hasher, text_hasher])
def test_no_key_is_no_key_of_hashes(make):
    with pytest.raises(ValueError, match="empty"):
        make("")
