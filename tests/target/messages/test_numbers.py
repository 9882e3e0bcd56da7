"""Phone numbers of rows: what arrives at ClickSend is the number that the row means; a dry run says how."""

import pytest

from clicksend.countries import code_of
from clicksend.sandbox.world.seed_data import EMPTY
from target_clicksend.contacts.contact import ContactParser
from target_clicksend.row import Rejected, Row
from target_clicksend.values import read_phone
from tests.target.messages.cases import posts
from tests.target.runner import stream_of

NUMBER = "+61412345678"
SPOILT = {
    "61412345678.0": NUMBER,
    "6.1412345679E+10": "+61412345679",
    "0061412345680": "+61412345680",
    "0011 61 412 345 681": "+61412345681",
    "\uff0b\uff16\uff11\u200b412\xa0345\xa0682": "+61412345682",
    "'0412 345 683": "+61412345683",
    "+61 0412 345 684": "+61412345684",
    "+628123456789.0": "+628123456789",
    "+44 (0)20 7946 0958": "+442079460958",
    "+49 30/123456": "+4930123456",
}
NONE = [
    "447700900123",
    "+6104123456789",
    "6.14123E+10",
    "021 123 456.0",
    "0412345678.5",
    "61,412,345,678",
    "0412345678/0412345679",
    "0061412345",
    "#####",
]


def test_messages_go_to_the_number_that_is_meant(out):
    rows = [{"to": cell} for cell in [*SPOILT, *NONE]]
    ran = out.send(*rows, default_country="AU", batch_size_rows=5)
    assert ran.rows("sms_messages") == {"sent": len(SPOILT), "rejected": len(NONE)}
    assert [one["to"] for one in out.arrivals] == list(SPOILT.values())
    assert [one["to"] for body in posts(ran) for one in body["messages"]] == list(SPOILT.values())


def test_contacts_are_the_number_that_is_meant(write, people):
    rows = [{"phone_number": cell, "list_id": EMPTY} for cell in [*SPOILT, *NONE]]
    ran = write(rows, default_country="AU")
    assert ran.rows() == {"created": len(SPOILT), "rejected": len(NONE)}
    assert {one["phone_number"] for one in people(EMPTY)} == set(SPOILT.values())


LOCAL = {
    "07400 123456": ("GB", "+447400123456"),
    "030 123456": ("DE", "+4930123456"),
    "(212) 555-0123": ("US", "+12125550123"),
    "06 12 34 56 78": ("FR", "+33612345678"),
    "021 123 456": ("NZ", "+6421123456"),
    "0151 12345678": ("DE", "+4915112345678"),
}


def test_the_country_of_a_contact_completes_its_number(write, people):
    rows = [
        {"phone_number": cell, "address_country": country, "list_id": EMPTY}
        for cell, (country, _) in LOCAL.items()
    ]
    assert write(rows, default_country="AU").rows() == {"created": len(LOCAL)}
    assert {one["phone_number"]: one["address_country"] for one in people(EMPTY)} == {
        number: country for country, number in LOCAL.values()
    }
    gone = [row | {"_sdc_deleted_at": "2026-01-31"} for row in rows]
    assert write(gone, default_country="AU").rows() == {"deleted": len(LOCAL)}
    assert people(EMPTY) == []


def reader(**config):
    given = {
        "list_id": EMPTY,
        "match_on": ["phone_number"],
        "custom_fields": {},
        "blank_means": "clear",
    } | config
    return ContactParser(given, "AU")


def read(**values):
    return reader().parse(Row(1, "people", "key", "{}", values))


@pytest.mark.parametrize(
    ("columns", "number"),
    [
        ({}, "+61298765432"),
        ({"country": "NZ"}, "+64298765432"),
        ({"address_country": "New Zealand"}, "+64298765432"),
        ({"country": " nz", "address_country": "Australia"}, "+64298765432"),
        ({"country": "", "address_country": None}, "+61298765432"),
        ({"country": None, "address_country": "NZ"}, "+64298765432"),
    ],
)
@pytest.mark.parametrize("column", ["phone_number", "fax_number"])
def test_which_country_counts(column, columns, number):
    entry = read(**{"phone_number": NUMBER, column: "02 9876 5432"}, **columns)
    assert entry.fields[column] == number
    assert "country" not in entry.fields
    if column == "phone_number":
        assert entry.match == f"phone_number={number}"
    if "address_country" in columns:
        assert entry.fields["address_country"] == (columns["address_country"] or "")


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"country": "Atlantis"}, "country"),
        ({"address_country": "XX"}, "address_country"),
        ({"country": "XX", "address_country": "AU"}, "country"),
        ({"address_country": "Congo"}, "address_country"),
    ],
)
def test_a_country_that_nobody_knows_is_not_passed_over(columns, name):
    sentence = f"^{name} is not a country's two-letter code .*, nor its name$"
    with pytest.raises(Rejected, match=sentence):
        read(phone_number="0412 345 678", **columns)
    with pytest.raises(Rejected, match=sentence):
        read(phone_number=NUMBER, fax_number="02 9876 5432", **columns)
    for cell in (NUMBER, "+61 412 345 678", "0061 412 345 678", "\uff0b61412345678"):
        assert read(phone_number=cell, **columns).fields["phone_number"] == NUMBER


@pytest.mark.parametrize("country", [["NZ"], {"code": "NZ"}])
def test_a_country_that_is_no_text(country):
    with pytest.raises(Rejected, match=r"^country holds"):
        read(phone_number="0412 345 678", country=country)


def test_whom_a_rejected_row_names():
    named = {"phone_number": "021 123 456", "email": "nobody"}
    assert reader().names_of(named | {"country": "NZ"}) == (None, ["phone_number=+6421123456"])
    assert reader().names_of(named) is None
    assert reader().names_of(named | {"country": "Atlantis"}) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AU", "AU"),
        ("au ", "AU"),
        ("Australia", "AU"),
        ("UNITED KINGDOM", "GB"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("England", "GB"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("The Netherlands", "NL"),
        ("Holland", "NL"),
        ("Deutschland", "DE"),
        ("Osterreich", "AT"),
        ("España", "ES"),
        ("Côte d\u2019Ivoire", "CI"),
        ("\u65e5\u672c", "JP"),
        ("Россия", "RU"),
        ("Kosovo", "XK"),
        ("XX", None),
        ("AQ", None),
        ("Congo", None),
        ("Narnia", None),
        ("", None),
    ],
)
def test_countries_by_their_names(name, code):
    assert code_of(name) == code


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("0412345678", None, "to is not a valid phone number with a country code; set default_country, or"),
        ("+6141", None, "to has too few or too many digits for its country$"),
        ("6.1E+10", None, "to was shortened by a spreadsheet"),
        ("4915112345678", "DE", r"to could be one of several numbers: write it like \+15551234567$"),
    ],
)
def test_a_hint_where_it_helps(text, country, reason):
    with pytest.raises(Rejected, match=f"^{reason}"):
        read_phone("to", text, country)


HOW = [NUMBER, "+61 412 345 679", "0412 345 680", "0412345681", "61412345682.0", "0412 345\n"]


def expected(sink):
    return [
        {"sink": sink, "reading": "as written", "rows": 2, "samples": []},
        {
            "sink": sink,
            "reading": "completed with AU",
            "rows": 2,
            "samples": ["0412 3** *** -> +614123*****", "04123***** -> +614123*****"],
        },
        {
            "sink": sink,
            "reading": "float text, without its plus",
            "rows": 1,
            "samples": ["614123*****.* -> +614123*****"],
        },
    ]


def said(caplog, sink):
    return [line for line in caplog.messages if line.startswith(f"{sink}: ") and " read as " in line]


@pytest.mark.parametrize("sink", ["sms_messages", "mms_messages", "voice_messages", "notifications"])
def test_a_dry_run_says_how_recipients_were_read(out, caplog, sink):
    hub = {"hub_url": out.url, "username": None, "api_url": out.hub_api_url, "api_key": "sandbox-key"}
    config = {"default_country": "AU", **(hub if sink == "notifications" else {})}
    rows = [{"to": cell} | ({"template_id": "t"} if sink == "notifications" else {}) for cell in HOW]
    with caplog.at_level("INFO"):
        ran = out.send(*rows, sink=sink, dry_run=True, **config)
    assert ran.rows(sink) == {"dry_run": 5, "rejected": 1}
    assert ran.report["readings"] == expected(sink)
    assert said(caplog, sink) == [
        f"{sink}: 2 read as completed with AU: 0412 3** *** -> +614123*****",
        f"{sink}: 1 read as float text, without its plus: 614123*****.* -> +614123*****",
    ]


def test_a_dry_run_says_how_numbers_of_contacts_were_read(write, caplog):
    rows = [{"phone_number": cell, "list_id": EMPTY} for cell in HOW]
    with caplog.at_level("INFO"):
        ran = write(rows, default_country="AU", dry_run=True)
    assert ran.report["readings"] == expected("contacts")
    assert len(said(caplog, "contacts")) == 2
    fax = {"phone_number": NUMBER, "fax_number": "02 9876 5432", "country": "NZ", "list_id": EMPTY}
    kinds = {(one["reading"], one["rows"]) for one in write([fax], dry_run=True).report["readings"]}
    assert kinds == {("as written", 1), ("completed with NZ", 1)}


def test_at_most_five_samples(write):
    rows = [{"phone_number": f"0412 345 67{n}", "list_id": EMPTY} for n in range(7)]
    (reading,) = write(rows, default_country="AU", dry_run=True).report["readings"]
    assert (reading["rows"], len(reading["samples"])) == (7, 5)


def test_only_a_dry_run_says_it(write, out, caplog):
    with caplog.at_level("INFO"):
        written = write([{"phone_number": "0412 345 678", "list_id": EMPTY}], default_country="AU")
        sent = out.send({"to": "0412 345 678"}, default_country="AU")
    assert written.report["readings"] == sent.report["readings"] == []
    assert not said(caplog, "contacts") + said(caplog, "sms_messages")


def test_match_keys_complete_numbers_by_the_rows_country(write, people):
    row = {"phone_number": "+6421123456", "list_id": EMPTY}
    assert write([row]).rows() == {"created": 1}
    again = stream_of("contacts", [{"phone_number": "021 123 456", "country": "NZ", "list_id": EMPTY}])
    ran = write(again, raw=True, default_country="AU")
    assert (ran.rows(), ran.notes) == ({"unchanged": 1}, "")
