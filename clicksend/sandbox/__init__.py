"""A local, stateful stand-in of ClickSend's v3 API and of the hub: to try, test and break things against.

It is not ClickSend. It was written from documentation and from recordings that others published; nobody has
compared it with the real service. Where the behaviour of the real one is known, it does the same, quirks
included. What is unconfirmed about writes it does in the way that is worst for whoever writes, all else in
the likeliest; other dialects put the switches otherwise.

Unconfirmed, each a switch (see ``Switches``):

- ``limit`` below 15 or above 100; pages past the last; the shape of an empty page beyond the one recorded
- whether ``date_from``, ``date_to`` and ``updated_after`` include their second; whether ``q`` matches a
  part of a value
- how soon a message shows in its history; that receipts and inbound age out after four months, as messages do
- receipts and inbound without a POLL rule, or with several
- whether a move to another list touches a contact's ``date_updated``
- what subaccounts answer to somebody who may not see them
- what a list that does not exist, or an account without voice access, answers
- whether a contact's telephone number is checked, how its texts are kept, what null and "" do in a PUT,
  whether a copy has an id of its own
- which body ``remove-duplicates`` takes, and what another one does; whether a sender's e-mail address may be
  there twice; where ``date_before`` belongs, which time it means, and whether it includes its second
- which messages ``/sms/cancel-all`` takes for a custom string; whether PUT and DELETE answer without a body
- whether ``q`` takes several terms; whether what only the older documentation has is still served
- how long the same body to the same recipient is THROTTLED; whether no credit, and too many recipients, are
  said message by message or for the whole call
- the order of the messages in the answer to a send, and whether all of them are there
- whether the characters of the GSM extension make a text Unicode; how many parts a text may have
- whether picture messages may hold their media file themselves; whether they can be cancelled
- whether the hub serves ``/clicksend/v3`` at all, and how it wraps what it serves and what ``/v1/run``
  answers

Known, and made as known: sending answers 200 and SUCCESS even when every message failed, in three shapes of
rows; a schedule in milliseconds is accepted and never comes; one more than four months ahead is accepted
and never sent; a late, a second and an unknown cancel are the same 404; messages to test numbers have no
parts, no price, no receipts and no schedule.

Unconfirmed and fixed here:

- the body of an unknown path (404, ``NOT_FOUND``) and of a wrong verb (405, ``NOT_FOUND``); both before
  credentials
- that ``date_from`` and ``date_to`` look at ``date`` or ``date_added``, which is the time of submission,
  never at ``schedule``
- that unknown fields in ``q`` and ``order_by``, and values that are not numbers, are ignored
- the sentences of some answers to writes; that malformed JSON, and JSON that is not an object, is a 400; the
  sentences under ``data`` of a 400
- that all text fields stumble over an object as one recorded did, and take numbers as text
- that a contact must still be reachable after a PUT; that the number of one is checked for its length only
- that duplicates agree in every named field exactly, and not in being empty; that who opted out is known by
  number or e-mail
- that a ``date_before`` that is not a number is a 400; that marking one message that is not there counts 0
- that the list a contact is copied or transferred to is looked up like any other
- live spellings of receipts, inbound messages, MMS and voice rows: known from documentation only; that
  receipts and calls have the codes and texts that were recorded of text messages; all reasons but two
- that links are known by the message's id in lower case, and that a message without one is a 404; who opens
  them; that picture campaigns come in the envelope, as older documentation shows them
- usage and statistics: that months and days are UTC's and messages count by ``date``, that usage counts parts
  of what was sent, that a bounce is a 301, that calls are counted for an account without voice access too
- that campaign messages are in the history like others (scheduled ones are said not to be), order of
  purchases (newest first)
- that every kind of automation rule has one disabled POLL rule beside those of the switch
- default order of MMS and voice history (by time) and of contacts (none)
- which failed messages are blocked (a country that is not enabled) and which rejected (all others); how
  failed picture messages and calls look; what is checked first
- that a blank body is EMPTY_MESSAGE, that a list that is not there is NOT_ENOUGH_PERMISSION_TO_LIST_ID,
  that a list decides where there is a recipient too, that a schedule in the past is now
- that ``from`` is taken as it is, unless it is a name that is too long or has a space
- that what is cut off a long message is missing in the answer too; that a message is paid for when it is
  accepted, and the price given back when it is cancelled
- that uploads exist for ten minutes; nobody looks at a media file, its name decides
- what becomes of a message that was sent, and when (``world/profiles.py`` has the tables, by country and
  carrier); who answers, and what; that only an answer that begins with STOP moves a contact
- rate limits other than those of ``/account`` and ``/sms/send``, and that each is counted per endpoint for
  all callers together
- ``legacy`` rows keep every fact of the ``live`` ones, so that both hold the same rows; real old answers had
  fewer fields
- the hub's answer to ``discover``, its templates, its error for an unknown one, and 402 on the paths of
  ClickSend
- answers for suspended and inactive accounts through the hub: there are none

Prices, carriers, gateway texts and people are invented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clicksend.sandbox.api.access import API_KEY, BANNED, NO_CREDIT, NOT_ACTIVE
from clicksend.sandbox.switches import Switches
from clicksend.sandbox.world.rows import USERNAME

if TYPE_CHECKING:
    from clicksend.sandbox.server.sandbox import Sandbox

__all__ = ["API_KEY", "BANNED", "NOT_ACTIVE", "NO_CREDIT", "USERNAME", "Sandbox", "Switches"]


def __getattr__(name: str) -> Any:
    """Import the server when first asked for it, so that the command can say that the extra is missing."""
    if name != "Sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clicksend.sandbox.server.sandbox import Sandbox  # noqa: PLC0415

    return Sandbox
