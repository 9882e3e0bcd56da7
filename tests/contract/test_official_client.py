"""ClickSend's own SDK for Python works against the sandbox, and what it sends is what we send."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clicksend.sandbox.api.routes import ROUTES
from clicksend.sandbox.world.seed_data import CUSTOMERS, EMPTY, LEADS, OPT_OUTS
from tests.contract.schemas import DOCUMENTS
from tests.sandbox.runner import EPOCH, walk

TO = {"to": "+61412345678", "body": "Hello"}
LATER = {"schedule": EPOCH + 3600}
CALL = TO | {"lang": "en-us", "voice": "female"}
PHOTO = TO | {"subject": "Photo", "from": ""}
FILE = "https://example.com/x.jpg"
LIST, CONTACT = {"list_id": str(CUSTOMERS)}, {"list_id": str(CUSTOMERS), "contact_id": "{contact}"}
MOVE = {"from_list_id": str(CUSTOMERS), "contact_id": "{contact}", "to_list_id": str(LEADS)}
ADDRESS = {"email_address_id": "2102"}
BEFORE = {"mark_sms_receipt_as_read_request": {"date_before": EPOCH}}
TEMPLATE = {"template_name": "x", "body": "y"}
PAGE = {"page": 1, "limit": 20}
SEARCH = {"q": "status:Sent", "order_by": "date:desc", "date_from": EPOCH - 90 * 86_400, "date_to": EPOCH}

FLOWRUNNER = "FlowRunner's connector, whose samples are live answers of December 2024"
MIXED = f"{FLOWRUNNER}, and the reference's own examples: integers, zero among them"
MODEL_IS_WRONG = {
    ("view_account_details", "ViewAccountDetails data.trial_expiry: string_type"): (
        "NangoHQ/integration-templates @3196dff, integrations/clicksend/mocks: an integer"
    ),
    ("send_sms", "SendSms data.messages.[].schedule: int_type"): (
        "rudderlabs/rudder-transformer @c98d160: an empty text where the recipient is rejected"
    ),
    ("send_sms", "SendSms data.messages.[].list_id: string_type"): FLOWRUNNER,
    ("send_sms", "SendSms data.messages.[].contact_id: string_type"): FLOWRUNNER,
    ("view_sms_history", "ViewSmsHistory data.data.[].list_id: string_type"): MIXED,
    ("view_sms_history", "ViewSmsHistory data.data.[].contact_id: string_type"): MIXED,
    ("view_mms_history", "ViewMmsHistory data.data.[].list_id: string_type"): MIXED,
    ("view_all_mms_campaigns", "ViewAllMmsCampaigns data: list_type"): (
        "every other collection recorded has its pager in the envelope; the tap reads this one without it too"
    ),
}
"""What the SDK's models refuse of right answers, with who saw the answer."""
RULE = {
    "dedicated_number": "*",
    "rule_name": "Inbox",
    "message_search_type": 0,
    "action": "POLL",
    "action_address": "",
    "enabled": 1,
}
SEARCHING = RULE | {"message_search_type": 1, "message_search_term": "yes"}
CAMPAIGN = {"list_id": LEADS, "name": "Autumn", "from": "ACME", "senders": []}
CAMPAIGN |= {"body": "Hello (First Name), reply STOP to opt out."}
INCOMPLETE = {
    "upload_a_media_file": "it cannot say what for; the reference's text and sample do: ?convert=mms"
}
"""Methods that leave out what ClickSend needs, with who says so; they are answered with 400."""

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("view_account_details", {}),
    ("view_account_usage", {"year": "2026", "month": "8"}),
    ("view_countries", {}),
    ("view_sms_history", {}),
    ("view_sms_history", PAGE | SEARCH),
    ("view_inbound_sms", {}),
    ("view_inbound_sms", PAGE),
    ("view_a_specific_inbound_sms_message", {"original_message_id": "{answered}"}),
    ("mark_inbound_sms_as_read", {}),
    ("mark_inbound_sms_as_read", BEFORE),
    ("mark_specific_inbound_sms_message_as_read", {"message_id": "{reply}"}),
    ("view_sms_receipts", {}),
    ("view_sms_receipts", PAGE),
    ("view_specific_sms_receipt", {"message_id": "{receipt}"}),
    ("mark_sms_receipt_as_read", {}),
    ("mark_sms_receipt_as_read", BEFORE),
    ("view_sms_templates", PAGE),
    ("view_a_specific_sms_template", {"template_id": "632497"}),
    ("create_sms_template", {"create_sms_template_request": TEMPLATE}),
    ("update_sms_template", {"template_id": "632497", "create_sms_template_request": TEMPLATE}),
    ("delete_sms_template", {"template_id": "632497"}),
    ("send_sms", {"send_sms_request": {"messages": [TO, TO | {"custom_string": "a"}]}}),
    ("send_sms", {"send_sms_request": {"messages": [TO | LATER]}}),
    ("send_sms", {"send_sms_request": {"messages": [TO | {"to": "+000"}]}}),
    ("send_sms", {"send_sms_request": {"messages": [{"list_id": str(LEADS), "body": "Hello"}]}}),
    ("calculate_sms_price", {"calculate_sms_price_request": {"messages": [TO]}}),
    ("cancel_sms", {"message_id": "{sms}"}),
    ("cancel_all_sms", {}),
    ("cancel_all_sms", {"cancel_all_sms_request": {}}),
    ("cancel_all_sms", {"cancel_all_sms_request": {"custom_string": "a"}}),
    ("view_mms_history", {}),
    ("view_mms_history", {"limit": 20}),
    ("view_all_mms_campaigns", {}),
    ("short_url_get_statistics", {"source": "quick_sms", "source_id": "{linked}"}),
    ("short_url_get_tracking", {"long_url_id": "{link}"}),
    ("list_own_numbers", {}),
    ("list_alpha_tags", {}),
    ("send_mms", {"send_mms_request": {"media_file": FILE, "messages": [PHOTO]}}),
    ("send_mms", {"send_mms_request": {"media_file": FILE, "messages": [PHOTO | LATER]}}),
    ("calculate_mms_price", {"calculate_mms_price_request": {"media_file": FILE, "messages": [PHOTO]}}),
    ("view_voice_languages", {}),
    ("get_voice_history", {}),
    ("get_voice_history", PAGE | {"order_by": "date:desc", "date_to": str(EPOCH)}),
    ("send_voice_message", {"send_voice_message_request": {"messages": [CALL]}}),
    ("calculate_voice_price", {"calculate_voice_price_request": {"messages": [CALL]}}),
    ("cancel_voice_message", {"message_id": "{voice}"}),
    ("cancel_voice_message", {"message_id": "{voice}", "body": {}}),
    ("cancel_all_voice_messages", {}),
    ("cancel_all_voice_messages", {"body": {}}),
    ("view_voice_receipts", {}),
    ("upload_a_media_file", {"body": {"content": "aGVsbG8="}}),
    ("view_lists", {}),
    ("view_specific_list", LIST),
    ("create_list", {"create_list_request": {"list_name": "x"}}),
    ("update_list", LIST | {"create_list_request": {"list_name": "x"}}),
    ("delete_list", LIST),
    (
        "remove_duplicate_contacts",
        LIST | {"remove_duplicate_contacts_request": {"fields": {"first_name": "first_name"}}},
    ),
    ("remove_opted_out_contacts", LIST | {"opt_out_list_id": str(OPT_OUTS)}),
    ("remove_opted_out_contacts", LIST | {"opt_out_list_id": str(OPT_OUTS), "body": {}}),
    ("view_list_contacts", LIST),
    ("view_list_contacts", {"list_id": str(EMPTY)}),
    ("get_specific_contact", CONTACT),
    ("create_new_contact", LIST | {"create_new_contact_request": {"phone_number": TO["to"]}}),
    ("update_contact", CONTACT | {"create_new_contact_request": {"email": "a@example.com", "custom_1": "a"}}),
    ("delete_contact", CONTACT),
    ("copy_contact_to_list", MOVE),
    ("copy_contact_to_list", MOVE | {"body": {}}),
    ("transfer_contact_to_list", MOVE),
    ("transfer_contact_to_list", MOVE | {"body": {}}),
    ("view_allowed_email_addresses", {}),
    ("view_allowed_email_address", ADDRESS),
    (
        "create_allowed_email_address",
        {"create_allowed_email_address_request": {"email_address": "b@example.com"}},
    ),
    ("delete_allowed_email_address", ADDRESS),
    ("send_sms_campaign", {"send_sms_campaign_request": CAMPAIGN}),
    ("view_sms_campaigns", {}),
    ("view_sms_campaigns", PAGE | {"order_by": "date_added:desc"}),
    ("view_subaccounts", {}),
    ("view_your_numbers", {}),
    ("view_your_numbers", PAGE),
    ("view_all_transactions", {}),
    ("get_all_delivery_issues", {}),
    ("view_sms_statistics", {}),
    ("view_voice_statistics", {}),
    ("view_sms_inbound_automations", {}),
    ("view_sms_inbound_automation", {"inbound_rule_id": "1"}),
    ("create_sms_inbound_automation", {"create_sms_inbound_automation_request": RULE}),
    (
        "update_sms_inbound_automation",
        {"inbound_rule_id": "1", "update_sms_inbound_automation_request": SEARCHING},
    ),
    ("delete_sms_inbound_automation", {"inbound_rule_id": "1"}),
    ("view_sms_delivery_receipt_rules", {}),
    ("view_voice_delivery_receipt_rules", {}),
)
"""Methods of the SDK with their arguments; `{...}` is an id of the sandbox."""


@pytest.fixture
def ids(box, session, get, send):
    """Look up the ids that a call needs, when it needs them."""

    class Ids(dict[str, str]):
        def __missing__(self, name: str) -> str:
            if name in ("sms", "voice"):
                return send(LATER, channel=name)["messages"][0]["message_id"]
            if name == "link":
                return get(f"/short-url/statistics/quick_sms/{self['linked']}")[0]["long_url_id"]
            if name == "linked":
                texts = walk(session, box, "/sms/history")
                return next(
                    row["message_id"].lower()
                    for row in texts
                    if row["direction"] == "out" and "smsu.io/" in row["body"]
                )
            path, key = {
                "contact": (f"/lists/{CUSTOMERS}/contacts", "contact_id"),
                "reply": ("/sms/inbound", "message_id"),
                "answered": ("/sms/inbound", "original_message_id"),
                "receipt": ("/sms/receipts", "message_id"),
            }[name]
            return next(str(row[key]) for row in get(path)["data"] if row[key])

    return Ids()


@pytest.fixture
def call_official(official, box, ids):
    """Return a function that calls a method of the SDK: the status, the answer, what its models refuse."""

    def call_official(method, arguments):
        given = {
            name: value.format_map(ids) if isinstance(value, str) else value
            for name, value in arguments.items()
        }
        return official.ask("call", method=method, url=box.url, arguments=given)

    return call_official


@pytest.mark.parametrize(("method", "arguments"), CALLS, ids=[f"{n}-{m}" for n, (m, _) in enumerate(CALLS)])
def test_the_sandbox_serves_the_sdk(call_official, method, arguments):
    done = call_official(method, arguments)
    assert done["status"] == (400 if method in INCOMPLETE else 200), done["answer"]
    assert not {(method, one) for one in done["refused"]} - MODEL_IS_WRONG.keys()


@pytest.mark.parametrize(("method", "refused"), MODEL_IS_WRONG)
def test_what_the_models_refuse_is_still_answered(call_official, method, refused):
    calls = [arguments for name, arguments in CALLS if name == method]
    assert any(refused in call_official(method, arguments)["refused"] for arguments in calls)


def test_every_method_of_what_the_sandbox_serves_is_called(official):
    served = [(verb, re.sub(r"{\w+}", "[^/]+", path)) for verb, path, _ in ROUTES]
    methods = {
        name
        for name, verb, path in official.ask("methods")
        if any(verb == ours and re.fullmatch(pattern, path) for ours, pattern in served)
    }
    assert methods == {method for method, _ in CALLS}


def test_every_path_of_the_contract_is_one_of_the_sdk_or_marked(official):
    known = {(verb, anonymous(path)) for _, verb, path in official.ask("methods")}
    for path, item in DOCUMENTS["openapi.yaml"]["paths"].items():
        for verb, operation in item.items():
            assert ((verb.upper(), anonymous(path)) in known) != bool(operation.get("x-legacy")), (verb, path)


def anonymous(path: str) -> str:
    """Return a path with nameless placeholders and no slash at its end: the SDK's texts have both."""
    return re.sub(r"{\w+}|quick_sms", "{}", path).removesuffix("/")
