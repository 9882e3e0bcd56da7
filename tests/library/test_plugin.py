"""What tap and target have in common as Singer plugins."""

import json

import pytest

from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend


@pytest.mark.parametrize("plugin", [TapClickSend, TargetClickSend])
def test_of_several_config_files_the_later_one_counts(plugin, tmp_path):
    """One for all environments, and one with the keys of this one."""
    paths = []
    for number, config in enumerate([{"username": "test", "timeout": 5}, {"username": "live"}]):
        paths.append(str(tmp_path / f"{number}.json"))
        (tmp_path / f"{number}.json").write_text(json.dumps(config))
    given = plugin.cb_config(None, None, tuple(paths))
    assert given.config == {"username": "live", "timeout": 5}
    assert not given.parse_env
    assert plugin.cb_config(None, None, (*paths[:1], "ENV")).parse_env
