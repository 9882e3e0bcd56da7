"""Connection settings: what is filled in, what is refused, and what no message ever shows."""

import pytest

from clicksend import logs
from clicksend.errors import SettingsError
from clicksend.settings import Settings, is_loopback


def test_hub_access_is_the_default():
    settings = Settings.from_config({}, env={"SKILLBOSS_API_KEY": "sk-1"})
    assert settings.through_hub
    assert settings.api_url == "https://api.skillboss.com/clicksend/v3"
    assert settings.hub_url == "https://api.skillboss.com"
    assert (settings.api_key, settings.hub_key) == ("sk-1", "sk-1")


def test_a_username_means_direct_access():
    env = {"CLICKSEND_USERNAME": "me", "CLICKSEND_API_KEY": "own", "SKILLBOSS_API_KEY": "sk-1"}
    settings = Settings.from_config({}, env=env)
    assert not settings.through_hub
    assert settings.api_url == "https://rest.clicksend.com/v3"
    assert (settings.username, settings.api_key, settings.hub_key) == ("me", "own", "sk-1")


def test_config_wins_over_environment_and_empty_values_count_as_unset():
    settings = Settings.from_config(
        {"username": "", "api_key": "mine", "timeout": None, "api_url": "https://example.org/v3/"},
        env={"SKILLBOSS_API_KEY": "sk-1"},
    )
    assert settings.api_key == "mine"
    assert settings.timeout == 30
    assert settings.api_url == "https://example.org/v3"


@pytest.mark.parametrize(
    ("config", "env", "named"),
    [
        ({}, {}, "SKILLBOSS_API_KEY"),
        ({"username": "me"}, {}, "CLICKSEND_API_KEY"),
        ({"username": "me"}, {"SKILLBOSS_API_KEY": "hidden-1"}, "username"),
        ({"username": "me", "api_key": "sk-hidden-1"}, {}, "username"),
        ({"username": "me", "api_key": "hidden-1"}, {"SKILLBOSS_API_KEY": "hidden-1"}, "username"),
        ({"api_key": "k", "api_url": "http://rest.example.org/v3"}, {}, "api_url"),
        ({"api_key": "k", "hub_url": "http://hub.example.org"}, {}, "hub_url"),
        ({"api_key": "k", "api_url": "ftp://example.org"}, {}, "api_url"),
        ({"api_key": "k", "api_url": "https://me:hidden-1@example.org"}, {}, "api_url"),
        ({"api_key": "k", "timeout": 0}, {}, "timeout"),
        ({"api_key": "k", "timeout": "hidden-1"}, {}, "timeout"),
        ({"api_key": "k", "max_retries": -1}, {}, "max_retries"),
        ({"api_key": "k", "max_concurrency": 0}, {}, "max_concurrency"),
        ({"api_key": "k", "requests_per_minute": 0}, {}, "requests_per_minute"),
        ({"api_key": ["hidden-1"]}, {}, "api_key"),
        ({"api_key": "hidden-1\nX: y"}, {}, "api_key"),
    ],
)
def test_wrong_settings_are_named_and_values_never_shown(config, env, named):
    with pytest.raises(SettingsError) as caught:
        Settings.from_config(config, env=env)
    assert named in str(caught.value)
    assert "hidden-1" not in str(caught.value)


def test_http_is_for_this_machine_only():
    assert Settings.from_config({"api_key": "k", "api_url": "http://[::1]:80/v3"}, env={}).api_url
    assert is_loopback("localhost")
    assert is_loopback("127.0.0.2")
    assert not is_loopback("localhost.example.org")
    assert not is_loopback("10.0.0.1")


def test_keys_stay_out_of_repr():
    settings = Settings.from_config({"api_key": "hidden-1"}, env={})
    assert "hidden-1" not in repr(settings)


def test_keys_are_hidden_in_logs_from_the_moment_they_are_read(monkeypatch):
    """The hub's too, where only the environment has it."""
    monkeypatch.setattr(logs, "_secrets", set())
    env = {"SKILLBOSS_API_KEY": "sk-key-of-the-hub"}
    Settings.from_config({"username": "me", "api_key": "key-of-clicksend"}, env=env)
    assert logs.clean("key-of-clicksend and sk-key-of-the-hub") == "[key] and [key]"


def test_what_is_given_wins_over_the_environment():
    env = {"CLICKSEND_USERNAME": "other", "CLICKSEND_API_KEY": "others", "SKILLBOSS_API_KEY": "sk-1"}
    settings = Settings.from_config({"username": "me", "api_key": "mine"}, env=env)
    assert (settings.username, settings.api_key, settings.hub_key) == ("me", "mine", "sk-1")


@pytest.mark.parametrize("name", ["api_key", "user_agent"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x00", "\u00fc", "\u2028"])
def test_what_goes_into_a_header_has_no_line_break(name, end):
    with pytest.raises(SettingsError, match=f"Setting {name} must have no"):
        Settings.from_config({"api_key": "k", name: f"text{end}"}, env={})


@pytest.mark.parametrize("name", ["api_url", "hub_url"])
@pytest.mark.parametrize(
    "address", ["me:hidden-1@example.org", "hidden-1@example.org", ":hidden-1@example.org"]
)
def test_no_url_holds_credentials(name, address):
    with pytest.raises(SettingsError, match=f"Setting {name} must be a plain URL") as caught:
        Settings.from_config({"api_key": "k", name: f"https://{address}/v3"}, env={})
    assert "hidden-1" not in str(caught.value)
