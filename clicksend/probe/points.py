"""All points, in the order in which they are asked: what we assume, and what another answer changes."""

from __future__ import annotations

from clicksend.probe import lists, marks, messages, offers, pages, prices, searching
from clicksend.probe.findings import Point

READS = (
    Point(
        name="hub_paths",
        question="Does the hub serve ClickSend's own API?",
        assumed="served",
        changes="Only notifications go through this hub; everything else needs a ClickSend key of your own.",
        find=offers.hub_paths,
    ),
    Point(
        name="hub_envelope",
        question="Does the hub wrap ClickSend's answers?",
        assumed=False,
        changes="Nothing: both are read.",
        find=offers.hub_envelope,
    ),
    Point(
        name="small_limits",
        question="What does a page size below 15 do?",
        assumed="clamp",
        changes="Nothing: connectors ask for 15 rows or more.",
        find=pages.small_limits,
    ),
    Point(
        name="past_last_page",
        question="What is a page beyond the last?",
        assumed="empty",
        changes="Nothing: pages are counted by the total.",
        find=pages.past_last_page,
    ),
    Point(
        name="empty_page",
        question="What does an empty collection look like?",
        assumed="recorded",
        changes="Nothing, if it has no rows; another shape than both known ones should be reported.",
        find=pages.empty_page,
    ),
    Point(
        name="next_page_url",
        question="How do pages link to the next?",
        assumed="recorded",
        changes="Nothing: links are not followed.",
        find=pages.next_page_url,
    ),
    Point(
        name="date_filter",
        question="Do date_from and date_to include their second?",
        assumed="inclusive",
        changes="Nothing where they exclude it: the tap asks for a second more on both sides. Where they are"
        " ignored, every run reads the whole history.",
        find=searching.date_filter,
    ),
    Point(
        name="updated_after",
        question="Does updated_after include its second?",
        assumed="strict",
        changes="Nothing: incremental contacts are asked from a second before.",
        find=searching.updated_after,
    ),
    Point(
        name="order_by",
        question="Is order_by honoured?",
        assumed="honoured",
        changes="Rows come in another order, and an interrupted run reads more of them again.",
        find=searching.order_by,
    ),
    Point(
        name="q_match",
        question="Does q match a part of a value?",
        assumed="exact",
        changes="Nothing: what a search finds is compared here.",
        find=searching.q_match,
    ),
    Point(
        name="q_terms",
        question="Does q take several terms?",
        assumed="one",
        changes="Nothing: one term is sent at most. Where q is ignored, the opt-out check reads all inbound"
        " messages.",
        find=searching.q_terms,
    ),
    Point(
        name="retention",
        question="Are messages gone after four months?",
        assumed=True,
        changes="An older start_date finds older messages.",
        find=searching.retention,
    ),
    Point(
        name="poll_rules",
        question="How many rules make receipts and replies readable?",
        assumed=1,
        changes="Without a POLL rule receipts and inbound messages stay empty: add one in the dashboard."
        " Several rules list each row several times, which the tap makes one.",
        find=offers.poll_rules,
    ),
    Point(
        name="legacy_paths",
        question="Is there what only the older documentation has?",
        assumed="gone",
        changes="mms_receipts has rows, and picture messages can be cancelled.",
        find=offers.legacy_paths,
    ),
    Point(
        name="voice_access",
        question="May the account call?",
        assumed=True,
        changes="voice_history and voice_receipts are empty: ask ClickSend for access, or deselect them.",
        find=offers.voice_access,
    ),
    Point(
        name="subaccount_access",
        question="May the key see subaccounts?",
        assumed=True,
        changes="subaccounts is empty: use the main account's key, or deselect it.",
        find=offers.subaccount_access,
    ),
    Point(
        name="dedicated_numbers",
        question="Does the account rent numbers?",
        assumed=True,
        changes="numbers is empty.",
        find=offers.dedicated_numbers,
    ),
    Point(
        name="missing_list",
        question="What does a list that does not exist answer?",
        assumed="forbidden",
        changes="Nothing: both are read as a list that is gone.",
        find=offers.missing_list,
    ),
    Point(
        name="gsm_extension",
        question="Do brackets and € make a text Unicode?",
        assumed="two_units",
        changes="Texts with such characters have more parts, and cost more, than is estimated here. What is"
        " rejected as too long is the same: the gate goes by the larger count.",
        find=prices.gsm_extension,
    ),
    Point(
        name="part_limit",
        question="How many parts may a text have?",
        assumed=8,
        changes="Longer texts would be cut by ClickSend; here they are rejected, by the limit that the"
        " account names.",
        find=prices.part_limit,
    ),
    Point(
        name="media_file",
        question="May a picture message hold its media itself?",
        assumed="top_level",
        changes="Nothing: it is sent beside the messages.",
        find=prices.media_file,
    ),
    Point(
        name="too_many_recipients",
        question="What becomes of more than a thousand recipients?",
        assumed="refused",
        changes="Nothing: a call has a thousand at most.",
        find=prices.too_many_recipients,
    ),
    Point(
        name="hub_balance",
        question="Is the hub's account paid for?",
        assumed="full",
        changes="Nothing can be read or sent through the hub before it is topped up.",
        find=offers.hub_balance,
    ),
    Point(
        name="run_envelope",
        question="Does the hub wrap the answers of its own call?",
        assumed=True,
        changes="Nothing: both are read.",
        find=offers.run_envelope,
    ),
    Point(
        name="endpoints",
        question="Is everything served that can be read?",
        assumed="all are served",
        changes="Streams of what is not served are empty or fail: deselect them.",
        find=offers.endpoints,
        is_switch=False,
    ),
    Point(
        name="rate_headers",
        question="Do answers name their rate limit?",
        assumed="named by all",
        changes="Where none is named, set requests_per_minute if ClickSend answers 429.",
        find=offers.rate_headers,
        is_switch=False,
    ),
)
"""What reading tells; prices are asked for with a POST that sends nothing."""

WRITES = (
    Point(
        name="bad_phone",
        question="Is a contact's impossible number refused?",
        assumed="reject",
        changes="Nothing: such rows are rejected here.",
        find=lists.bad_phone,
        needs="write",
    ),
    Point(
        name="contact_text",
        question="Are a contact's texts kept as sent?",
        assumed="as_sent",
        changes="Nothing: texts are compared the way they may be kept.",
        find=lists.contact_text,
        needs="write",
    ),
    Point(
        name="null_clears",
        question="Does an empty value clear a contact's field?",
        assumed="clears",
        changes="Fields that became empty upstream keep their old value in ClickSend; the run says so.",
        find=lists.null_clears,
        needs="write",
    ),
    Point(
        name="empty_writes",
        question="Are writes answered without a body?",
        assumed=False,
        changes="Nothing: that is taken as success.",
        find=lists.empty_writes,
        needs="write",
    ),
    Point(
        name="copy",
        question="Does a copied contact get an id of its own?",
        assumed="new_id",
        changes="Contacts in several lists share an id: join them by list_id, too.",
        find=lists.copy,
        needs="write",
    ),
    Point(
        name="moves_update",
        question="Does a move to another list change date_updated?",
        assumed=False,
        changes="Incremental reads of contacts see moves, too.",
        find=lists.moves_update,
        needs="write",
    ),
    Point(
        name="duplicate_fields",
        question="How does remove-duplicates want its fields?",
        assumed="values",
        changes="Nothing: duplicates are found here and deleted by id. Only the endpoint itself, asked for by"
        " name, depends on it.",
        find=lists.duplicate_fields,
        needs="write",
    ),
    Point(
        name="other_fields",
        question="What does it make of other forms?",
        assumed="compare_nothing",
        changes="Nothing, as above.",
        find=lists.other_fields,
        needs="write",
    ),
    Point(
        name="existing_address",
        question="Is a sender's address that is there refused?",
        assumed="reject",
        changes="Nothing: addresses are looked up before they are added.",
        find=lists.existing_address,
        needs="write",
    ),
    Point(
        name="answer_order",
        question="Do sent messages come back in their order?",
        assumed="as_sent",
        changes="Nothing: they are told apart by their custom string and content.",
        find=messages.answer_order,
        needs="write",
    ),
    Point(
        name="answer_rows",
        question="Do all sent messages come back?",
        assumed="all",
        changes="Messages that are missing in an answer stay unknown until the history shows them.",
        find=messages.answer_rows,
        needs="write",
    ),
    Point(
        name="history_lag",
        question="How soon is a message in the history?",
        assumed=0,
        changes="Newer messages come with the next run; reconcile waits that long.",
        find=messages.history_lag,
        needs="write",
    ),
    Point(
        name="throttle_seconds",
        question="How long is the same message refused?",
        assumed=10,
        changes="The same text to the same number is THROTTLED for as long as is shown here.",
        find=messages.throttle_seconds,
        needs="write",
    ),
    Point(
        name="cancel_filter",
        question="What does cancelling by custom string take?",
        assumed="resembling",
        changes="Nothing: messages are cancelled one by one, by id.",
        find=messages.cancel_filter,
        needs="to",
    ),
)
"""What needs objects of the probe's own."""

MARKS = (
    Point(
        name="date_before_in",
        question="Where is date_before read?",
        assumed="body",
        changes="Nothing: it is sent in body and query.",
        find=marks.date_before_in,
        needs="mark_read",
    ),
    Point(
        name="date_before_time",
        question="With which time is it compared?",
        assumed="sent",
        changes="Nothing: the date that is sent is right for both.",
        find=marks.date_before_time,
        needs="mark_read",
    ),
    Point(
        name="date_before",
        question="Does it include its second?",
        assumed="exclusive",
        changes="Nothing: the date that is sent leaves room for both.",
        find=marks.date_before,
        needs="mark_read",
    ),
)
"""What marks receipts as read."""

POINTS = (*READS, *WRITES, *MARKS)
