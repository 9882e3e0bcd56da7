"""Points that need messages: to ClickSend's test numbers, and scheduled ones to the user's own number."""

from __future__ import annotations

from clicksend.errors import ApiError, ClickSendError
from clicksend.paging import LARGEST_PAGE, Row, read_pages
from clicksend.probe.account import Account, seconds
from clicksend.probe.findings import Finding, Unknown
from clicksend.probe.own import LONGEST_LAG, cancelled, is_scheduled_one

TEST_NUMBERS = ("+61411111111", "+61422222222", "+61433333333")
"""ClickSend's own, for tests: nothing is sent to them and nothing charged (documented)."""
SENT = 8
"""Messages in one call: enough that no order looks like another when one is missing."""
PAUSES = (10, 20, 30, 60)
"""Seconds after which the same message is tried again."""
MONTH = 30 * 86_400
STRINGS = {"exact": "later 4", "longer": "later 42", "other_case": "LATER 4", "other": "later 7"}
"""Ends of the custom strings of scheduled messages; the first is what is cancelled by."""
WAITING = ("Scheduled", "WaitApproval")
"""Statuses of messages that cancelling everything may take."""
SHORT_HISTORY = 2000


def answer_order(account: Account) -> Finding:
    """Send messages in one call, and look in which order they come back."""
    places = _places(account)
    if len(places) < SENT // 2:
        raise Unknown("the answer has too few of the messages")
    if places == sorted(places):
        return Finding("as_sent")
    return Finding("reversed" if places == sorted(places, reverse=True) else "shuffled")


def answer_rows(account: Account) -> Finding:
    """Look whether all of them came back."""
    return Finding("all" if len(_places(account)) == SENT else "one_missing")


def history_lag(account: Account) -> Finding:
    """Look when they show in the history."""
    rows = [row for row in _sent(account) if row.get("status") == "SUCCESS"]
    if not rows:
        raise Unknown("no message to a test number was accepted")
    key = str(rows[0]["message_id"])
    for waited in range(LONGEST_LAG + 1):
        if any(str(row.get("message_id")) == key for row in _recent(account)):
            return Finding(waited, "at once" if not waited else f"after {waited} s at most")
        account.client.wait(1)
    return Finding(None, f"not within {LONGEST_LAG} s")


def throttle_seconds(account: Account) -> Finding:
    """Send the same messages again."""
    if not _takes_again(account):
        raise Unknown("no message to a test number was accepted")
    if _takes_again(account):
        return Finding(0, "never: the same was accepted at once")
    before = 0
    for pause in PAUSES:
        account.client.wait(pause - before)
        if _takes_again(account):
            return Finding(pause, f"{pause} s at most")
        before = pause
    return Finding(None, f"still refused after {before} s")


def cancel_filter(account: Account) -> Finding:
    """Schedule messages, cancel by one custom string, and cancel the rest one by one."""
    ids = _scheduled(account)
    wanted = f"{account.name} {STRINGS['exact']}"
    answer = account.put("/sms/cancel-all", {"custom_string": wanted})
    gone = {kind for kind, key in ids.items() if not cancelled(account.client, key)}
    account.made.note(scheduled=0)
    if isinstance(answer, dict) and str(answer.get("count")) not in (str(len(gone)), "None"):
        return Finding(None, "the count in the answer is not that of the cancelled messages")
    for position, kinds in (
        ("exact", {"exact"}),
        ("resembling", {"exact", "longer", "other_case"}),
        ("ignored", {*STRINGS}),
    ):
        if gone == kinds:
            return Finding(position)
    named = {"exact": "the same", "longer": "longer ones", "other_case": "other case", "other": "others"}
    return Finding(
        None, f"it takes: {', '.join(named[kind] for kind in STRINGS if kind in gone) or 'nothing'}"
    )


def _scheduled(account: Account) -> dict[str, str]:
    """Schedule a message for each custom string, once it is certain that nothing else is scheduled.

    Raises:
        Unknown: Something else is, or it cannot be known; what was scheduled is cancelled at the end.
    """
    _check_campaigns(account)
    at = account.now() + MONTH
    messages = [
        {
            "to": account.to,
            "body": f"{account.name}: to be cancelled ({number})",
            "custom_string": f"{account.name} {end}",
            "schedule": at,
        }
        for number, end in enumerate(STRINGS.values())
    ]
    account.made.note(scheduled=len(messages))
    try:
        rows = account.send(messages)
    except ClickSendError as error:
        if error.not_processed:
            account.made.note(scheduled=0)
        raise
    refused = sum(row.get("status") != "SUCCESS" for row in rows)
    account.made.note(scheduled=len(messages) - refused)
    if refused:
        raise Unknown("not all messages to the number were accepted")
    for _ in range(LONGEST_LAG):
        rows = _all_scheduled(account)
        ours = {row["custom_string"]: row for row in rows if is_scheduled_one(account.name, row)}
        if len(ours) < len(rows):
            raise Unknown("other messages are scheduled, which must not be cancelled")
        if len(ours) == len(STRINGS):
            return {kind: str(ours[f"{account.name} {end}"]["message_id"]) for kind, end in STRINGS.items()}
        account.client.wait(1)
    raise Unknown("the scheduled messages do not show in the history")


def _all_scheduled(account: Account) -> list[Row]:
    """Return all messages that wait: by searches, if they find such only, else out of the whole history.

    Raises:
        Unknown: The history is too long to be read whole.
    """
    if account.notes.get("searches"):
        searches = [{"q": f"status:{status}"} for status in WAITING]
        found = [row for search in searches for row in _history(account, search)]
        if found and all(map(_is_waiting, found)):
            return found
    total = account.page("/sms/history", limit=15).count("total")
    if total is None or total > SHORT_HISTORY:
        raise Unknown("the history is too long to be certain that nothing else is scheduled")
    return [row for row in _history(account, {}) if _is_waiting(row)]


def _history(account: Account, filters: dict[str, str]) -> list[Row]:
    return [row for page in read_pages(account.client, "/sms/history", filters) for row in page.rows]


def _is_waiting(row: Row) -> bool:
    return str(row.get("status")) in WAITING


def _check_campaigns(account: Account) -> None:
    """Make certain that no campaign waits: its messages may not show in the history."""
    now = account.now()
    try:
        rows = [row for page in read_pages(account.client, "/sms-campaigns") for row in page.rows]
    except ApiError:
        raise Unknown("the campaigns cannot be read, of which one may be scheduled") from None
    for row in rows:
        status = str(row.get("status")).casefold()
        if status == "scheduled" or ((seconds(row.get("schedule")) or 0) > now and "cancel" not in status):
            raise Unknown("a campaign is scheduled, which must not be cancelled")


def _places(account: Account) -> list[int]:
    """Return which message each row of the answer is, by its custom string."""
    ends = {f"{account.name} {number}": number for number in range(SENT)}
    return [ends[key] for row in _sent(account) if (key := str(row.get("custom_string"))) in ends]


def _sent(account: Account) -> list[Row]:
    def sent() -> list[Row]:
        return account.send(
            [
                {
                    "to": TEST_NUMBERS[number % len(TEST_NUMBERS)],
                    "body": f"{account.name}: message {number}",
                    "custom_string": f"{account.name} {number}",
                }
                for number in range(SENT)
            ]
        )

    rows: list[Row] = account.once("sent", sent)
    return rows


def _takes_again(account: Account) -> bool:
    """Send one text to all test numbers; return whether any of them was accepted."""
    body = f"{account.name}: the same again"
    rows = account.send([{"to": to, "body": body, "custom_string": account.name} for to in TEST_NUMBERS])
    return any(row.get("status") == "SUCCESS" for row in rows)


def _recent(account: Account) -> list[Row]:
    """Return the newest messages, wherever the history puts them."""
    filters = {"limit": LARGEST_PAGE, "order_by": "date:desc", "date_from": account.made.begun - LONGEST_LAG}
    first = account.page("/sms/history", **filters)
    if first.last_page < 2:  # noqa: PLR2004
        return first.rows
    return first.rows + account.page("/sms/history", page=first.last_page, **filters).rows
