"""Columns are known in every spelling, and what may hold a message back is not overlooked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend.errors import SettingsError
from target_clicksend.columns import DELETED, Columns, check_ignored, fold, is_mark, marks_deleted
from target_clicksend.row import Rejected
from target_clicksend.settings import NAMES
from target_clicksend.target import sink_class

KNOWN = sorted({name for sink in NAMES for name in sink_class(sink).columns} | {DELETED})
UNSEEN = ["", "\ufeff", "\u200b", "\u2060", "\u00ad", "\u202a"]


@st.composite
def spelled(draw, name):
    """Return a name as some warehouse, tap, spreadsheet or editor writes it."""
    words = name.strip("_").split("_")
    form = draw(st.sampled_from(["snake", "kebab", "blank", "camel", "pascal", "joined", "nbsp"]))
    if form == "camel":
        text = words[0] + "".join(word.capitalize() for word in words[1:])
    elif form == "pascal":
        text = "".join(word.capitalize() for word in words)
    else:
        between = {"snake": "_", "kebab": "-", "blank": " ", "joined": "", "nbsp": "\u00a0"}
        text = between[form].join(words)
        text = draw(st.sampled_from([text, text.upper(), text.title(), text.lower()]))
    text = draw(st.sampled_from(["", "_", " "])) + text + draw(st.sampled_from(["", "_", " "]))
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.sampled_from(UNSEEN)) + text[place:]


@given(st.data(), st.sampled_from(KNOWN))
def test_a_column_is_itself_in_every_spelling(data, name):
    written = data.draw(spelled(name))
    assert Columns(KNOWN).named(written) == name
    value = "2026-01-01T00:00:00Z"
    read = Columns(KNOWN, sends=True).read({"id": 1, written: value})
    assert read == {"id": 1, name: True if name == DELETED else value}


@given(st.data(), st.sampled_from([name for name in KNOWN if name != DELETED]))
def test_two_columns_that_are_one_are_rejected(data, name):
    one, other = data.draw(spelled(name)), data.draw(spelled(name))
    if one == other:
        return
    with pytest.raises(Rejected, match="are one column: give it once"):
        Columns(KNOWN).read({one: 1, other: None})


@given(st.sampled_from(["to", "body", "opted_out"]), st.text("abcdefghij_", min_size=1, max_size=12))
def test_other_columns_are_others(name, other):
    if fold(other) not in map(fold, KNOWN):
        assert Columns(KNOWN).read({name: 1, other: 2}) == {name: 1, other: 2}


def test_columns_of_the_settings_and_of_the_key():
    columns = Columns(
        ["to", "first_name"], settings=["Plan", "First Name", "made at"], keys=["ID", "TO", "a_b", "ab"]
    )
    names = {"PLAN": "Plan", "First Name": "First Name", "firstName": "first_name", "MADE_AT": "made at"}
    names |= {"id": "ID", "TO": "to", "a_b": "a_b", "ab": "ab"}
    assert {name: columns.named(name) for name in names} == names


MARKS = [
    *("_sdc_deleted_at", "_SDC_DELETED_AT", "sdc_deleted_at", "_sdcDeletedAt", "\ufeff_sdc_deleted_at"),
    *(
        "_sdc_lsn_deleted_at",
        "_ab_cdc_deleted_at",
        "_AB_CDC_DELETED_AT",
        "_fivetran_deleted",
        "_FIVETRAN_DELETED",
    ),
    *("fivetran_deleted", "_dlt_deleted", "__deleted", "__DELETED", "_deleted", "_PEERDB_IS_DELETED"),
    *("_peerdb_is_deleted", "__hevo__marked_deleted", "_airbyte_deleted_at", "_is_deleted", "_delete_flag"),
]


@pytest.mark.parametrize("name", MARKS)
def test_every_tools_mark_says_that_a_row_is_deleted(name):
    assert is_mark(name)
    for sends in (True, False):
        columns = Columns(KNOWN, sends=sends)
        columns.check(["id", name])
        for value in (
            "2026-11-28T10:00:00Z",
            "2026-11-28 10:00:00+00",
            True,
            "true",
            "T",
            1,
            "1",
            "1.0",
            1764500000,
        ):
            assert columns.read({"id": 1, name: value}) == {"id": 1, DELETED: True}
        for value in (None, "", " ", "\u200b", False, "false", "F", 0, "0", "0.0"):
            assert columns.read({"id": 1, name: value}) == {"id": 1, DELETED: False}
        for value in ("maybe", {"at": 1}, [1], 7, "0000-00-00", "null"):
            with pytest.raises(Rejected, match="says neither when the row was deleted"):
                columns.read({"id": 1, name: value})


def test_one_mark_of_several_is_enough():
    row = {"_sdc_deleted_at": None, "__deleted": "false", "_fivetran_deleted": True}
    assert Columns(KNOWN).read(row) == {DELETED: True}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "optout",
            "opt_out",
            "OptOut",
            "sms_opt_out",
            "OPTOUT_AT",
            "opted_in",
            "unsubscribed",
            "unsubscribed_at",
        ),
        *("UNSUBSCRIBE", "is_subscribed", "do_not_contact", "DoNotContact", "DO NOT SMS", "dnc", "no_sms"),
        *("blacklisted", "is_blocked", "suppressed", "sms_consent", "consent_revoked_at", "dont_text"),
        *("send_at", "SEND_AT", "sendAt", "sendOn", "send_date", "send_time", "send_after", "scheduled_at"),
        *(
            "schedule_at",
            "ScheduledFor",
            "scheduled",
            "deliver_at",
            "not_before",
            "draft",
            "on_hold",
            "hold_until",
        ),
        *("expires", "expires_at", "expiresAt", "valid_until", "send_by", "deadline", "not_after"),
        *("deleted", "Deleted", "deleted_at", "is_deleted", "IsDeleted", "soft_deleted", "removed_at"),
        *(
            *("was_deleted", "userDeletedAt", "booking_cancelled_at", "smsOptOut", "has_opted_out_at"),
            *("doNotEmail", "customer_do_not_text", "donotcall", "SMSOPTOUT", "metadata$action", "opt_outs"),
            "cancelled",
            "canceled_at",
            "is_cancelled",
            "void",
            "archived",
            "active",
            "is_active",
            "op",
            "operation",
        ),
    ],
)
def test_what_resembles_a_column_that_holds_back_stops_the_stream(name):
    columns = Columns(sink_class("sms_messages").columns, sends=True)
    with pytest.raises(SettingsError, match=r"may hold messages back.*stream_maps.*ignored_columns"):
        columns.check(["id", "to", name])
    ignoring = Columns(sink_class("sms_messages").columns, sends=True, ignored=[name.upper()])
    ignoring.check(["id", "to", name])
    assert ignoring.unknown(["to", name]) == []
    assert ignoring.read({"to": 1, name: 2}) == {"to": 1, name: 2}


@pytest.mark.parametrize(
    "name",
    [
        *("id", "created_at", "updated_at", "sent_at", "first_name", "email", "phone", "order_id", "amount"),
        *("option", "options", "adoption", "delivery_date", "delivered_at", "opt", "sender", "resend_count"),
        *(
            "_sdc_extracted_at",
            "_sdc_lsn_operation",
            "_fivetran_synced",
            "_dlt_load_id",
            "status",
            "invoice_no",
        ),
        *(
            *("todo_notes", "opt_index", "adopting", "action", "unsubscribe_url", "unsubscribe_link"),
            "activity",
            "deleter",
            "message",
            "locale",
            "tags",
            "notes",
            "bookings",
            "cooperation",
        ),
    ],
)
def test_ordinary_columns_stop_nothing(name):
    Columns(sink_class("sms_messages").columns, sends=True).check([name])


def test_where_nobody_is_written_to_only_a_row_that_may_be_deleted_is_turned_away():
    columns = Columns(sink_class("contacts").columns)
    columns.check(["IsDeleted", "unsubscribed", "expires_at"])
    assert columns.read({"id": 1, "IsDeleted": False, "unsubscribed": True})["id"] == 1
    for value in (True, "true", "2026-01-01", "what"):
        with pytest.raises(Rejected, match="IsDeleted may say that the row was deleted"):
            columns.read({"id": 1, "IsDeleted": value})
    assert Columns(["id"], ignored=["is_deleted"]).read({"id": 1, "IsDeleted": True})["id"] == 1


def test_an_ignored_column_is_not_the_one_it_is_called_like():
    columns = Columns(["to", "source"], ignored=["SOURCE"])
    assert columns.read({"to": 1, "Source": "import"}) == {"to": 1}


def test_a_key_is_not_ignored():
    columns = Columns(["to", "source"], ignored=["source"], keys=["source"])
    assert columns.read({"to": 1, "source": 7}) == {"to": 1, "source": 7}


@pytest.mark.parametrize("name", ["OPTED_OUT", "schedule", "sendBefore", "_sdc_deleted_at", "__deleted"])
def test_what_holds_back_cannot_be_ignored(name):
    assert "holds rows back" in check_ignored(["colour", name])
    assert check_ignored(["colour", "source"]) is None


def test_unknown_columns_are_shown_with_what_they_may_have_been_meant_for():
    columns = Columns(KNOWN)
    said = columns.described(columns.unknown(["frist_name", "co\u200blour\n", "x" * 200, "_sdc_batched_at"]))
    assert said == f"co\\u200blour\\n, frist_name (did you mean first_name?), {'x' * 60}..."
    many = columns.described([f"c{number}" for number in range(20_000)])
    assert many.endswith("19,990 others")
    assert len(many) < 200


def test_marks_of_a_time():
    assert marks_deleted("_deleted", "1764500000000")
