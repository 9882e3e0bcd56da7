"""The endpoints of the API, as one table: method, path below the base, and the function that answers.

Writes become further lines of the table.
"""

from collections.abc import Callable

from clicksend.sandbox.answers import Answer, Call
from clicksend.sandbox.endpoints import account, addresses, dealings, messages, reports, templates
from clicksend.sandbox.simulation import Simulation

Endpoint = Callable[[Simulation, Call], Answer]

ROUTES: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/account", account.account),
    ("GET", "/sms/history", messages.sms_history),
    ("GET", "/sms/inbound", messages.sms_inbound),
    ("GET", "/sms/inbound/{message_id}", messages.sms_reply),
    ("GET", "/sms/receipts", messages.sms_receipts),
    ("GET", "/sms/receipts/{message_id}", messages.sms_receipt),
    ("GET", "/sms/templates", templates.templates),
    ("GET", "/sms/templates/{template_id}", templates.template),
    ("GET", "/mms/history", messages.mms_history),
    ("GET", "/mms/receipts", messages.mms_receipts),
    ("GET", "/voice/lang", account.voice_languages),
    ("GET", "/voice/history", messages.voice_history),
    ("GET", "/voice/receipts", messages.voice_receipts),
    ("GET", "/lists", addresses.lists),
    ("GET", "/lists/{list_id}", addresses.contact_list),
    ("GET", "/lists/{list_id}/contacts", addresses.contacts),
    ("GET", "/lists/{list_id}/contacts/{contact_id}", addresses.contact),
    ("GET", "/email/addresses", account.email_addresses),
    ("GET", "/countries", account.countries),
    ("GET", "/sms-campaigns", dealings.sms_campaigns),
    ("GET", "/subaccounts", dealings.subaccounts),
    ("GET", "/account/usage/{year}/{month}/{type}", reports.account_usage),
    ("GET", "/numbers", dealings.numbers),
    ("GET", "/recharge/transactions", dealings.transactions),
    ("GET", "/delivery-issues", dealings.delivery_issues),
    ("GET", "/statistics/sms", reports.statistics_sms),
    ("GET", "/statistics/voice", reports.statistics_voice),
    ("GET", "/automations/sms/inbound", dealings.sms_inbound_rules),
    ("GET", "/automations/sms/receipts", dealings.sms_receipt_rules),
    ("GET", "/automations/voice/receipts", dealings.voice_receipt_rules),
)
PUBLIC = frozenset({"/countries"})
"""Paths that answer without credentials, and with wrong ones."""
