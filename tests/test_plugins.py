"""The plugin definitions are those of the code, in the form of Meltano's hub."""

import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILES = runpy.run_path(str(ROOT / "tools" / "plugins.py"))["files"]()
HUB = {
    *(
        "name",
        "namespace",
        "variant",
        "label",
        "description",
        "pip_url",
        "executable",
        "commands",
        "keywords",
    ),
    *("maintenance_status", "capabilities", "settings_group_validation", "settings"),
}
"""What the hub's schema allows; a repo has no address yet."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_definitions_are_current(path):
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path], "run: python tools/plugins.py"


def test_there_are_no_others():
    there = {path.relative_to(ROOT) for path in (ROOT / "plugins").rglob("*") if path.is_file()}
    assert there == FILES.keys()


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix == ".yml"], ids=lambda path: path.name
)
def test_a_definition_stands_alone(path):
    """It goes into projects that have nothing of this one: no file's path, no anchor."""
    text = FILES[path]
    plugin = yaml.safe_load(text)
    assert plugin.keys() <= HUB
    assert plugin["pip_url"].startswith("singer-clicksend[")
    assert plugin["settings_group_validation"] == [["username", "api_key"], ["api_key"]]
    events = list(yaml.parse(text))
    assert not [event for event in events if getattr(event, "anchor", None)]
    for setting in plugin["settings"]:
        assert {"name", "label", "description", "kind"} <= setting.keys()
        assert ("options" in setting) == (setting["kind"] == "options")
    fractions = text.count("kind: string  # may have a fraction")
    assert fractions > 2
    assert {"integer", "boolean", "object", "array"} <= {setting["kind"] for setting in plugin["settings"]}
    assert {setting["name"] for setting in plugin["settings"] if setting.get("sensitive")} == {
        *("api_key", "pii_key", "ledger_url"),
    }
