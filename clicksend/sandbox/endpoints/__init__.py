"""The endpoints of the API, as one table: method, path below the base, and the function that answers."""

from collections.abc import Callable

from clicksend.sandbox.answers import Answer, Call
from clicksend.sandbox.endpoints import (
    account,
    cleaning,
    contacts,
    dealings,
    email_addresses,
    lists,
    mark_read,
    messages,
    reports,
    templates,
)
from clicksend.sandbox.simulation import Simulation

Endpoint = Callable[[Simulation, Call], Answer]
Route = tuple[str, str, Endpoint]

ROUTES: tuple[Route, ...] = (
    ("GET", "/account", account.account),
    ("GET", "/sms/history", messages.sms_history),
    ("GET", "/sms/inbound", messages.sms_inbound),
    ("GET", "/sms/inbound/{message_id}", messages.sms_reply),
    ("PUT", "/sms/inbound-read", mark_read.sms_inbound),
    ("PUT", "/sms/inbound-read/{message_id}", mark_read.sms_inbound_message),
    ("GET", "/sms/receipts", messages.sms_receipts),
    ("GET", "/sms/receipts/{message_id}", messages.sms_receipt),
    ("PUT", "/sms/receipts-read", mark_read.sms_receipts),
    ("GET", "/sms/templates", templates.templates),
    ("GET", "/sms/templates/{template_id}", templates.template),
    ("POST", "/sms/templates", templates.create),
    ("PUT", "/sms/templates/{template_id}", templates.update),
    ("DELETE", "/sms/templates/{template_id}", templates.delete),
    ("GET", "/mms/history", messages.mms_history),
    ("GET", "/mms/receipts", messages.mms_receipts),
    ("PUT", "/mms/receipts-read", mark_read.mms_receipts),
    ("GET", "/voice/lang", account.voice_languages),
    ("GET", "/voice/history", messages.voice_history),
    ("GET", "/voice/receipts", messages.voice_receipts),
    ("PUT", "/voice/receipts-read", mark_read.voice_receipts),
    ("GET", "/lists", lists.lists),
    ("POST", "/lists", lists.create),
    ("GET", "/lists/{list_id}", lists.contact_list),
    ("PUT", "/lists/{list_id}", lists.rename),
    ("DELETE", "/lists/{list_id}", lists.delete),
    ("PUT", "/lists/{list_id}/remove-duplicates", cleaning.remove_duplicates),
    ("PUT", "/lists/{list_id}/remove-duplicates/", cleaning.remove_duplicates),
    ("PUT", "/lists/{list_id}/remove-opted-out-contacts/{opt_out_list_id}", cleaning.remove_opted_out),
    ("GET", "/lists/{list_id}/contacts", contacts.contacts),
    ("POST", "/lists/{list_id}/contacts", contacts.create),
    ("GET", "/lists/{list_id}/contacts/{contact_id}", contacts.contact),
    ("PUT", "/lists/{list_id}/contacts/{contact_id}", contacts.update),
    ("DELETE", "/lists/{list_id}/contacts/{contact_id}", contacts.delete),
    ("PUT", "/lists/{list_id}/contacts/{contact_id}/copy/{to_list_id}", contacts.copy),
    ("PUT", "/lists/{list_id}/contacts/{contact_id}/transfer/{to_list_id}", contacts.transfer),
    ("PUT", "/lists/{list_id}/contacts/{contact_id}/{to_list_id}", contacts.transfer),
    ("GET", "/email/addresses", email_addresses.email_addresses),
    ("POST", "/email/addresses", email_addresses.create),
    ("GET", "/email/addresses/{email_address_id}", email_addresses.email_address),
    ("DELETE", "/email/addresses/{email_address_id}", email_addresses.delete),
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
