"""Points that prices tell: asking for one sends nothing.

The recipients are numbers that their countries keep for films (ACMA, Ofcom, NANPA): nobody has them.
"""

from __future__ import annotations

from typing import Any

from clicksend.errors import ApiError, BadRequestError, InvalidRecipientError
from clicksend.paging import Row
from clicksend.probe.account import Account
from clicksend.probe.findings import Finding, Unknown

PEOPLE = {
    "US": ("+12025550123", "+12025550143", "+12025550186"),
    "AU": ("+61491570006", "+61491570156", "+61491570157"),
    "GB": ("+447700900123", "+447700900456", "+447700900789"),
}
"""Three of each: an answer may lack one."""
EXTENSION = "[]{}^~|€\\"
PICTURE = "https://upload.wikimedia.org/wikipedia/commons/c/ce/Transparent.gif"
MANY = 1001
MOST_PARTS = 100
SEVERAL = 2


def gsm_extension(account: Account) -> Finding:
    """Price texts that are one part if the extension counts as GSM, and two if it does not."""
    if _parts(account, "a" * 100) != 1:
        raise Unknown("a hundred letters are not one part")
    if _parts(account, EXTENSION + "a" * 90) != 1:
        return Finding("unicode")
    if _parts(account, "€" * 81) == 1:
        return Finding(None, "they count one unit of GSM")
    return Finding("two_units")


def part_limit(account: Account) -> Finding:
    """Price a text of more parts than a message may have."""
    parts = _parts(account, "a" * 153 * (MOST_PARTS + 1))
    if not 1 <= parts <= MOST_PARTS:
        return Finding(None, f"a text of {MOST_PARTS + 1} parts has {parts}")
    named = account.get("/account").get("setting_sms_message_char_limit")
    return Finding(parts, "" if str(named) == str(parts) else f"{parts}, but the account names another")


def media_file(account: Account) -> Finding:
    """Price a picture message whose media stands in the call, and one that holds it itself."""
    for people in PEOPLE.values():
        messages = [{"to": to, "from": "", "subject": "probe", "body": "probe"} for to in people]
        if not _accepted(account, {"media_file": PICTURE, "messages": messages}):
            continue
        inside = [{**message, "media_file": PICTURE} for message in messages]
        return Finding("anywhere" if _accepted(account, {"messages": inside}) else "top_level")
    raise Unknown("no picture message can be priced")


def too_many_recipients(account: Account) -> Finding:
    """Price a message to more recipients than a call may have."""
    numbers = [f"+4477009{number:05}" for number in range(1000)]
    numbers += PEOPLE["US"]
    messages = [{"to": to, "body": "probe"} for to in numbers[:MANY]]
    try:
        rows = _messages(_priced(account, "/sms/price", {"messages": messages}))
    except BadRequestError:
        return Finding("refused")
    except ApiError as error:
        return Finding(None, f"refused with {error.status}")
    if any("TOO_MANY" in str(row.get("status")) for row in rows):
        return Finding("per_message")
    return Finding(None, f"{MANY} are taken")


def _accepted(account: Account, payload: Row) -> bool:
    try:
        rows = _messages(_priced(account, "/mms/price", payload))
    except (BadRequestError, InvalidRecipientError):
        return False
    return any(row.get("status") == "SUCCESS" for row in rows)


def _parts(account: Account, body: str) -> int:
    """Return how many parts a text has, by its price."""
    for people in PEOPLE.values():
        messages = [{"to": to, "body": body} for to in people]
        for row in _messages(_priced(account, "/sms/price", {"messages": messages})):
            if row.get("status") == "SUCCESS":
                return int(float(row["message_parts"]))
    raise Unknown("no message can be priced")


def _priced(account: Account, path: str, payload: Row) -> Any:
    return account.post(path, payload, repeat="always")


def _messages(data: Any) -> list[Row]:
    rows: list[Row] = data["messages"]
    return rows
