"""The plugin definitions in somebody else's project: added from their files, run without Meltano's hub."""

from __future__ import annotations

import json
import os
import shlex

import pytest
import requests
import yaml

from clicksend.sandbox import Sandbox
from tests.e2e.checkout import ROOT, run
from tests.e2e.meltano_project import MELTANO

pytestmark = pytest.mark.long
PLUGINS = {"extractor": "tap-clicksend", "loader": "target-clicksend"}
PINS = [
    word
    for name in ("--constraint", "--build-constraint")
    for word in (name, f"{ROOT}/requirements-demo.txt")
]


@pytest.fixture(scope="module")
def meltano(hub, tmp_path_factory):
    """Return a function that runs Meltano in a new project with both plugins, of this checkout's code."""
    ours = ("TAP_", "TARGET_", "CLICKSEND_", "SKILLBOSS_")
    clean = {name: "" for name in os.environ if name.startswith(ours)}

    def meltano(*arguments: str, **env: str) -> str:
        done = run(meltano.project, "-c", MELTANO, *arguments, MELTANO_HUB_URL=hub.url, **clean | env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    meltano.project = tmp_path_factory.mktemp("elsewhere")
    meltano("init", "shop", "--no-usage-stats")
    meltano.project /= "shop"
    for kind, name in PLUGINS.items():
        file = str(ROOT / "plugins" / f"{kind}s" / f"{name}.yml")
        meltano("add", "--plugin-type", kind, name, "--from-ref", file, "--no-install")
        meltano("config", "set", name, "_pip_url", shlex.join([f"{ROOT}[postgres]", *PINS]))
    meltano("install")
    return meltano


def lists(box: Sandbox) -> list[dict]:
    answer = requests.get(
        f"{box.api_url}/lists", params={"limit": 100}, auth=("sandbox", "sandbox-key"), timeout=30
    )
    return answer.json()["data"]["data"]


def test_settings_arrive_from_every_place_they_can_be_in(meltano, hub):
    """One run: what one account has goes into another."""
    file = meltano.project / "meltano.yml"
    project = yaml.safe_load(file.read_text())
    (tap,), (target,) = project["plugins"]["extractors"], project["plugins"]["loaders"]
    tap["select"] = ["lists.list_id", "lists.list_name"]
    target["config"] = {"streams": {"lists": "contact_lists"}, "report_path": "report.json"}
    file.write_text(yaml.safe_dump(project, sort_keys=False))
    meltano("config", "set", "target-clicksend", "ignored_columns", '["list_id"]')
    with Sandbox(seed=1, messages=5, contacts=20) as here, Sandbox(seed=2, messages=5, contacts=0) as there:
        env = {"TARGET_CLICKSEND_RATE_LIMIT_SHARE": "0.75", "TAP_CLICKSEND_TIMEOUT": "2.5"}
        for prefix, box in (("TAP_CLICKSEND", here), ("TARGET_CLICKSEND", there)):
            env |= {f"{prefix}_API_URL": box.api_url, f"{prefix}_USERNAME": "sandbox"}
            env[f"{prefix}_API_KEY"] = "sandbox-key"
        meltano("run", "--no-install", "tap-clicksend", "target-clicksend", **env)
        shown = json.loads(meltano("config", "print", "tap-clicksend", **env))
        assert shown["timeout"] == "2.5"
        names = {one["list_name"] for one in lists(here)}
        assert len(names) > 1
        assert names <= {one["list_name"] for one in lists(there)}
    assert json.loads((meltano.project / "report.json").read_text())
    assert hub.asked == []


@pytest.mark.parametrize("name", PLUGINS.values())
def test_meltano_asks_for_either_group_of_settings(meltano, name):
    shown = meltano("config", "list", name, "--all")
    assert "Group 1: api_key, username" in shown
    assert "Group 2: api_key" in shown
