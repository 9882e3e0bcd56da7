"""Every setting of tap and target, in every spelling, by every way in; those of tomorrow are in it too."""

from __future__ import annotations

import json
import math
import re
import time
from decimal import Decimal
from typing import Any

import pytest

from clicksend.config import kinds
from clicksend.errors import SettingsError
from clicksend.settings import PROPERTIES as CONNECTION
from clicksend.validation import MAY_BE_EMPTY, check
from tap_clicksend.settings import PROPERTIES as TAP
from tap_clicksend.tap import TapClickSend
from target_clicksend.messages.gates.opt_outs import OptOutsError
from target_clicksend.settings import PROPERTIES as TARGET
from target_clicksend.target import TargetClickSend
from tests.library.setting_cases import COMPANIONS, EXAMPLES, good, is_a, settings, spellings
from tests.tap.runner import CREDENTIALS, catalog_of, run_tap, tap_command
from tests.target.runner import run_target, stream_of, target_command

GOOD = [
    pytest.param(plugin, name, value, id=f"{plugin.name}-{name}-{value}")
    for plugin, name, schema in settings()
    if not is_a(schema, "string")
    for value in ([EXAMPLES[name]] if is_a(schema, "array", "object") else good(schema))
]


@pytest.fixture
def _no_streams(monkeypatch):
    """Streams take most of a tap's start, and what a setting means is settled before."""
    monkeypatch.setattr(TapClickSend, "discover_streams", lambda _: [])


def by_python(plugin, config):
    return plugin(config=config)


def by_file(plugin, literals, path):
    (name,) = literals
    whole = {one: json.dumps(value) for one, value in {**CREDENTIALS, **COMPANIONS.get(name, {})}.items()}
    parts = [f"{json.dumps(one)}: {literal}" for one, literal in (whole | literals).items()]
    path.write_text("{" + ", ".join(parts) + "}")
    return plugin(config=plugin.cb_config(None, None, (str(path),)).config)


def by_environment(plugin, name, text, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv(f"{plugin.name.upper().replace('-', '_')}_{name.upper()}", text)
        return plugin(config=CREDENTIALS | COMPANIONS.get(name, {}), parse_env_config=True)


def is_plain(value):
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    return type(value) in (int, float, bool, str, type(None))


@pytest.mark.usefixtures("_no_streams")
@pytest.mark.parametrize(("plugin", "name", "value"), GOOD)
def test_a_setting_means_the_same_by_every_way(plugin, name, value, tmp_path, monkeypatch):
    found = []
    for given, literal, text in spellings(value):
        found.append(by_python(plugin, {**CREDENTIALS, **COMPANIONS.get(name, {}), name: given}))
        if literal is not None:
            found.append(by_file(plugin, {name: literal}, tmp_path / "config.json"))
        if text is not None:
            found.append(by_environment(plugin, name, text, monkeypatch))
    assert len(found) > 3
    for one in found:
        assert one.config[name] == value
        assert type(one.config[name]) is type(value)
        assert is_plain(one.config[name])


HUGE = "9" * 400
DEEP = "[" * 700 + "]" * 700
WRONG: dict[str, list[Any]] = {
    "number": [
        *("soon", " ", "NaN", "-inf", "1,5", "1_000", "0x10", "\u0663", "1e400", HUGE, int(HUGE)),
        *(math.nan, math.inf, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), True, [1], {"a": 1}),
    ],
    "string": ["  ", "\u200b", "\t\n", 5, 2.5, True, ["a"], {"a": "b"}],
    "boolean": ["maybe", " ", "yes", "1", 1, 0.0, [True], {"a": True}],
    "array": [{}, "{}", "soon", " ", "[", 5, True, [[]], "[1,", "[" * 100_000, DEEP],
    "object": [[], "[]", "soon", " ", "{", 5, True, "{" * 100_000, DEEP],
}
WRONG["integer"] = [*WRONG["number"], 2.5, "2.5", Decimal("0.1"), 1e300]


def wrong_values(name, schema):
    for kind in set(kinds(schema)) & WRONG.keys():
        yield from WRONG[kind]
    if name not in MAY_BE_EMPTY and ("default" not in schema or schema["default"]):
        yield from {"array": [[], "[]"], "object": [{}, "{}"]}.get(kinds(schema)[0], [])
    if is_a(schema, "number", "integer"):
        yield from [-1, "-1", -0.5, Decimal("-0.5")]


@pytest.mark.usefixtures("_no_streams")
@pytest.mark.parametrize(
    ("plugin", "name", "schema"),
    [pytest.param(*one, id=f"{one[0].name}-{one[1]}") for one in settings()],
)
def test_a_useless_value_is_refused_by_name_by_every_way(plugin, name, schema, tmp_path, monkeypatch):
    count = 0
    for value in wrong_values(name, schema):
        ways = [lambda value=value: by_python(plugin, {**CREDENTIALS, name: value})]
        if isinstance(value, str):
            ways.append(lambda value=value: by_environment(plugin, name, value, monkeypatch))
        if not isinstance(value, Decimal):
            literal = json.dumps(value)
            ways.append(lambda literal=literal: by_file(plugin, {name: literal}, tmp_path / "config.json"))
        for way in ways:
            with pytest.raises(SettingsError, match=rf"^Setting {name}\b") as caught:
                way()
            assert "soon" not in str(caught.value)
            count += 1
    assert count > 8


def schemas(schema):
    """Yield a schema and all in it."""
    yield schema
    for part in schema.get("properties", {}).values():
        yield from schemas(part)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from schemas(schema[name])


def test_what_breaks_a_rule_is_told_in_words_never_as_a_pattern():
    """Whatever keyword a setting has, its error says what to write."""
    worded = set()
    for _, name, schema in settings():
        for part in schemas(schema):
            if "pattern" in part:
                with pytest.raises(
                    SettingsError, match=re.escape(f"Setting {name} {part['fits']}.")
                ) as caught:
                    check({name: "us\n"}, {name: part})
                assert part["pattern"] not in str(caught.value)
                worded.add(name)
            if part.get("additionalProperties") is False:
                with pytest.raises(SettingsError, match=rf"Setting {name} .*may have \w+ or .* only\."):
                    check({name: {"s3cr3t": 1}}, {name: part})
    assert worded == {"api_key", "user_agent", "default_country", "run_group"}


@pytest.mark.parametrize("country", ["us", "USA", "U", "United States", "U1", "ÜS", "US\n"])
def test_a_country_is_two_letters_like_us(country):
    with pytest.raises(
        SettingsError, match=r"^Setting default_country must be two capital letters, like US\.$"
    ):
        by_python(TargetClickSend, CREDENTIALS | {"default_country": country})


def test_flattening_needs_its_depth():
    with pytest.raises(SettingsError, match="flattening_enabled needs flattening_max_depth"):
        by_python(TapClickSend, CREDENTIALS | {"flattening_enabled": True})


@pytest.mark.parametrize("plugin", [TapClickSend, TargetClickSend])
def test_what_is_null_or_empty_text_is_unset(plugin):
    names = plugin.config_jsonschema["properties"].keys() - CREDENTIALS.keys()
    usual = plugin(config=dict(CREDENTIALS)).config
    for nothing in (None, ""):
        assert plugin(config=CREDENTIALS | dict.fromkeys(names, nothing)).config == usual


def extremes(properties, *, largest):
    """Return every number that may have a fraction, at its end."""
    limits = {name: schema for name, schema in properties.items() if is_a(schema, "number")}
    if largest:
        return {name: schema.get("maximum", 1e300) for name, schema in limits.items()}
    return dict.fromkeys(limits, 1e-300)


@pytest.mark.parametrize("largest", [True, False])
def test_no_number_is_too_large_or_small_for_a_run(box, tmp_path, largest):
    connection = extremes(CONNECTION, largest=True)
    config = extremes(TARGET, largest=largest) | connection | {"created_at_column": "made"}
    rows = [{"to": "+61491570156", "body": "Hello", "made": int(time.time())}]
    ledger_url = f"sqlite:///{tmp_path}/l.db"
    lines = stream_of("sms_messages", rows)
    ran = run_target(box.api_url, lines, ledger_url=ledger_url, **config)
    assert (ran.error is None) or isinstance(ran.error, OptOutsError)
    config = extremes(TAP, largest=largest) | connection
    first = run_tap(box.api_url, "sms_history", **config)
    again = run_tap(box.api_url, "sms_history", state=first.state, **config)
    assert first.rows("sms_history")
    assert again.state


FRACTIONS = {
    "tap": {"timeout": 2.5, "rate_limit_share": 0.5, "settle_days": 0.5},
    "target": {
        "timeout": 2.5,
        "rate_limit_share": 0.5,
        "opt_out_max_age": 0.5,
        "dedupe_window_hours": 0.5,
        "max_spend_per_run": 20.5,
        "max_row_age_hours": 1.5,
        "created_at_column": "made",
        "fail_on_rejected": 0.5,
        "max_deletes": 0.5,
    },
}


def test_the_real_processes_below_try_every_number_that_may_have_a_fraction():
    own = {"tap": TAP, "target": TARGET}
    for kind, properties in own.items():
        fractions = {n for n, schema in (CONNECTION | properties).items() if is_a(schema, "number")}
        assert fractions <= FRACTIONS[kind].keys()


@pytest.mark.parametrize("as_text", [False, True])
def test_fractions_in_a_file_reach_a_real_run(box, tmp_path, as_text):
    def spelled(kind):
        return {name: str(value) if as_text else value for name, value in FRACTIONS[kind].items()}

    rows = [{"to": "+61491570156", "body": "Hello", "made": int(time.time())}]
    connection = {"api_url": box.api_url, "ledger_url": f"sqlite:///{tmp_path}/l.db", **CREDENTIALS}
    sent = target_command(tmp_path, stream_of("sms_messages", rows), connection | spelled("target"))
    assert (sent.returncode, b"sms_messages 1 " in sent.stderr) == (0, True), sent.stderr.decode()
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(catalog_of("sms_history")))
    config = {"api_url": box.api_url, **CREDENTIALS, **spelled("tap")}
    read = tap_command(tmp_path, config, "--catalog", str(catalog))
    assert (read.returncode, '"RECORD"' in read.stdout) == (0, True), read.stderr
