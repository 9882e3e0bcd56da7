"""Points that need lists and contacts of the probe's own, and a sender's address that is there already."""

from __future__ import annotations

from typing import Any

from clicksend.errors import BadRequestError
from clicksend.paging import LARGEST_PAGE, Row, id_of
from clicksend.probe.account import Account
from clicksend.probe.findings import Finding, Unknown

NUMBERS = ("+61491570006", "+61491570156", "+61491570157")
"""Numbers that Australia keeps for films (ACMA): nobody has them."""
NO_NUMBER = "123"
LONG = "x" * 80
SPACED = "  probe  "
FORMS: dict[str, Any] = {
    "values": {"1": "phone_number"},
    "keys": {"phone_number": "1"},
    "array": ["phone_number"],
}
"""Bodies that name the field in one way only, whichever way is read."""
REFUSED, ALL, ONE, RIGHT = "refused", 3, 1, 2
"""What becomes of three contacts, two of which have the same number: refused, or so many are left."""
PAUSE = 2
"""Seconds after which a change has another second than what it changes."""


def bad_phone(account: Account) -> Finding:
    """Add a contact whose number cannot be one."""
    try:
        _added(account, _shared_list(account), phone_number=NO_NUMBER)
    except BadRequestError:
        return Finding("reject")
    return Finding("accept")


def contact_text(account: Account) -> Finding:
    """Add a contact with white space and with a long text, and read it again."""
    row = _contact(account)
    first, last = row.get("first_name"), row.get("last_name")
    if (first, last) == (SPACED, LONG):
        return Finding("as_sent")
    if first == SPACED.strip() and last == LONG[:60]:
        return Finding("trimmed")
    stripped = "stripped" if first == SPACED.strip() else "kept" if first == SPACED else "changed"
    return Finding(None, f"white space is {stripped}, 80 characters become {len(str(last or ''))}")


def null_clears(account: Account) -> Finding:
    """Change a contact's names to null and ""."""
    row = _contact(account)
    path = f"/lists/{_shared_list(account)}/contacts/{_key(row)}"
    answer = account.put(path, {"phone_number": NUMBERS[0], "first_name": None, "last_name": ""})
    account.contact_puts.append(answer is None)
    after = account.get(path)
    cleared = [not after.get(name) for name in ("first_name", "last_name")]
    if len({*cleared}) == 1:
        return Finding("clears" if all(cleared) else "ignored")
    return Finding(None, "null clears, an empty text does not" if cleared[0] else "only an empty text clears")


def empty_writes(account: Account) -> Finding:
    """Look whether the answer to a change had a body."""
    if not account.contact_puts:
        raise Unknown("no contact was changed")
    return Finding(any(account.contact_puts))


def copy(account: Account) -> Finding:
    """Copy a contact into another list."""
    source, target = _new_list(account), _new_list(account)
    key = _added(account, source, phone_number=NUMBERS[0])
    account.put(f"/lists/{source}/contacts/{key}/copy/{target}")
    rows = _members(account, target)
    if not rows:
        return Finding(None, "nothing was copied")
    return Finding("same" if _key(rows[0]) == key else "new_id")


def moves_update(account: Account) -> Finding:
    """Move a contact into another list, some seconds after it was made."""
    source, target = _new_list(account), _new_list(account)
    key = _added(account, source, phone_number=NUMBERS[0])
    before = account.get(f"/lists/{source}/contacts/{key}").get("date_updated")
    account.client.wait(PAUSE)
    account.put(f"/lists/{source}/contacts/{key}/transfer/{target}")
    rows = _members(account, target)
    if not rows:
        return Finding(None, "nothing was moved")
    return Finding(str(rows[0].get("date_updated")) != str(before))


def duplicate_fields(account: Account) -> Finding:
    """Remove duplicates with bodies that name the field in one way only."""
    left = _removed(account)
    fitting = [form for form, rest in left.items() if rest == RIGHT]
    if len(fitting) == 1:
        return Finding(fitting[0])
    return Finding(None, f"understood as {', '.join(fitting) or 'none'}")


def other_fields(account: Account) -> Finding:
    """Look what became of the bodies that are not understood."""
    others = {rest for rest in _removed(account).values() if rest != RIGHT}
    if others == {ONE}:
        return Finding("compare_nothing")
    if others == {REFUSED}:
        return Finding("refused")
    if not others:
        raise Unknown("all forms are understood")
    named = {ONE: "one contact is left", REFUSED: "refused", ALL: "nothing is removed"}
    return Finding(None, "; ".join(sorted(named.get(rest, "something else") for rest in others)))


def existing_address(account: Account) -> Finding:
    """Add a sender's address that is there already."""
    rows = account.page("/email/addresses", limit=LARGEST_PAGE)
    if not rows.rows:
        raise Unknown("there is no sender's e-mail address")
    if rows.last_page > 1:
        raise Unknown("there are too many senders' e-mail addresses to remember")
    keys = [row["email_address_id"] for row in rows.rows]
    account.made.note(addresses=keys, address=keys[0])
    try:
        account.post("/email/addresses", {"email_address": rows.rows[0]["email_address"]})
    except BadRequestError:
        return Finding("reject")
    return Finding("accept")


def _removed(account: Account) -> dict[str, Any]:
    """Return what is left of three contacts, two of them with the same number, by the form of the body."""
    left: dict[str, Any] = account.once("duplicates", lambda: {form: _left(account, form) for form in FORMS})
    return left


def _left(account: Account, form: str) -> Any:
    list_id = _new_list(account)
    for number in (NUMBERS[0], NUMBERS[0], NUMBERS[1]):
        _added(account, list_id, phone_number=number)
    try:
        account.put(f"/lists/{list_id}/remove-duplicates/", {"fields": FORMS[form]})
    except BadRequestError:
        return REFUSED
    return len(_members(account, list_id))


def _contact(account: Account) -> Row:
    """Return the contact with odd texts, as it is kept."""

    def made() -> Row:
        path = f"/lists/{_shared_list(account)}/contacts"
        key = _added(
            account, _shared_list(account), phone_number=NUMBERS[0], first_name=SPACED, last_name=LONG
        )
        row: Row = account.get(f"{path}/{key}")
        return row

    row: Row = account.once("contact", made)
    return row


def _shared_list(account: Account) -> int:
    list_id: int = account.once("list", lambda: _new_list(account))
    return list_id


def _new_list(account: Account) -> int:
    number = account.notes["lists"] = account.notes.get("lists", 0) + 1
    made = account.post("/lists", {"list_name": f"{account.name} {number}"})
    return id_of(made, "list_id", "POST /lists")


def _added(account: Account, list_id: int, **fields: str) -> int:
    """Add a contact and return its id."""
    return _key(account.post(f"/lists/{list_id}/contacts", fields))


def _key(row: Row) -> int:
    return id_of(row, "contact_id", "POST /lists/{list_id}/contacts")


def _members(account: Account, list_id: int) -> list[Row]:
    return account.page(f"/lists/{list_id}/contacts", limit=LARGEST_PAGE).rows
