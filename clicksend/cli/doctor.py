"""The command ``clicksend doctor``: is everything in place to read ClickSend, and what to do where it is not.

Its lines name settings, endpoints, counts and alpha tags only: never a key, a number, a person or a message.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import click

from clicksend.client import Client
from clicksend.config import load_config
from clicksend.errors import (
    ClickSendError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    SettingsError,
)
from clicksend.hub import Hub
from clicksend.paging import read_page, read_pages
from clicksend.settings import Settings
from clicksend.times import unix_seconds

KEYS = ("SKILLBOSS_API_KEY", "CLICKSEND_USERNAME", "CLICKSEND_API_KEY")
RULES = {
    "/automations/sms/receipts": "sms_receipts",
    "/automations/sms/inbound": "sms_inbound",
    "/automations/voice/receipts": "voice_receipts",
}
"""Where the rules are listed, and the stream that is empty without one whose action is POLL."""
SENDERS = {
    "own numbers": ("/own-numbers", "own_numbers", "country"),
    "alpha tags": ("/alpha-tags", "alpha_tags", "alpha_tag"),
}
"""Where senders that are not rented are listed, what the answer calls them, and which field may be shown."""
MOST_SENDERS = 500
"""Rows to ask for; the most that both take (documented)."""
LABEL = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9+ ]{2,11}")
"""A country or an alpha tag, which has a letter: never a number."""
SMALLEST_PAGE = 15
TOLERATED_SKEW = 60
"""Seconds."""


class Mark(Enum):
    """How a check ended; the second sign is for outputs that cannot show the first."""

    FINE = ("✓", "ok")
    NOTE = ("!", "!")
    WRONG = ("✗", "x")


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it."""

    mark: Mark
    text: str


Check = Callable[[Client], Finding]


@click.command()
@click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with the settings of the connection, as the tap's.",
)
def command(path: Path | None) -> None:
    """Check keys, account, access and limits, a line for each: ✓ fine, ! worth knowing, ✗ wrong.

    Exits with 0 when nothing is wrong, 1 when something is, 2 when the settings are.
    """
    try:
        config = load_config(path)
        _show(_keys(config))
        settings = Settings.from_config(config)
    except SettingsError as error:
        _show(Finding(Mark.WRONG, f"settings: {error}"))
        raise SystemExit(2) from None
    # What fails is reported, not waited for.
    client = Client(replace(settings, max_retries=0))
    try:
        marks = [_show(finding) for finding in examine(client)]
    finally:
        client.close()
    raise SystemExit(int(Mark.WRONG in marks))


def examine(client: Client) -> Iterator[Finding]:
    """Yield what each check finds; without an account the rest is not tried."""
    yield _access(client.settings)
    if client.settings.hub_key:
        yield _checked("hub", _hub, client)
    account = _checked("account", _account, client)
    yield account
    if not client.started_at:
        # The API gave no answer that succeeded: each of the rest would say the same once more.
        yield Finding(
            Mark.NOTE, "voice, rules, senders, limits, clock and history: not checked without the account."
        )
        return
    yield _checked("voice", _voice, client)
    for path, stream in RULES.items():
        yield _checked(stream, partial(_poll_rules, path, stream), client)
    for subject in SENDERS:
        yield _checked(subject, partial(_senders, subject), client)
    yield _checked("history", _oldest, client)
    yield _checked("clock", _clock, client)
    yield _limits(client)


def _checked(subject: str, check: Check, client: Client) -> Finding:
    try:
        return check(client)
    except ClickSendError as error:
        return Finding(Mark.WRONG, f"{subject}: {error}")
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError):
        return Finding(Mark.WRONG, f"{subject}: the answer has an unknown shape. Check api_url.")


def _keys(config: Mapping[str, Any]) -> Finding:
    given = [name for name in KEYS if os.environ.get(name)]
    absent = [name for name in KEYS if name not in given]
    parts = [f"{', '.join(given)} set"] if given else []
    parts += [f"{', '.join(absent)} not set"] if absent else []
    parts += ["api_key in the config file"] if config.get("api_key") else []
    found = any("API_KEY" in name for name in given) or config.get("api_key")
    return Finding(Mark.FINE if found else Mark.WRONG, f"keys: {'; '.join(parts)}.")


def _access(settings: Settings) -> Finding:
    way = "through the hub (Bearer)" if settings.through_hub else "direct (HTTP Basic)"
    return Finding(Mark.FINE, f"access: {way}, {settings.api_url}")


def _hub(client: Client) -> Finding:
    Hub(client).discover()
    return Finding(Mark.FINE, "hub: the key is accepted (discover).")


def _account(client: Client) -> Finding:
    account = client.get("/account").data
    balance, currency = _number(account.get("balance")), account.get("_currency") or account.get("currency")
    short = str((currency or {}).get("currency_name_short", ""))
    credit = f"balance {balance or 'unknown'} {short if re.fullmatch('[A-Z]{3}', short) else ''}".strip()
    if _number(account.get("banned")) not in ("", "0"):
        return Finding(Mark.WRONG, f"account: suspended, {credit}. Ask ClickSend's support why.")
    if _number(account.get("active")) == "0":
        return Finding(Mark.WRONG, f"account: not active, {credit}. Sign in once to ClickSend's dashboard.")
    if not balance or float(balance) <= 0:
        return Finding(Mark.NOTE, f"account: active, {credit}. Reading works; sending needs credit.")
    return Finding(Mark.FINE, f"account: active, {credit}.")


def _voice(client: Client) -> Finding:
    try:
        read_page(client, "/voice/history", {"limit": SMALLEST_PAGE})
    except ForbiddenError:
        return Finding(
            Mark.NOTE,
            "voice: no access. Ask ClickSend for it, or deselect voice_history and voice_receipts.",
        )
    return Finding(Mark.FINE, "voice: access.")


def _poll_rules(path: str, stream: str, client: Client) -> Finding:
    try:
        rules = [rule for page in read_pages(client, path) for rule in page.rows]
    except (ForbiddenError, NotFoundError, MethodNotAllowedError):
        return Finding(
            Mark.NOTE, f"{stream}: unknown, since GET {path} is not served. Look into the dashboard."
        )
    polling = sum(_polls(rule) for rule in rules)
    if not polling:
        advice = "Add one in the dashboard, or rely on the history."
        return Finding(Mark.NOTE, f"{stream}: stays empty, no rule has the action POLL. {advice}")
    return Finding(Mark.FINE, f"{stream}: {polling} rule{'s' * (polling > 1)} with the action POLL.")


def _polls(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("action")).upper() == "POLL" and _number(rule.get("enabled")) != "0"


def _senders(subject: str, client: Client) -> Finding:
    """Say which senders of a kind a message's ``from`` may name: those that ClickSend has approved."""
    path, name, shown = SENDERS[subject]
    try:
        answer = client.get(path, {"page_size": MOST_SENDERS}).data
    except (ForbiddenError, NotFoundError, MethodNotAllowedError):
        return Finding(
            Mark.NOTE, f"{subject}: unknown, since GET {path} is not served. Look into the dashboard."
        )
    approved = [row for row in answer[name] if str(row.get("status")).upper() == "APPROVED"]
    more = " or more" if len(answer[name]) == MOST_SENDERS else ""
    waiting = len(answer[name]) - len(approved)
    rest = f"; {waiting} not approved" if waiting else ""
    if not approved:
        return Finding(Mark.FINE, f"{subject}: none that from may name{rest}.")
    labels = sorted({label for row in approved if LABEL.fullmatch(label := str(row.get(shown) or ""))})
    named = f" ({', '.join(labels)})" if labels else ""
    return Finding(Mark.FINE, f"{subject}: {len(approved)}{more} that from may name{named}{rest}.")


def _oldest(client: Client) -> Finding:
    page = read_page(client, "/sms/history", {"limit": SMALLEST_PAGE, "order_by": "date:asc"})
    if not page.rows:
        return Finding(Mark.FINE, "history: no SMS yet.")
    dates = [_seconds(row["date"]) for row in page.rows]
    if dates != sorted(dates):
        return Finding(
            Mark.NOTE, f"history: {page.total} SMS; the oldest is unknown, since order_by is ignored."
        )
    day = datetime.fromtimestamp(dates[0], UTC).date()
    return Finding(Mark.FINE, f"history: {page.total} SMS, the oldest of {day}.")


def _clock(client: Client) -> Finding:
    ours, theirs = datetime.now(UTC), client.get("/countries").date
    skew = round((ours - theirs).total_seconds())
    if abs(skew) <= TOLERATED_SKEW:
        return Finding(Mark.FINE, f"clock: {abs(skew)} s apart from the server's.")
    side = "ahead of" if skew > 0 else "behind"
    return Finding(
        Mark.NOTE,
        f"clock: {abs(skew)} s {side} the server's. Set this machine's, by NTP; the tap uses the server's.",
    )


def _limits(client: Client) -> Finding:
    limits = client.limits
    if not limits:
        return Finding(Mark.NOTE, "limits: the server names none. Set requests_per_minute if it answers 429.")
    named = ", ".join(f"{endpoint} {limit}" for endpoint, limit in sorted(limits.items()))
    return Finding(Mark.FINE, f"limits: {named} (requests in one of its windows).")


def _number(value: Any) -> str:
    """Return a number as plain text, whether it came as 1, "1" or "1.00"; ``""`` for anything else."""
    text = str(value)
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return ""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _seconds(value: Any) -> int:
    return unix_seconds(int(_number(value)))


def _show(finding: Finding) -> Mark:
    sign, plain = finding.mark.value
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        sign = plain
    click.echo(f"{sign} {finding.text}")
    return finding.mark
