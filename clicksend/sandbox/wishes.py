"""What a call wants sent: every entry of its `messages`, or every contact of a list that an entry names."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from clicksend.sandbox.answers import Refusal, bad_fields, number
from clicksend.sandbox.bodies import text
from clicksend.sandbox.rows import Contact
from clicksend.sandbox.simulation import Simulation

MOST_RECIPIENTS = 1000
"""How many recipients a call may have, those of its lists included."""
EXTRAS: dict[str, tuple[str, ...]] = {
    "sms": (),
    "mms": ("subject", "media_file"),
    "voice": ("lang", "voice", "require_input", "machine_detection"),
}
"""The fields that only one channel has."""
_MISSING_LIST = "NOT_ENOUGH_PERMISSION_TO_LIST_ID"
_TOO_MANY = "TOO_MANY_RECIPIENTS"


class Wish(Struct, gc=False):
    """One message to one recipient, as it was asked for.

    Attributes:
        sender: the field `from`.
        schedule: Unix time as text; blank is now.
        country: of local numbers; blank is the account's.
        extras: the channel's own fields.
        contact: whom the list holds, where the message goes to a list.
        status: why it cannot be sent, where that is known already.
    """

    to: str
    body: str
    sender: str
    schedule: str
    custom_string: str
    country: str
    from_email: str
    extras: dict[str, str]
    contact: Contact | None = None
    status: str = ""


def read(sim: Simulation, body: Mapping[str, Any] | None, channel: str) -> list[Wish]:
    """Read the body of a call.

    Raises:
        Refusal: 400, there are no messages, some are no objects, some fields no texts, or they are too many.
    """
    given = body or {}
    entries = given.get("messages")
    if not isinstance(entries, list) or not entries:
        raise bad_fields({"messages": "Messages field is required."})
    if not all(isinstance(entry, dict) for entry in entries):
        raise Refusal(400)
    wishes = [wish for entry in entries for wish in _recipients(sim, entry, given, channel)]
    if len(wishes) > MOST_RECIPIENTS and sim.switches.too_many_recipients == "refused":
        raise Refusal(400, _TOO_MANY, f"A call may have {MOST_RECIPIENTS} recipients at most.")
    for surplus in wishes[MOST_RECIPIENTS:]:
        surplus.status = _TOO_MANY
    return wishes


def _recipients(
    sim: Simulation, entry: Mapping[str, Any], call: Mapping[str, Any], channel: str
) -> Iterator[Wish]:
    """Make one wish of an entry, or one for each contact of its list that has a number."""
    wish = _wish(sim, entry, call, channel)
    list_id = text(entry.get("list_id"))
    if not list_id:
        yield wish
        return
    members = sim.store.contacts.get(number({"list_id": list_id}, "list_id") or 0)
    if members is None:
        wish.status = _MISSING_LIST
        yield wish
        return
    for contact in members.values():
        if contact.phone_number:
            named = {"to": contact.phone_number, "list_id": None}
            member = _wish(sim, {**entry, **named}, call, channel)
            member.contact = contact
            yield member


def _wish(sim: Simulation, entry: Mapping[str, Any], call: Mapping[str, Any], channel: str) -> Wish:
    get = entry.get
    extras = {name: text(get(name)) for name in EXTRAS[channel]}
    if channel == "mms" and not (extras["media_file"] and sim.switches.media_file == "anywhere"):
        extras["media_file"] = text(call.get("media_file"))
    return Wish(
        text(get("to")).strip(),
        text(get("body")),
        text(get("from")).strip(),
        text(get("schedule")).strip(),
        text(get("custom_string")),
        text(get("country")).strip(),
        text(get("from_email")),
        extras,
    )
