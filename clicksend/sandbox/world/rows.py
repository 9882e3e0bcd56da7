"""The rows of the stand-in's world: plain facts, without any of the API's spellings.

How a row looks on the wire is decided in ``live`` and ``legacy``; what happens to it in ``store`` and
``events``. All times are Unix seconds (UTC), all prices decimal strings. What comes by the hundred thousand
is hidden from the garbage collector (``gc=False``), which would go through it again and again; none of it
is part of a cycle.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

USER_ID = 672721
SUBACCOUNT_ID = 717411
USERNAME = "sandbox"
AREAS = (
    *("smpp", "users", "billing", "reporting", "contacts", "settings"),
    *("sms", "email", "voice", "fax", "post", "reseller", "global_sending", "mms"),
)
"""What a subaccount may have access to."""


SUCCESS = "SUCCESS"
"""The status of a message that was accepted."""


class Delivery(Struct, frozen=True):
    """What has become of a message so far.

    Attributes:
        status: Word of the history row (Queued, Sent, Completed, ...); not the outcome, see ``code``.
        code: 200, 201, 300, 301, 302, a word for MMS, or None when the network has not answered.
        text: What has become of it, or why it was lost.
        error_code: The gateway's number for it, delivered ones have one too; None when there is none.
        error_text: Sentence that goes with the number, which says nothing of a failure; or None.
        final: No later report may change it.
    """

    status: str
    code: str | None = None
    text: str | None = None
    error_code: str | None = None
    error_text: str | None = None
    final: bool = False


class Message(Struct, kw_only=True, gc=False):
    """What SMS, MMS and voice messages have in common, sent or received."""

    message_id: str
    date: int
    to: str
    sender: str
    body: str
    schedule: int | None
    parts: int
    price: str
    custom_string: str
    country: str
    carrier: str
    delivery: Delivery
    direction: str = "out"
    list_id: int | None = None
    contact_id: int | None = None
    first_name: str | None = None
    last_name: str | None = None


class Sms(Message, kw_only=True):
    """A text message; both directions are in the history."""

    from_email: str | None = None


class Mms(Message, kw_only=True):
    """A picture message."""

    subject: str | None
    media_url: str | None
    from_email: str | None = None


class Voice(Message, kw_only=True):
    """A spoken call; ``digits`` are the keys that were pressed."""

    lang: str
    voice: str
    to_type: str
    require_input: int
    machine_detection: int
    machine_detected: int | None = None
    digits: str | None = None


class Outgoing(Struct, gc=False):
    """A message in a call that sends, with its status; only ``SUCCESS`` enters the history.

    ``shared``: it names no sender, so it comes from a number that all accounts use.
    """

    message: Message
    status: str
    shared: bool


class Receipt(Struct, kw_only=True, gc=False):
    """One delivery report; a message may have several."""

    message_id: str
    sent_at: int
    timestamp: int
    delivery: Delivery
    custom_string: str
    digits: str | None = None


class Inbound(Struct, kw_only=True):
    """A reply, or a text message nobody had asked for (no original)."""

    message_id: str
    timestamp: int
    sender: str
    to: str
    body: str
    custom_string: str
    original_message_id: str = ""
    original_body: str = ""


class Contact(Struct, kw_only=True):
    """One entry of one list; the same person in two lists is two contacts.

    ``moved_at`` is when it came from another list, 0 when it did not; the API does not show it.
    """

    contact_id: int
    list_id: int
    phone_number: str
    date_added: int
    date_updated: int
    first_name: str = ""
    last_name: str = ""
    custom_1: str = ""
    custom_2: str = ""
    custom_3: str = ""
    custom_4: str = ""
    fax_number: str = ""
    organization_name: str = ""
    email: str = ""
    address_line_1: str = ""
    address_line_2: str = ""
    address_city: str = ""
    address_state: str = ""
    address_postal_code: str = ""
    address_country: str = ""
    moved_at: int = 0


class ContactList(Struct, kw_only=True):
    """A contact list; its contacts are kept apart, in the store."""

    list_id: int
    list_name: str
    list_email_id: str


class Template(Struct, kw_only=True):
    """An SMS template."""

    template_id: int
    template_name: str
    body: str


class Campaign(Struct, kw_only=True):
    """A text sent to a list; ``sent`` counts the messages that have gone out so far."""

    sms_campaign_id: int
    name: str
    list_id: int
    sender: str
    body: str
    schedule: int | None
    status: str
    date_added: int
    custom_string: str = ""
    sent: int = 0


class MmsCampaign(Struct, kw_only=True):
    """A picture with a text, sent to a list; ``sent`` counts its messages."""

    mms_campaign_id: int
    name: str
    list_id: int
    sender: str
    subject: str
    file_name: str
    body: str
    schedule: int
    status: str
    date_added: int
    sent: int = 0


class InboundRule(Struct, kw_only=True, frozen=True):
    """What is done with inbound messages.

    Attributes:
        inbound_rule_id: Its number.
        dedicated_number: The number they came to; "*" is any.
        rule_name: For people.
        message_search_type: 0 takes any message, 1 those that begin with the term, 2 that contain it, 3 that
            do not.
        message_search_term: Never minding case.
        action: POLL lists them for the API to be read; nothing else is done here.
        action_address: Where to, for other actions.
        body: For some actions.
        enabled: 0 or 1.
        webhook_type: Post, get or json, where the action is URL.
    """

    inbound_rule_id: int
    dedicated_number: str
    rule_name: str
    message_search_type: int
    message_search_term: str | None
    action: str
    action_address: str | None
    body: str | None
    enabled: int
    webhook_type: str | None

    def takes(self, inbound: Inbound) -> bool:
        """Tell whether the rule is for a message."""
        if self.dedicated_number not in {"*", inbound.to}:
            return False
        body, term = inbound.body.casefold(), (self.message_search_term or "").casefold()
        return (True, body.startswith(term), term in body, term not in body)[self.message_search_type]


class Subaccount(Struct, kw_only=True):
    """Somebody who may use the account; ``access`` names the areas that are open."""

    subaccount_id: int
    api_username: str
    first_name: str
    last_name: str
    email: str
    phone_number: str
    access: tuple[str, ...]
    notes: str | None = None
    is_main: int = 0


class Number(Struct, kw_only=True):
    """A rented number; ``status`` is 0 (ready) to 5."""

    dedicated_number: str
    country: str
    price: str
    guid: str
    notes: str | None = None
    status: int = 0


class Transaction(Struct, kw_only=True):
    """Credit that was bought."""

    invoice_number: str
    amount: str
    date: int


class Issue(Struct, kw_only=True):
    """A complaint about a message."""

    issue_id: int
    message_id: str
    type: str
    description: str
    date_added: int
    resolved: int = 0
    support_comments: str | None = None


class Upload(Struct, kw_only=True):
    """A file that was uploaded, and when it is deleted."""

    upload_id: int
    file_name: str
    date_added: int
    date_delete: int
    url: str


class Forced(Struct, kw_only=True, forbid_unknown_fields=True):
    """A status that a test orders for messages to send.

    Attributes:
        to: Shell pattern on the recipient in E.164, or on what was sent where that is not a number.
        status: Such as "INTERNAL_ERROR"; "BAD_REQUEST" refuses the whole call that the message is in.
        channel: Sms, mms or voice; "*" is any.
        times: How many messages more; -1 is all.
    """

    to: str
    status: Annotated[str, Meta(pattern="^[A-Z_]+$")]
    channel: Literal["sms", "mms", "voice", "*"] = "*"
    times: Annotated[int, Meta(ge=-1)] = 1


class EmailAddress(Struct, kw_only=True):
    """A sender's e-mail address; ``verified`` is 0 or 1."""

    email_address_id: int
    email_address: str
    verified: int
    date_added: int
