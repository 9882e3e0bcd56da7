"""The tap against the sandbox: complete, incremental, tolerant, and never ahead of its data."""

import sys
from hashlib import sha256
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import ClassVar

import msgspec
import pytest
from singer_sdk.contrib.msgspec import MsgSpecWriter

from clicksend import errors
from clicksend.sandbox import Sandbox
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS, Output, run_tap

STREAMS = {stream.name: stream for stream in ALL}
MARKED = ["contacts", "email_addresses", "lists", "numbers", "sms_templates", "subaccounts"]
DAY = 86_400


def keys(output, stream):
    return [tuple(row[key] for key in STREAMS[stream].primary_keys) for row in output.rows(stream)]


@pytest.mark.parametrize("types", ["live", "legacy"])
def test_every_row_of_every_stream_comes_out_once(types):
    with Sandbox(seed=3, messages=350, contacts=220, epoch=EPOCH, types=types, dialect="documented") as box:
        output = run_tap(box.api_url)
        counts = {stream: len(keys(output, stream)) for stream in STREAMS}
        assert counts == box.state()["rows"]
        assert all(len(set(keys(output, stream))) == counts[stream] for stream in STREAMS)
        assert min(counts.values()) > 0


def test_live_and_legacy_worlds_give_the_same_rows():
    outputs = []
    for types in ("live", "legacy"):
        with Sandbox(seed=3, messages=150, contacts=120, types=types, epoch=1_790_000_000) as box:
            outputs.append(run_tap(box.api_url))
    for stream in STREAMS.keys() - {"account"}:
        live, legacy = (output.rows(stream) for output in outputs)
        assert live == legacy, stream


def test_deselected_streams_are_never_requested(sandbox):
    output = run_tap(sandbox.api_url, "sms_templates", "countries")
    assert {request["path"] for request in sandbox.requests()} == {"/sms/templates", "/countries"}
    assert {m.get("stream") for m in output.messages} == {"sms_templates", "countries", None}


def test_deselected_columns_stay_home(sandbox):
    from tests.tap.runner import catalog_of

    catalog = catalog_of("sms_templates")
    (entry,) = (entry for entry in catalog["streams"] if entry["stream"] == "sms_templates")
    next(m for m in entry["metadata"] if m["breadcrumb"] == ["properties", "body"])["metadata"][
        "selected"
    ] = False
    output = Output()
    tap = TapClickSend(
        config={"api_url": sandbox.api_url, **CREDENTIALS}, catalog=catalog, message_writer=output
    )
    tap.sync_all()
    assert output.rows("sms_templates")
    assert all("body" not in row for row in output.rows("sms_templates"))


def test_maps_apply(sandbox):
    maps = {"sms_templates": {"name_hash": "md5(template_name)", "body": "__NULL__"}}
    rows = run_tap(sandbox.api_url, "sms_templates", stream_maps=maps).rows("sms_templates")
    assert all("body" not in row and len(row["name_hash"]) == 32 for row in rows)


def test_maps_read_their_own_settings(sandbox):
    maps = {"body": "sha256(config['salt'] + body)", "share": "float(config['share'])"}
    settings = {"stream_maps": {"sms_templates": maps}, "stream_map_config": {"salt": "pepper", "share": 0.5}}
    plain = run_tap(sandbox.api_url, "sms_templates").rows("sms_templates")
    rows = run_tap(sandbox.api_url, "sms_templates", **settings).rows("sms_templates")
    hashes = [sha256(f"pepper{row['body']}".encode()).hexdigest() for row in plain]
    assert [(row["body"], row["share"]) for row in rows] == [(one, 0.5) for one in hashes]


def test_maps_make_names_up_as_faker_config_says(sandbox, monkeypatch):
    """Faker is no dependency: a stand-in shows that what maps ask of it arrives."""

    class Faker:
        seeds: ClassVar = []
        seed = seeds.append

        def __init__(self, locale):
            self.locale = locale

        def first_name(self):
            return f"Ada of {self.locale}"

    faker = ModuleType("faker")
    faker.Faker, faker.__spec__ = Faker, ModuleSpec("faker", None)
    monkeypatch.setitem(sys.modules, "faker", faker)
    maps = {"contacts": {"first_name": "fake.first_name()"}}
    settings = {"stream_maps": maps, "faker_config": {"seed": 7, "locale": "de_AT"}}
    rows = run_tap(sandbox.api_url, "contacts", **settings).rows("contacts")
    assert {row["first_name"] for row in rows} == {"Ada of de_AT"}
    assert set(Faker.seeds) == {7}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("fake.name()", "NameNotDefined"),
        ("config['absent']", "KeyError"),
        ("md5(extra)", "AttributeError"),
        ("body + 1", "TypeError"),
    ],
)
@pytest.mark.parametrize("in_files", [False, True])
def test_a_map_that_cannot_be_evaluated_is_named_and_no_row_quoted(
    sandbox, tmp_path, expression, reason, in_files
):
    storage = {"encoding": {"format": "jsonl"}, "storage": {"root": tmp_path.as_uri()}}
    settings = {"batch_config": storage} if in_files else {}
    maps = {"sms_templates": {"body": expression}}
    with pytest.raises(errors.SettingsError, match=rf"stream_maps: .* sms_templates .*{reason}") as caught:
        run_tap(sandbox.api_url, "sms_templates", stream_maps=maps, **settings)
    assert "Test Template" not in str(caught.value)


class SdkOutput(MsgSpecWriter):
    """Keeps what a tap writes, and gives it no way to write pages."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def write_message(self, message):
        self.messages.append(msgspec.json.decode(self.format_message(message)))


def test_pages_are_written_message_for_message_as_the_sdk_writes_rows(sandbox, monkeypatch):
    monkeypatch.setattr("tap_clicksend.readers.windows.LARGEST_WINDOW", 100)
    pages, rows = run_tap(sandbox.api_url), run_tap(sandbox.api_url, output=SdkOutput())
    for output in (pages, rows):
        for message in output.messages:
            assert (message["type"] == "RECORD") == ("time_extracted" in message)
            message.pop("time_extracted", None)
            if message["type"] in ("RECORD", "ACTIVATE_VERSION") and "version" in message:
                assert message.pop("version") > 1_700_000_000
    assert [list(message) for message in pages.messages] == [list(message) for message in rows.messages]
    assert pages.messages == rows.messages
    assert len([m for m in pages.messages if m["type"] == "STATE"]) > 15


class TestIncrementalContacts:
    """Contacts can be read by what changed; deletions then do not show."""

    @pytest.mark.parametrize("after", ["strict", "inclusive"])
    def test_only_what_changed_is_read_again(self, sandbox, after):
        sandbox.control("POST", "switches", {"updated_after": after})
        first = run_tap(sandbox.api_url, "contacts", contacts_replication="incremental")
        loaded = dict(zip(keys(first, "contacts"), first.rows("contacts"), strict=True))
        assert len(loaded) == sandbox.state()["rows"]["contacts"]
        sandbox.advance(2 * DAY)
        second = run_tap(sandbox.api_url, "contacts", state=first.state, contacts_replication="incremental")
        assert 0 < len(second.rows("contacts")) < len(loaded) / 2
        loaded |= dict(zip(keys(second, "contacts"), second.rows("contacts"), strict=True))
        now = run_tap(sandbox.api_url, "contacts")
        for key, row in zip(keys(now, "contacts"), now.rows("contacts"), strict=True):
            assert loaded[key] == row
        assert "ACTIVATE_VERSION" not in first.kinds("contacts") + second.kinds("contacts")
        assert "ACTIVATE_VERSION" in now.kinds("contacts")

    @pytest.mark.parametrize("after", ["strict", "inclusive"])
    def test_what_changes_in_the_second_of_the_bookmark_is_read(self, sandbox, connect, after):
        sandbox.control("POST", "switches", {"updated_after": after})
        sandbox.advance(60)
        client = connect(sandbox.api_url)
        (one,) = [row for row in client.get("/lists").data["data"] if row["list_name"] == "Customers"]
        path = f"/lists/{one['list_id']}/contacts"
        first, second = client.get(path).data["data"][:2]
        client.put(f"{path}/{first['contact_id']}", {"custom_4": "first"})
        state = run_tap(sandbox.api_url, "contacts", contacts_replication="incremental").state
        client.put(f"{path}/{second['contact_id']}", {"custom_4": "second"})
        rows = run_tap(sandbox.api_url, "contacts", state=state, contacts_replication="incremental").rows(
            "contacts"
        )
        assert "second" in {row["custom_4"] for row in rows}

    @pytest.mark.parametrize("moves_update", [False, True])
    @pytest.mark.parametrize("name", ["Opt-Out List", "OPT-OUT LIST "])
    @pytest.mark.parametrize("by_id", [False, True])
    def test_whoever_is_moved_to_the_opt_out_list_is_read(self, sandbox, connect, moves_update, name, by_id):
        sandbox.control("POST", "switches", {"moves_update": moves_update})
        client = connect(sandbox.api_url)
        lists = {row["list_name"]: row["list_id"] for row in client.get("/lists").data["data"]}
        opt_outs, customers = lists["Opt-Out List"], lists["Customers"]
        client.put(f"/lists/{opt_outs}", {"list_name": name})
        config = {"contacts_replication": "incremental"} | (
            {"list_ids": [opt_outs, customers]} if by_id else {}
        )
        first = run_tap(sandbox.api_url, "contacts", **config)
        sandbox.advance(2 * DAY)
        moved, stopped, *_ = client.get(f"/lists/{customers}/contacts").data["data"]
        client.put(f"/lists/{customers}/contacts/{moved['contact_id']}/transfer/{opt_outs}", {})
        reply = {"from": stopped["phone_number"], "body": "STOP", "list_id": customers}
        assert sandbox.control("POST", "reply", reply)["opted_out"]["contact_id"] == stopped["contact_id"]
        second = run_tap(sandbox.api_url, "contacts", state=first.state, **config)
        found = set(keys(second, "contacts"))
        assert {(opt_outs, moved["contact_id"]), (opt_outs, stopped["contact_id"])} <= found
        assert len(found) < len(first.rows("contacts")) / 2

    def test_a_broken_list_keeps_its_bookmark(self, sandbox):
        first = run_tap(sandbox.api_url, "contacts", contacts_replication="incremental")
        sandbox.advance(2 * DAY)
        sandbox.control(
            "POST", "faults", {"path": "/lists/*/contacts", "kind": "status", "status": 500, "times": -1}
        )
        output = Output()
        with pytest.raises(errors.ServerError):
            run_tap(
                sandbox.api_url,
                "contacts",
                state=first.state,
                contacts_replication="incremental",
                output=output,
            )
        assert all(
            m["value"]["bookmarks"]["contacts"]["lists"] == first.state["bookmarks"]["contacts"]["lists"]
            for m in output.messages
            if m["type"] == "STATE"
        )


class TestActivateVersion:
    """Rows are marked as gone only when all that is there was read."""

    def test_it_comes_once_and_last_and_from_these_streams_only(self, sandbox):
        sandbox.control("POST", "switches", {"legacy_paths": "served"})
        output = run_tap(sandbox.api_url)
        for stream in STREAMS:
            expected = ["ACTIVATE_VERSION"] if stream in MARKED else []
            assert output.kinds(stream)[-1:] == (expected or ["RECORD"]), stream
            assert output.kinds(stream).count("ACTIVATE_VERSION") == len(expected)
        versions = {m["version"] for m in output.messages if m["type"] == "RECORD" and m["stream"] == "lists"}
        (activated,) = (
            m for m in output.messages if m["type"] == "ACTIVATE_VERSION" and m["stream"] == "lists"
        )
        assert versions == {activated["version"]}

    def test_never_for_a_loader_that_does_not_know_it(self, sandbox):
        usual, without = run_tap(sandbox.api_url), run_tap(sandbox.api_url, emit_activate_version=False)
        for stream in STREAMS:
            assert "ACTIVATE_VERSION" not in without.kinds(stream)
            assert without.rows(stream) == usual.rows(stream)
        assert not [message for message in without.messages if "version" in message]

    def test_never_with_list_ids(self, sandbox):
        ids = [row["list_id"] for row in run_tap(sandbox.api_url, "lists").rows("lists")][:2]
        output = run_tap(sandbox.api_url, "lists", "contacts", list_ids=ids)
        assert {row["list_id"] for row in output.rows("lists")} == set(ids)
        assert {row["list_id"] for row in output.rows("contacts")} <= set(ids)
        assert "ACTIVATE_VERSION" not in output.kinds("lists") + output.kinds("contacts")

    def test_never_when_a_page_is_missing(self, sandbox):
        rule = {
            "path": "/lists/*/contacts",
            "query": {"page": "2"},
            "kind": "status",
            "status": 500,
            "times": -1,
        }
        sandbox.control("POST", "faults", rule)
        output = Output()
        with pytest.raises(errors.ServerError):
            run_tap(sandbox.api_url, "contacts", page_size=15, output=output)
        assert output.rows("contacts")
        assert "ACTIVATE_VERSION" not in output.kinds("contacts")

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_list_that_vanishes_is_skipped_and_nothing_is_marked(self, sandbox, status, caplog):
        whole = keys(run_tap(sandbox.api_url, "contacts"), "contacts")
        gone = whole[0][0]
        rule = {"path": f"/lists/{gone}/contacts", "kind": "status", "status": status, "times": -1}
        sandbox.control("POST", "faults", rule)
        output = run_tap(sandbox.api_url, "contacts")
        assert set(keys(output, "contacts")) == {key for key in whole if key[0] != gone}
        assert f"List {gone} vanished" in caplog.text
        assert "ACTIVATE_VERSION" not in output.kinds("contacts")


class TestWhatTheAccountLacks:
    """A missing permission or a retired endpoint costs one stream, not the run."""

    def test_no_voice_access(self, sandbox, caplog):
        sandbox.control("POST", "switches", {"voice_access": False})
        output = run_tap(sandbox.api_url, "voice_history", "voice_receipts", "voice_languages")
        assert output.rows("voice_languages")
        assert "no voice access" in caplog.text
        assert "replication_key_value" not in output.state["bookmarks"]["voice_history"]

    def test_mms_receipts_are_gone(self, sandbox, caplog):
        run_tap(sandbox.api_url, "mms_receipts")
        assert "mms_history has the delivery" in caplog.text

    @pytest.mark.parametrize("rules", [0, 3])
    def test_poll_rules(self, sandbox, rules):
        before = run_tap(sandbox.api_url, "sms_receipts", "sms_inbound")
        sandbox.control("POST", "switches", {"poll_rules": rules})
        after = run_tap(sandbox.api_url, "sms_receipts", "sms_inbound")
        for stream in ("sms_receipts", "sms_inbound"):
            assert keys(after, stream) == (keys(before, stream) if rules else [])


class TestFaults:
    """What goes wrong on the way costs no row and never puts state ahead of data."""

    @pytest.mark.parametrize("kind", ["reset_before", "reset_after", "half_body", "html", "status"])
    def test_passing_faults_cost_nothing(self, sandbox, kind, clock):
        whole = run_tap(sandbox.api_url, "sms_history", "contacts")
        rule = {"kind": kind, "status": 503, "times": 2}
        sandbox.control("POST", "faults", {**rule, "path": "/sms/history", "query": {"page": "3"}})
        sandbox.control("POST", "faults", {**rule, "path": "/lists/*/contacts", "skip": 1})
        output = run_tap(sandbox.api_url, "sms_history", "contacts", max_retries=5, clock=clock)
        assert len(clock.slept) == 4
        assert output.rows("sms_history") == whole.rows("sms_history")
        assert output.rows("contacts") == whole.rows("contacts")

    @pytest.mark.parametrize("kind", ["reset_before", "half_body", "html", "status"])
    def test_lasting_faults_leave_state_behind_data(self, sandbox, kind):
        first = run_tap(sandbox.api_url, "sms_history")
        sandbox.advance(4 * DAY)
        rule = {"path": "/sms/history", "query": {"page": "2"}, "kind": kind, "status": 500, "times": -1}
        sandbox.control("POST", "faults", rule)
        output = Output()
        with pytest.raises(errors.ClickSendError):
            run_tap(sandbox.api_url, "sms_history", page_size=15, state=first.state, output=output)
        assert output.rows("sms_history")
        assert all(
            m["value"]["bookmarks"]["sms_history"].get("replication_key_value")
            == first.state["bookmarks"]["sms_history"]["replication_key_value"]
            for m in output.messages
            if m["type"] == "STATE"
        )

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500])
    def test_an_error_ends_the_run_and_marks_nothing(self, sandbox, status):
        sandbox.control("POST", "faults", {"path": "/lists", "kind": "status", "status": status, "times": -1})
        output = Output()
        with pytest.raises(errors.ApiError, match=f"^GET /lists answered {status}") as caught:
            run_tap(sandbox.api_url, "lists", output=output)
        assert caught.value.status == status
        assert output.kinds("lists") == ["SCHEMA"]

    def test_a_row_without_its_key_costs_only_itself(self, sandbox, caplog):
        import json

        rows = [{"template_name": "no id"}, {"template_id": 5, "template_name": "five"}]
        data = {"total": 2, "per_page": 100, "last_page": 1, "data": rows}
        body = json.dumps({"http_code": 200, "response_code": "SUCCESS", "data": data})
        sandbox.control(
            "POST", "faults", {"path": "/sms/templates", "kind": "body", "body": body, "times": -1}
        )
        output = run_tap(sandbox.api_url, "sms_templates")
        assert [row["template_id"] for row in output.rows("sms_templates")] == [5]
        assert "a row without its ('template_id',) was left out" in caplog.text
        assert "ACTIVATE_VERSION" not in output.kinds("sms_templates")
