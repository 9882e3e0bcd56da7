"""The account's own rows as older documentation spells them; made from the live spelling, like the others."""

from collections.abc import Sequence

from clicksend.sandbox import live_account
from clicksend.sandbox.legacy import without_null
from clicksend.sandbox.live import Shape, as_text
from clicksend.sandbox.reports import Day, Usage
from clicksend.sandbox.rows import Campaign, Issue, MmsCampaign, Number, Subaccount, Transaction


def account(balance: str, part_limit: int) -> Shape:
    """Age the account: the end of the trial is text."""
    shape = live_account.account(balance, part_limit)
    as_text(shape, "trial_expiry")
    without_null(shape, "_referrer_chosen", "delivery_to")
    return shape


def subaccounts(row: Subaccount) -> Shape:
    """Age a subaccount: nothing has changed."""
    return live_account.subaccounts(row)


def sms_campaigns(row: Campaign, list_name: str | None) -> Shape:
    """Age a campaign: times as text."""
    shape = live_account.sms_campaigns(row, list_name)
    as_text(shape, "schedule", "date_added")
    shape["schedule"] = shape["schedule"] or ""
    without_null(shape, "url_to_shorten", "senders", "_list_name")
    return shape


def mms_campaigns(row: MmsCampaign, list_name: str | None) -> Shape:
    """Age a picture campaign: times as text."""
    shape = live_account.mms_campaigns(row, list_name)
    as_text(shape, "schedule", "date_added")
    without_null(shape, "_list_name")
    return shape


def numbers(row: Number) -> Shape:
    """Age a rented number: nothing is null."""
    shape = live_account.numbers(row)
    without_null(shape, "notes", "number_category", "form_submission_id", "usage_restriction")
    return shape


def transactions(row: Transaction) -> Shape:
    """Age a purchase: the amount is text."""
    return {**live_account.transactions(row), "amount": row.amount}


def delivery_issues(row: Issue) -> Shape:
    """Age a complaint: its id is a number."""
    return {**live_account.delivery_issues(row), "issue_id": row.issue_id}


def account_usage(channels: dict[str, Usage]) -> Shape:
    """Age a month: prices as text."""
    shape = live_account.account_usage(channels)
    for name, usage in channels.items():
        price = f"{usage.price:.6f}"
        shape[name] = [{**row, "total_price": price} for row in shape[name]]
        shape[f"{name}_total"]["price"] = price
        for row in shape[name]:
            without_null(row, "notes")
    return shape


def statistics(days: Sequence[Day], total: Day, *, inbound: bool) -> Shape:
    """Age thirty days: other names."""
    shape = live_account.statistics(days, total, inbound=inbound)
    return {"total": shape["total"], "stat": shape["stats"], "currency": shape["_currency"]}
