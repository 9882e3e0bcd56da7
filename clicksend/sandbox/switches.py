"""The points that nobody has confirmed about ClickSend or the hub: each a switch, and dialects of them."""

import inspect
import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct


class Switches(Struct, frozen=True, forbid_unknown_fields=True):
    """How the stand-in behaves where the real behaviour is unknown.

    The defaults are the dialect `official`: what the current official specification (ClickSend's OpenAPI, and
    its SDK `clicksend-client` 6.0.2) states, and where it leaves open what a write does, the reading that is
    worst for whoever writes.

    Attributes:
        small_limits: what a `limit` outside 15..100 does: clamp into it, honour it, or 400.
        past_last_page: a page past the end: empty with `current_page` as asked; empty with `current_page`
            clamped to `last_page`; or the rows of the last page again.
        empty_page: an empty collection: `last_page` 0, `from` 1, `to` 0, as recorded; or without `data` at
            all.
        next_page_url: as recorded per endpoint; or for all endpoints relative, absolute or on another host.
            Each drops the filters.
        date_filter: `date_from` and `date_to` are both inclusive, both exclusive, or ignored.
        updated_after: contacts changed strictly after the second, or in it too.
        moves_update: a move to another list, one after a STOP too, touches a contact's `date_updated`; not
            doing so is the default, the worse of both for who reads by it.
        order_by: honoured or ignored.
        q_match: `q` matches the whole value or a part of it; never minding case.
        q_terms: `q` is one term, so that a comma belongs to its value; several, joined by commas; or none: it
            is ignored.
        history_lag: seconds until a message shows in its history.
        drift: seconds that the world moves on with each request: rows come, go and change while they are
            paged.
        retention: rows older than 122 days (four months) are gone from histories, receipts and inbound.
        poll_rules: number of POLL rules; receipts and inbound messages are repeated for each, none means
            empty pages.
        legacy_paths: what only the older documentation has is gone, or served: `/mms/receipts`, marking
            receipts of MMS and voice as read, cancelling picture messages, and moving a contact without
            `transfer` in the path.
        voice_access: false: 403 on voice history and receipts.
        subaccount_access: false: 403 on the subaccounts, as for one that may not see the others.
        dedicated_numbers: false: the account rents none; the page then has neither `data` nor `_currency`, as
            recorded.
        missing_list: what a list that does not exist answers; 403 is recorded for POST.
        bad_phone: a contact whose telephone number cannot be one is refused with 400, or kept as sent.
        contact_text: what is kept of a contact's texts: all, or what is left after stripping white space and
            cutting at 60 characters.
        null_clears: whether null or "" in the PUT of a contact clears the field or is ignored.
        copy: a copied contact gets an id of its own, or has the same in both lists.
        duplicate_fields: how `remove-duplicates` wants its fields: as values of an object, as its keys, or as
            an array of names.
        other_fields: what it makes of them in any other form: it compares nothing, so that one contact
            stays, or refuses them with 400.
        existing_address: a sender's e-mail address that is there already is refused with 400, or added again.
        date_before: marking as read stops before that second, or includes it.
        date_before_in: where it is read, and ignored elsewhere, so that everything is marked: in the body, in
            the query, or in the query for voice only, as the older documentation has it.
        date_before_time: which time of a receipt it is compared with: when its message was sent, or when it
            was reported.
        cancel_filter: which text messages `/sms/cancel-all` takes when a custom string is given: those whose
            own contains it, never minding case; that have exactly that one; or all.
        empty_writes: whether PUT and DELETE answer 204 without a body, a status that the documentation names.
        enabled_countries: countries (ISO 3166-1 alpha-2) that may be sent to; null is all.
        throttle_seconds: how long the same body to the same recipient is THROTTLED; 0 is never. The world's
            clock counts.
        no_credit: a message that nobody can pay for is INSUFFICIENT_CREDIT among the others, or its whole
            call is a 402.
        too_many_recipients: a call to more than a thousand is refused with 400, or its surplus messages are.
        answer_order: the order of the messages in the answer to a call that sends.
        answer_rows: whether the answer has all messages, or lacks the one in the middle.
        gsm_extension: brackets, braces, ^, ~, |, € and the backslash count two units of GSM, or make a text
            Unicode.
        part_limit: how many parts a text message may have, what is longer is cut; the account says so too.
        media_file: whether the media of picture messages is read beside `messages` only, or inside them too.
        hub_paths: whether the hub serves /clicksend/v3 at all; 404 or 405 otherwise.
        hub_envelope: wraps the hub's /clicksend/v3 answers, errors too, in {status, result}.
        run_envelope: wraps the answers of /v1/run in {status, result}; false gives the provider's bare body.
        hub_balance: `empty` answers 402 insufficient_balance to everything the hub is asked.
    """

    small_limits: Literal["clamp", "honour", "reject"] = "clamp"
    past_last_page: Literal["empty", "clamp", "repeat"] = "empty"
    empty_page: Literal["recorded", "missing"] = "recorded"
    next_page_url: Literal["recorded", "relative", "absolute", "other_host"] = "recorded"
    date_filter: Literal["inclusive", "exclusive", "ignored"] = "inclusive"
    updated_after: Literal["strict", "inclusive"] = "strict"
    moves_update: bool = False
    order_by: Literal["honoured", "ignored"] = "honoured"
    q_match: Literal["exact", "substring"] = "exact"
    q_terms: Literal["one", "several", "none"] = "one"
    history_lag: Annotated[int, Meta(ge=0)] = 0
    drift: int = 0
    retention: bool = True
    poll_rules: Annotated[int, Meta(ge=0, le=100)] = 1
    legacy_paths: Literal["gone", "served"] = "gone"
    voice_access: bool = True
    subaccount_access: bool = True
    dedicated_numbers: bool = True
    missing_list: Literal["forbidden", "not_found"] = "forbidden"
    bad_phone: Literal["reject", "accept"] = "reject"
    contact_text: Literal["as_sent", "trimmed"] = "as_sent"
    null_clears: Literal["clears", "ignored"] = "clears"
    copy: Literal["new_id", "same"] = "new_id"
    duplicate_fields: Literal["values", "keys", "array"] = "values"
    other_fields: Literal["compare_nothing", "refused"] = "compare_nothing"
    existing_address: Literal["reject", "accept"] = "reject"
    date_before: Literal["exclusive", "inclusive"] = "exclusive"
    date_before_in: Literal["body", "query", "query_for_voice"] = "body"
    date_before_time: Literal["sent", "reported"] = "sent"
    cancel_filter: Literal["resembling", "exact", "ignored"] = "resembling"
    empty_writes: bool = False
    enabled_countries: list[str] | None = None
    throttle_seconds: Annotated[int, Meta(ge=0)] = 10
    no_credit: Literal["per_message", "payment_required"] = "per_message"
    too_many_recipients: Literal["refused", "per_message"] = "refused"
    answer_order: Literal["as_sent", "reversed", "shuffled"] = "as_sent"
    answer_rows: Literal["all", "one_missing"] = "all"
    gsm_extension: Literal["two_units", "unicode"] = "two_units"
    part_limit: Annotated[int, Meta(ge=1, le=100)] = 8
    media_file: Literal["top_level", "anywhere"] = "top_level"
    hub_paths: Literal["served", "not_found", "not_allowed"] = "served"
    hub_envelope: bool = False
    run_envelope: bool = True
    hub_balance: Literal["full", "empty"] = "full"


DIALECTS: dict[str, Switches] = {
    "official": Switches(),
    "documented": Switches(
        q_terms="several",
        legacy_paths="served",
        duplicate_fields="array",
        other_fields="refused",
        date_before_in="query_for_voice",
        date_before_time="reported",
        cancel_filter="exact",
    ),
    "recorded": Switches(
        q_terms="several",
        duplicate_fields="keys",
        other_fields="refused",
        date_before_time="reported",
        cancel_filter="exact",
    ),
}
"""Positions that belong together: of the current official specification, read against us; of the older
documentation (the API Blueprint), with the paths that only it has; of recordings, whose gaps are filled with
what seems likeliest."""


def meanings() -> dict[str, str]:
    """Return what each switch decides, by its name, in the words of `Switches`."""
    said = inspect.cleandoc(Switches.__doc__ or "").partition("Attributes:")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", said, re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in found}


def dialect(name: str) -> Switches:
    """Return the switches of a dialect, by its name or by the path of a JSON file that holds some of them.

    A file is an object whose `switches` are positions by name; the others are those of `official`. What
    `clicksend probe --json` writes is one.

    Raises:
        ValueError: There is no such dialect and no such file, or the file holds something else.
    """
    if name in DIALECTS:
        return DIALECTS[name]
    try:
        content = Path(name).read_bytes()
    except OSError:
        raise ValueError(f"{name} is not a dialect ({', '.join(DIALECTS)}) and not a file") from None
    try:
        return msgspec.json.decode(content, type=_File).switches
    except msgspec.MsgspecError as wrong:
        raise ValueError(f"{name} does not hold switches of the sandbox: {wrong}") from wrong


class _File(Struct):
    """What a file of `clicksend probe` holds; the rest of it is for people."""

    switches: Switches
