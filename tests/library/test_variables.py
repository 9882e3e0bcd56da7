"""Variables that set a setting: what did not arrive in the config ends the run, by name, with no value."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
from click.testing import CliRunner

from clicksend.errors import SettingsError
from clicksend.variables import check, definition
from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend
from tests.command import run_command
from tests.library.setting_cases import EXAMPLES, good, is_a, settings, spellings
from tests.tap.runner import CREDENTIALS, tap_command
from tests.target.runner import stream_of, target_command

TEXTS = {
    "api_url": "https://s3cr3t.example.org/v3",
    "default_country": "NZ",
    "end_date": "2026-09-01",
    "hub_url": "https://s3cr3t.example.org",
    "start_date": "2026-07-01",
    "test_recipient": "+15551234567",
    "time_zone": "Australia/Perth",
}
DATES = ("start_date", "end_date")
CASES = [pytest.param(*one, id=f"{one[0].name}-{one[1]}") for one in settings()]
MELTANO = {"MELTANO_EXTRACTOR_NAME": "tap-clicksend", "MELTANO_LOADER_NAME": "target-clicksend"}


def values(name, schema):
    """Return values of a setting that differ from its default."""
    if "enum" in schema:
        found = schema["enum"]
    elif is_a(schema, "string"):
        found = [TEXTS.get(name, "s3cr3t text"), "2026-08-02" if name in DATES else "s3cr3t, too"]
    else:
        found = [EXAMPLES[name]] if is_a(schema, "array", "object") else good(schema)
    return [value for value in found if value != schema.get("default")]


def prefix(plugin):
    return plugin.name.upper().replace("-", "_") + "_"


def texts(value):
    if isinstance(value, str):
        return [value]
    return [text for _, _, text in spellings(value) if text is not None]


def said(plugin, given, env):
    """Return what ends a run with this config and these variables, None when nothing does."""
    try:
        check(plugin.name, given, plugin.config_jsonschema["properties"], env)
    except SettingsError as error:
        return str(error)
    return None


@pytest.mark.parametrize("meltano", [{}, MELTANO], ids=["alone", "meltano"])
@pytest.mark.parametrize(("plugin", "name", "schema"), CASES)
def test_a_setting_that_did_not_arrive_is_named(plugin, name, schema, meltano):
    variable = prefix(plugin) + name.upper()
    assert values(name, schema)
    for value in values(name, schema):
        for text in texts(value):
            sentence = said(plugin, {}, {variable: text, **meltano})
            assert sentence.startswith(f"{variable} is set, but {name} did not arrive: ")
            assert "s3cr3t" not in sentence
            if meltano:
                assert f"Under settings of {plugin.name} in meltano.yml add - {{name: {name}" in sentence
                assert definition(name, schema) in sentence
            else:
                assert "--config=ENV" in sentence


@pytest.mark.parametrize(("plugin", "name", "schema"), CASES)
def test_a_setting_that_the_config_contradicts_is_named(plugin, name, schema):
    variable = prefix(plugin) + name.upper()
    known = values(name, schema)
    default = schema.get("default")
    for value in known:
        others = [other for other in [*known, default] if other != value and other not in (None, {})]
        others += [{}] * isinstance(value, dict) + [[]] * isinstance(value, list)
        for other in others:
            for text in texts(value):
                sentence = said(plugin, {name: other}, {variable: text})
                assert sentence.startswith(f"{variable} is set, but another value of {name} arrived: ")
                assert "s3cr3t" not in sentence


@pytest.mark.parametrize(("plugin", "name", "schema"), CASES)
def test_a_setting_that_arrived_in_any_spelling_is_fine(plugin, name, schema):
    variable = prefix(plugin) + name.upper()
    for value in values(name, schema):
        for text in texts(value):
            given = [value] if isinstance(value, str) else [one for one, _, _ in spellings(value)]
            for one in given:
                assert said(plugin, {name: one}, {variable: text, **MELTANO}) is None


@pytest.mark.parametrize(("plugin", "name", "schema"), CASES)
def test_what_changes_nothing_is_fine(plugin, name, schema):
    variable = prefix(plugin) + name.upper()
    assert said(plugin, {}, {variable: ""}) is None
    assert said(plugin, {name: (values(name, schema))[0]}, {variable: ""}) is None
    if "default" in schema:
        default = schema["default"]
        assert (
            said(plugin, {}, {variable: default if isinstance(default, str) else json.dumps(default)}) is None
        )


@pytest.mark.parametrize(("plugin", "name", "schema"), CASES)
def test_a_misspelt_setting_ends_the_run_and_is_guessed(plugin, name, schema):
    right = prefix(plugin) + name.upper()
    text = texts(values(name, schema)[0])[0]
    short = name.upper().replace("_", "")
    for wrong in (right.lower(), prefix(plugin) + short, f"{right}S", f"{prefix(plugin)}_{name.upper()}"):
        if wrong.removeprefix(prefix(plugin)).lower() in plugin.config_jsonschema["properties"]:
            continue
        for meltano in ({}, MELTANO):
            sentence = said(plugin, {}, {wrong: text, **meltano})
            assert sentence.startswith(f"{wrong} is not a setting: did you mean {prefix(plugin)}"), sentence
            assert sentence == f"{wrong} is not a setting: did you mean {right}?" or wrong.endswith("S")
            # So it is where Meltano reads it as an alias.
            assert said(plugin, {name: text}, {wrong: text, **meltano}) is None


@pytest.mark.parametrize(
    "ending",
    ["DRYRUN", "DRY_RN", "DYR_RUN", "DRY-RUN", "DRY_RUN_MODE", "DRY", "IS_DRY_RUN", "dry_run", "DRY_RUN "],
)
def test_a_misspelt_dry_run_never_sends(ending):
    assert "did you mean TARGET_CLICKSEND_DRY_RUN?" in said(
        TargetClickSend, {}, {f"TARGET_CLICKSEND_{ending}": "true"}
    )


FOREIGN = [
    *(
        "CONFIG",
        "STATE",
        "CATALOG",
        "LOGLEVEL",
        "LOG_LEVEL",
        "PIP_URL",
        "VERSION",
        "IMAGE",
        "HOME",
        "VARIANT",
    ),
    *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR"),
    *("PORT_80_TCP_PORT", "PORT_80_TCP_PROTO"),
    *("LOAD_METHOD", "VALIDATE_RECORDS", "ADD_RECORD_METADATA", "HARD_DELETE", "DEFAULT_TARGET_SCHEMA"),
    *("_SELECT", "_SELECT_FILTER", "_CATALOG", "_STATE", "_METADATA", "_SCHEMA", "_LOAD_SCHEMA", "_DIALECT"),
    *("_LOG_PARSER", "_USE_CACHED_CATALOG", "_TARGET_SCHEMA", "_BATCH_CONFIG_X"),
]
"""What Meltano's extras, Kubernetes, images and shells call variables with our prefix."""


@pytest.mark.parametrize("plugin", [TapClickSend, TargetClickSend])
def test_variables_of_others_end_nothing(plugin, caplog):
    for ending in FOREIGN:
        assert said(plugin, {}, {prefix(plugin) + ending: "s3cr3t"}) is None, ending
    assert f"Not settings of {plugin.name}, so they mean nothing to it: {prefix(plugin)}HOME." in caplog.text
    assert "SELECT" not in caplog.text
    assert "LOGLEVEL" not in caplog.text
    assert "s3cr3t" not in caplog.text
    other = {TapClickSend: TargetClickSend, TargetClickSend: TapClickSend}[plugin]
    assert said(plugin, {}, {prefix(other) + "PII_KEY": "s3cr3t"}) is None
    assert said(TargetClickSend, {}, {"TARGET_CLICKSEND_BATCH_CONFIG": "s3cr3t"}) is None
    assert said(plugin, {}, {"MELTANO_LOAD_DRY_RUN": "true", "DRY_RUN": "true"}) is None


class TestNested:
    """Parts of objects, as Meltano sets them: with the path in the variable's name."""

    GIVEN: ClassVar = {
        "stream_maps": {"public-orders": {"a.b": "c", "n": 1, "share": 0.5, "no": None, "__alias__": "x"}},
        "quiet_hours": {"start": "21:00", "end": "08:00"},
        "streams": {"public-orders": "sms_messages"},
    }
    ENV: ClassVar = {
        "TARGET_CLICKSEND_STREAM_MAPS_PUBLIC_ORDERS_A_B": "c",
        "TARGET_CLICKSEND_STREAM_MAPS_PUBLIC_ORDERS_N": "1",
        "TARGET_CLICKSEND_STREAM_MAPS_PUBLIC_ORDERS_SHARE": "0.5",
        "TARGET_CLICKSEND_STREAM_MAPS_PUBLIC_ORDERS___ALIAS__": "x",
        "TARGET_CLICKSEND_STREAMS": '{"public-orders": "sms_messages"}',
        "TARGET_CLICKSEND_STREAMS_PUBLIC_ORDERS": "sms_messages",
        "TARGET_CLICKSEND_QUIET_HOURS_START": "21:00",
        "TARGET_CLICKSEND_QUIET_HOURS_END": "08:00",
    }

    def test_what_arrived_is_fine(self):
        assert said(TargetClickSend, self.GIVEN, self.ENV | MELTANO) is None

    def test_what_did_not_is_named(self):
        for variable in set(self.ENV) - {
            "TARGET_CLICKSEND_STREAMS",
            "TARGET_CLICKSEND_STREAMS_PUBLIC_ORDERS",
        }:
            name = "stream_maps" if "MAPS" in variable else "quiet_hours"
            env = {variable: self.ENV[variable]} | MELTANO
            lacking = f"{variable} is set, but {name} did not arrive: "
            assert said(TargetClickSend, {}, env).startswith(lacking)
            assert "{name: " + name + ", kind: object}" in said(TargetClickSend, {}, env)
            env[variable] = "22:00"
            assert "another value of" in said(TargetClickSend, self.GIVEN, env)

    def test_a_variable_for_the_whole_takes_the_place_of_its_parts(self):
        env = {
            "TARGET_CLICKSEND_STREAM_MAPS": '{"a": {"b": "z"}}',
            "TARGET_CLICKSEND_STREAM_MAPS_A_B": "c",
            "TARGET_CLICKSEND_STREAM_MAPS_D_E": "f",
        }
        assert said(TargetClickSend, {"stream_maps": {"a": {"b": "z"}, "d": {"e": "f"}}}, env) is None
        assert said(TargetClickSend, {"stream_maps": {"a": {"b": "c"}}}, env)

    def test_meltano_writes_paths_with_dots_too(self):
        env = {"TARGET_CLICKSEND_STREAM_MAPS": '{"a.b": "c", "d.e": null}'}
        assert said(TargetClickSend, {"stream_maps": {"a": {"b": "c"}}}, env) is None


def test_a_date_that_meltano_reckoned_is_fine_and_zones_do_not_matter():
    for text, arrived in [
        ("3 days ago", "2026-09-01T10:00:00.123"),
        ("2026-09-01T12:00:00+02:00", "2026-09-01T10:00:00Z"),
        ("2026-09-01", "2026-09-01T00:00:00"),
    ]:
        assert said(TapClickSend, {"start_date": arrived}, {"TAP_CLICKSEND_START_DATE": text}) is None
    assert said(TapClickSend, {"start_date": "2026-09-01"}, {"TAP_CLICKSEND_START_DATE": "2026-09-02"})


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_may_be_said_as_meltano_takes_it(flag):
    for text in ("1", "yes", "ON") if flag else ("0", "no", "Off"):
        assert said(TargetClickSend, {"dry_run": flag}, {"TARGET_CLICKSEND_DRY_RUN": text}) is None
        assert said(TargetClickSend, {"dry_run": not flag}, {"TARGET_CLICKSEND_DRY_RUN": text})


class TestNames:
    """A plugin may have another name in meltano.yml: Meltano reads variables with that one."""

    @pytest.mark.parametrize("name", ["target-clicksend-texts", "texts", "send.texts"])
    def test_its_own_are_judged(self, name):
        own = name.upper().replace("-", "_").replace(".", "_")
        env = {"MELTANO_LOADER_NAME": name, f"{own}_DRY_RUN": "true"}
        assert f"Under settings of {name} in meltano.yml" in said(TargetClickSend, {}, env)
        assert said(TargetClickSend, {"dry_run": True}, env) is None

    def test_those_of_another_plugin_that_inherits_are_not(self):
        for ending in ("DRY_RUN", "QUIET_HOURS_START", "STREAM_MAPS_ORDERS_ID"):
            assert said(TargetClickSend, {}, {f"TARGET_CLICKSEND_TEXTS_{ending}": "true", **MELTANO}) is None

    def test_a_name_that_could_be_of_two_is_the_setting(self):
        env = {"MELTANO_LOADER_NAME": "target-clicksend-list", "TARGET_CLICKSEND_LIST_ID": "5"}
        assert "list_id did not arrive" in said(TargetClickSend, {}, env)
        assert said(TargetClickSend, {"list_id": 5}, env) is None


class TestCommands:
    """The commands themselves."""

    def test_the_target_sends_nothing(self, box, tmp_path):
        config = {"api_url": box.api_url, "ledger_url": f"sqlite:///{tmp_path}/l.db", **CREDENTIALS}
        lines = stream_of("sms_messages", [{"to": "+61491570156", "body": "Hello"}])
        for env in (
            {"TARGET_CLICKSEND_DRY_RUN": "true"},
            {"TARGET_CLICKSEND_TEST_RECIPIENT": "+15551234567"},
        ):
            done = target_command(tmp_path, lines, config, **env)
            assert (done.returncode, done.stdout) == (2, b"")
            (variable,) = env
            assert f"{variable} is set, but" in done.stderr.decode().splitlines()[-1]
            assert b"5551234567" not in done.stderr
        assert not box.requests()
        done = target_command(
            tmp_path,
            lines,
            config,
            "--config=ENV",
            TARGET_CLICKSEND_DRY_RUN="true",
            TARGET_CLICKSEND_PORT="1",
        )
        assert done.returncode == 0, done.stderr
        assert not [one for one in box.requests() if one["method"] == "POST" and "send" in one["path"]]
        assert b"they mean nothing to it: TARGET_CLICKSEND_PORT." in done.stderr
        done = target_command(tmp_path, lines, config, "--config=ENV", TARGET_CLICKSEND_DRYRUN="true")
        assert (done.returncode, b"did you mean TARGET_CLICKSEND_DRY_RUN?" in done.stderr) == (2, True)

    @pytest.mark.parametrize("option", ["", "--discover", "--test"])
    def test_the_tap_reads_nothing(self, sandbox, tmp_path, option):
        config = {"api_url": sandbox.api_url, **CREDENTIALS}
        done = tap_command(tmp_path, config, *filter(None, [option]), TAP_CLICKSEND_PII="drop")
        assert (done.returncode, done.stdout) == (2, "")
        assert "TAP_CLICKSEND_PII is set, but pii did not arrive" in done.stderr.splitlines()[-1]
        assert not sandbox.requests()

    @pytest.mark.parametrize("plugin", [TapClickSend, TargetClickSend])
    @pytest.mark.parametrize("option", ["--about", "--version", "--help"])
    def test_help_is_there_all_the_same(self, plugin, option):
        env = {f"{prefix(plugin)}API_KEY": "s3cr3t"}
        assert CliRunner().invoke(plugin.cli, [option], env=env).exit_code == 0

    def test_without_any_config(self):
        done = run_command("tap-clicksend", env={"TAP_CLICKSEND_START_DATE": "2026-07-01"})
        assert (done.returncode, b"start_date did not arrive" in done.stderr) == (2, True)

    @pytest.mark.parametrize("plugin", [TapClickSend, TargetClickSend])
    def test_about_declares_numbers_with_a_fraction_as_meltano_can_take_them(self, plugin):
        shown = json.loads(CliRunner().invoke(plugin.cli, ["--about", "--format=json"]).output)
        for name, schema in shown["settings"]["properties"].items():
            own = plugin.config_jsonschema["properties"][name]["type"]
            assert schema["type"] == (["string", "number"] if own == "number" else own)
