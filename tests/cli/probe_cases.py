"""What the tests of the probe share: a sandbox's world to ask, and the probe in this process."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import requests

from clicksend.cli.probe import connect
from clicksend.client import Client
from clicksend.probe.account import Account
from clicksend.probe.asking import ask
from clicksend.probe.own import Own
from clicksend.probe.points import POINTS
from clicksend.sandbox import API_KEY
from clicksend.settings import Settings
from tests.sandbox.runner import DAY
from tests.tap.runner import CREDENTIALS

TO = "+16502530000"
ALLOWED = ("write", "to", "mark_read")


@dataclass
class WorldClock:
    """Time that passes when somebody waits, in the sandbox too."""

    box: Any
    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.box.advance(max(1, round(seconds)))


def connected(box: Any, *, hub: bool = False) -> Client:
    config: dict[str, Any] = {"api_url": box.api_url, **CREDENTIALS}
    env = {"SKILLBOSS_API_KEY": API_KEY}
    if hub:
        config = {"hub_url": box.url}
    return connect(Settings.from_config(config, env=env if hub else {}), WorldClock(box))


def call(box: Any, method: str, path: str, **options: Any) -> Any:
    answer = requests.request(
        method, box.api_url + path, auth=tuple(CREDENTIALS.values()), timeout=30, **options
    )
    return answer.json()["data"] if answer.content else None


@contextlib.contextmanager
def probing(client: Client):
    """Yield an account that may write, and remove what was made, as the command does."""
    own = Own(client)
    account = Account(client, own, TO)
    own.begin(account.now())
    try:
        yield account
    finally:
        try:
            own.remove()
        finally:
            own.close()


def found(box: Any, *names: str, hub: bool = False) -> dict[str, Any]:
    """Return what the probe finds at some points, by their names: positions, or None."""
    client = connected(box, hub=hub)
    points = tuple(point for point in POINTS if not names or point.name in names)
    try:
        with contextlib.nullcontext(Account(client)) if hub else probing(client) as account:
            return {one.point.name: one.finding for one in ask(account, () if hub else ALLOWED, points)}
    finally:
        client.close()


def let_scheduled_go(box: Any) -> None:
    """Turn the clock until nothing is scheduled, and take back what comes after."""
    box.advance(60 * DAY)
    call(box, "PUT", "/sms/cancel-all")


def many_lists(box: Any) -> None:
    """Make a second page of lists and of senders' addresses."""
    for number in range(16):
        call(box, "POST", "/lists", json={"list_name": f"List {number}"})
        call(box, "POST", "/email/addresses", json={"email_address": f"s{number}@example.com"})


def remains(box: Any) -> Any:
    """Return all that a probe must leave as it was."""
    lists = call(box, "GET", "/lists", params={"limit": 100})["data"]
    contacts = {
        row["list_id"]: call(box, "GET", f"/lists/{row['list_id']}/contacts", params={"limit": 100})
        for row in lists
    }
    addresses = call(box, "GET", "/email/addresses", params={"limit": 100})["data"]
    templates = call(box, "GET", "/sms/templates", params={"limit": 100})["data"]
    waiting = [row for row in box.control("GET", "arrivals") if row["status"] == "Scheduled"]
    return lists, contacts, addresses, templates, waiting
