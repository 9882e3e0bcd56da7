"""Imports go one way, start-up stays lean, and the SDK's private methods are still what we override."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from singer_sdk import Stream, Tap, Target
from singer_sdk.mapper import PluginMapper
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from tap_clicksend import sdk
from target_clicksend import sdk as target_sdk

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FORBIDDEN = {
    room: tuple(re.findall("`(.+?)`", never))
    for room, never in re.findall(r"^\| `([\w/]+)` \|[^|]*\| (`.*) \|$", PAGE, re.MULTILINE)
}
ROOF = ROOT / "clicksend/cli"
"""The commands: they may import everything, and nothing imports them."""
UPWARD = {
    "clicksend/frames.py": "tap_clicksend",
    "clicksend/cli/ledger_repair.py": "target_clicksend",
}
"""Files that import a connector, inside a function only."""
SINGER_HALF = ROOT / "clicksend/plugin.py"
"""What tap and target share of the SDK; the commands do not load it."""


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package):
    files = [path for path in (ROOT / package).rglob("*.py") if not path.is_relative_to(ROOF)]
    files = [path for path in files if path != SINGER_HALF]
    assert files
    for path in files:
        allowed = UPWARD.get(path.relative_to(ROOT).as_posix())
        for name in imports(path):
            if allowed is None or name.partition(".")[0] != allowed:
                assert not name.startswith(FORBIDDEN[package]), f"{path.relative_to(ROOT)} imports {name}"


def test_every_room_of_the_product_is_on_the_page():
    rooms = [
        path.parent
        for name in ("clicksend", "tap_clicksend", "target_clicksend")
        for path in (ROOT / name).rglob("*.py")
    ]
    rooms = {room.relative_to(ROOT).as_posix() for room in rooms}
    assert rooms - {"clicksend/cli", "clicksend/probe", "clicksend/sandbox/server"} == set(FORBIDDEN)


def test_the_ways_on_the_page_go_through_code_that_exists():
    steps = re.findall(r"`([\w/]+\.py)`(?:\s+`(\w+(?:\.\w+)?)`)?", PAGE)
    assert len(steps) > 30
    for path, name in steps:
        files = [ROOT / path, *(ROOT / part / path for part in ("tap_clicksend", "target_clicksend"))]
        files += [ROOT / "clicksend/sandbox" / path, ROOT / "target_clicksend/messages" / path]
        files += [ROOT / "tests/target/messages" / path]
        there = [one for one in files if one.is_file()]
        assert there, path
        nodes = [node for one in there for node in ast.walk(ast.parse(one.read_text(encoding="utf-8")))]
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        defined = {node.name for node in nodes if isinstance(node, kinds)}
        for part in filter(None, name.split(".")):
            assert part in defined or part.isupper(), f"{path} has no {name}"


@pytest.mark.parametrize("path", UPWARD)
def test_upward_imports_wait_until_they_are_needed(path):
    code = f"import {path.removesuffix('.py').replace('/', '.')}, sys; print({UPWARD[path]!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.long
@pytest.mark.parametrize("command", ["doctor", "ledger", "probe", "verify", "sandbox"])
def test_commands_start_without_the_singer_sdk(command):
    code = f"import sys; from clicksend.cli import command; command.get_command(None, {command!r});"
    code += "print(sorted({'singer_sdk', 'tap_clicksend', 'target_clicksend'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.long
def test_the_provider_is_imported_by_airflow_only():
    provider = ROOT / "clicksend/airflow"
    for name in ("clicksend", "tap_clicksend", "target_clicksend", "demo"):
        for path in (ROOT / name).rglob("*.py"):
            wanted = [name for name in imports(path) if name.split(".")[0] == "airflow"]
            assert not wanted or path in (provider / "hook.py", provider / "operator.py"), path
            if not path.is_relative_to(provider):
                assert not [name for name in imports(path) if name.startswith("clicksend.airflow")], path


def test_the_sandbox_is_imported_by_its_own_command_only():
    command = ROOF / "sandbox.py"
    for path in (ROOT / "clicksend").rglob("*.py"):
        if "sandbox" not in path.parts and path != command:
            assert not [name for name in imports(path) if name.startswith("clicksend.sandbox")], path


@pytest.mark.parametrize("package", ["clicksend", "tap_clicksend", "target_clicksend"])
def test_nothing_imports_the_commands(package):
    for path in (ROOT / package).rglob("*.py"):
        if not path.is_relative_to(ROOF):
            assert not [name for name in imports(path) if f"{name}.".startswith("clicksend.cli.")], path


@pytest.mark.parametrize("package", ["tap_clicksend", "target_clicksend"])
def test_private_methods_of_the_sdk_are_overridden_in_one_file_only(package):
    private = {
        name
        for kind in (Stream, Tap, Target)
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if name.startswith("_") and not name.startswith("__")
    }
    for path in (ROOT / package).rglob("*.py"):
        if path.name != "sdk.py":
            defined = {
                n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)
            }
            assert not defined & private, path


@pytest.mark.parametrize(
    ("ours", "theirs", "signature"),
    [
        (sdk.ClickSendTap._handle_termination, Tap._handle_termination, ["self", "signum", "frame"]),
        (sdk.ClickSendTap._validate_config, Tap._validate_config, ["self", "raise_errors"]),
        (
            sdk.ClickSendStream._increment_stream_state,
            Stream._increment_stream_state,
            ["self", "latest_record", "context"],
        ),
        (
            sdk.ClickSendStream._write_activate_version_message,
            Stream._write_activate_version_message,
            ["self", "full_table_version"],
        ),
        (sdk.ClickSendTap.setup_mapper, Tap.setup_mapper, ["self"]),
        *(
            (getattr(ours, name), getattr(theirs, name), arguments)
            for ours, theirs in ((sdk.ClickSendTap, Tap), (target_sdk.ClickSendTarget, Target))
            for name, arguments in (("cb_config", ["ctx", "param", "value"]), ("_get_about_info", []))
        ),
        (
            sdk.ClickSendStream._generate_record_messages,
            Stream._generate_record_messages,
            ["self", "record"],
        ),
        (sdk.ClickSendStream._generate_schema_messages, Stream._generate_schema_messages, ["self"]),
        (sdk.ClickSendStream._sync_records, Stream._sync_records, ["self", "context", "write_messages"]),
        (sdk.ClickSendStream._sync_batches, Stream._sync_batches, ["self", "batch_config", "context"]),
        *(
            (getattr(target_sdk.ClickSendTarget, name), getattr(Target, name), ["self", *arguments])
            for name, *arguments in (
                ("_handle_termination", "signum", "frame"),
                ("_validate_config", "raise_errors"),
                ("_process_schema_message", "message_dict"),
                ("_process_record_message", "message_dict"),
                ("_process_state_message", "message_dict"),
                ("_process_batch_message", "message_dict"),
                ("_process_activate_version_message", "message_dict"),
                ("process_endofpipe",),
                ("setup_mapper",),
            )
        ),
        (
            target_sdk.LineReader.process_lines,
            GenericSingerReader.process_lines,
            ["self", "file_input", "callbacks"],
        ),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_their_signatures_are_what_we_override(ours, theirs, signature):
    assert ours is not theirs
    assert list(inspect.signature(theirs).parameters) == signature
    assert list(inspect.signature(ours).parameters) == signature


@pytest.mark.parametrize("kind", [sdk.ClickSendTap, target_sdk.ClickSendTarget])
def test_configs_reach_the_plugin_as_the_sdk_would_hand_them_over(kind, tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1, "b": 1}')
    (tmp_path / "b.json").write_text('{"b": 2}')
    given = (str(tmp_path / "a.json"), "ENV", str(tmp_path / "b.json"))
    theirs = PluginBase.cb_config.__func__(kind, None, None, given)
    assert kind.cb_config(None, None, given) == theirs
    assert (theirs.config, theirs.parse_env) == ({"a": 1, "b": 2}, True)


def test_what_we_lean_on_in_sync_still_holds():
    source = inspect.getsource(Stream.sync)
    assert source.index("self._stream_version = ") < source.index("self._write_activate_version_message(")
    assert source.index("self._write_activate_version_message(") < source.index("self._sync_records(")


def test_what_the_target_leans_on_still_holds():
    """The SDK reads with our reader and callbacks, then ends the pipe; nothing else makes its own sinks."""
    listen = inspect.getsource(Target.listen)
    assert listen.index("self.process_lines(") < listen.index("self.process_endofpipe(")
    assert "self.message_reader.process_lines(" in inspect.getsource(Target.process_lines)
    registering = inspect.signature(PluginMapper.register_raw_stream_schema)
    assert list(registering.parameters) == ["self", "stream_name", "schema", "key_properties"]
    makers = {"get_sink", "add_sink"}
    users = {
        name
        for name, method in inspect.getmembers(Target, inspect.isfunction)
        if name not in makers and any(f"self.{maker}(" in inspect.getsource(method) for maker in makers)
    }
    assert users <= set(vars(target_sdk.ClickSendTarget))


@pytest.mark.parametrize("package", ["tap_clicksend", "target_clicksend"])
def test_start_up_imports_nothing_heavy(package):
    heavy = {"pandas", "pyarrow", "aiohttp", "sqlalchemy", "phonenumbers", "psycopg", "clicksend.sandbox"}
    code = f"import sys, {package}.__main__; print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.long
def test_the_target_starts_with_few_modules_more_than_the_tap():
    def loaded(package):
        code = f"import sys, {package}.__main__; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return set(done.stdout.split())

    more = loaded("target_clicksend") - loaded("tap_clicksend")
    more = {name.partition(".")[0] for name in more} - sys.stdlib_module_names
    assert more <= {"target_clicksend", "clicksend", "singer_sdk"}


@pytest.mark.long
def test_tests_call_no_code_that_nothing_else_calls():
    """Such a test is green for what never runs."""

    def loaded(folders):
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
        nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]
        names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        return nodes, names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}

    nodes, used = loaded(["clicksend", "tap_clicksend", "target_clicksend", "docs", "orchestrate"])
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = {node.name for node in nodes if isinstance(node, kinds)}
    _, tested = loaded(["tests"])
    unused = {name for name in defined - used if not name.startswith("_") and not hasattr(Target, name)}
    # A sink is found by its package, a provider by its entry point; the others are for those who try the
    # hub's side, or read, in Python.
    known = {
        "ClickSendDataSource",
        "SmsMessages",
        "get_provider_info",
        "hub_api_url",
        "read_sql",
        "to_parquet",
    }
    assert unused & tested == known
