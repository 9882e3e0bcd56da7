"""Points about what the account and the way to it offer: endpoints, access, rules, limits, wrappings."""

from __future__ import annotations

from typing import Any

from clicksend.client import RUN, Call
from clicksend.errors import (
    ApiError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    PaymentRequiredError,
    UnexpectedAnswerError,
)
from clicksend.paging import LARGEST_PAGE
from clicksend.probe.account import Account
from clicksend.probe.findings import Finding, Unknown

NO_LIST = 2_147_483_646
RULES = ("/automations/sms/receipts", "/automations/sms/inbound", "/automations/voice/receipts")
MOST_RULES = 100
DISCOVER = Call("POST", RUN, body={"discover": True}, repeat="always", hub=True, raw=True)
ENDPOINTS = (
    "/account",
    "/account/usage/2026/1/subaccount",
    "/sms/history",
    "/sms/inbound",
    "/sms/receipts",
    "/sms/templates",
    "/sms-campaigns",
    "/mms/history",
    "/mms-campaigns",
    "/voice/history",
    "/voice/receipts",
    "/voice/lang",
    "/lists",
    "/email/addresses",
    "/countries",
    "/subaccounts",
    "/numbers",
    "/own-numbers",
    "/alpha-tags",
    "/recharge/transactions",
    "/delivery-issues",
    "/statistics/sms",
    "/statistics/voice",
    *RULES,
)
"""What can be read without an id."""


def poll_rules(account: Account) -> Finding:
    """Count the enabled rules whose action is POLL."""
    counts = {}
    for path in RULES:
        try:
            rows = account.page(path, limit=LARGEST_PAGE).rows
        except (ForbiddenError, NotFoundError, MethodNotAllowedError):
            continue
        counts[path] = sum(
            str(row.get("action")).upper() == "POLL" and str(row.get("enabled")) not in ("0", "False")
            for row in rows
        )
    if not counts:
        raise Unknown("the rules are not served")
    named = ", ".join(f"{count} for {path.removeprefix('/automations/')}" for path, count in counts.items())
    same = len({*counts.values()}) == 1
    first = next(iter(counts.values()))
    return Finding(min(first, MOST_RULES), "" if same else named)


def legacy_paths(account: Account) -> Finding:
    """Ask for receipts of picture messages, which only the older documentation has."""
    try:
        account.get("/mms/receipts")
    except (NotFoundError, MethodNotAllowedError):
        return Finding("gone")
    return Finding("served")


def voice_access(account: Account) -> Finding:
    """Ask for calls."""
    return _access(account, "/voice/history")


def subaccount_access(account: Account) -> Finding:
    """Ask for subaccounts."""
    return _access(account, "/subaccounts")


def _access(account: Account, path: str) -> Finding:
    try:
        account.get(path)
    except ForbiddenError:
        return Finding(position=False)
    return Finding(position=True)


def dedicated_numbers(account: Account) -> Finding:
    """Ask for rented numbers."""
    return Finding(bool(account.page("/numbers").rows))


def missing_list(account: Account) -> Finding:
    """Ask for a list that does not exist."""
    try:
        account.get(f"/lists/{NO_LIST}")
    except ForbiddenError:
        return Finding("forbidden")
    except NotFoundError:
        return Finding("not_found")
    except ApiError as error:
        return Finding(None, f"it is answered with {error.status}")
    return Finding(None, "it is answered as if it existed")


def hub_paths(account: Account) -> Finding:
    """Ask the hub for the account, at ClickSend's own path."""
    _need_hub(account)
    try:
        account.get("/account")
    except PaymentRequiredError:
        raise Unknown("the hub wants to be paid first") from None
    except NotFoundError as error:
        return Finding("not_allowed" if error.status == 405 else "not_found")  # noqa: PLR2004
    return Finding("served")


def hub_envelope(account: Account) -> Finding:
    """Look how the hub wraps ClickSend's answers."""
    _need_hub(account)
    return Finding(_is_wrapped(account.client.request(Call("GET", "/account", raw=True)).data))


def run_envelope(account: Account) -> Finding:
    """Look how the hub wraps the answers of its own call."""
    _need_hub_key(account)
    return Finding(_is_wrapped(account.client.request(DISCOVER).data))


def hub_balance(account: Account) -> Finding:
    """Ask the hub what it offers, and look whether it wants to be paid."""
    _need_hub_key(account)
    try:
        account.client.request(DISCOVER)
    except PaymentRequiredError:
        return Finding("empty")
    return Finding("full")


def _is_wrapped(body: Any) -> bool:
    return isinstance(body, dict) and "result" in body and "http_code" not in body


def _need_hub(account: Account) -> None:
    if not account.client.settings.through_hub:
        raise Unknown("not through the hub")


def _need_hub_key(account: Account) -> None:
    if not account.client.settings.hub_key:
        raise Unknown("no key of the hub")


def endpoints(account: Account) -> Finding:
    """Ask for everything that can be read."""
    absent = []
    for path in ENDPOINTS:
        try:
            account.get(path)
        except ApiError as error:
            absent.append(f"{path} {error.status}")
        except UnexpectedAnswerError:
            continue
    return Finding(None if absent else "all are served", f"not served: {', '.join(absent)}" if absent else "")


def rate_headers(account: Account) -> Finding:
    """Look which limits the headers have named so far."""
    limits = account.client.limits
    if not limits:
        return Finding(None, "the answers name no limits")
    unnamed = [name for name in account.statuses if name not in limits]
    if not unnamed:
        return Finding("named by all", ", ".join(f"{each} a window" for each in sorted({*limits.values()})))
    return Finding(None, f"named by {len(limits)} of {len(limits) + len(unnamed)} endpoints")
