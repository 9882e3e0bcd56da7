"""Sending a text to a list as a campaign: one call for 20,000 contacts, and an answer that says little."""

from __future__ import annotations

from clicksend.sandbox.api.answers import Answer, Call, Refusal, bad_fields
from clicksend.sandbox.api.bodies import required, text
from clicksend.sandbox.api.lists import find_list
from clicksend.sandbox.api.outgoing import Batch, OutgoingMessage, is_time, send_time
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.account import CampaignEnded
from clicksend.sandbox.world.rows import SUCCESS, Campaign, Contact

MOST_RECIPIENTS = 20_000
"""How many contacts a campaign's list may have."""
_ENDS_AFTER = 60  # seconds after its time
_PLACEHOLDERS = {
    "(First Name)": "first_name",
    "(Last Name)": "last_name",
    "(Email)": "email",
    "(Organization)": "organization_name",
    **{f"(Custom {place})": f"custom_{place}" for place in range(1, 5)},
}


def send(sim: Simulation, call: Call) -> Answer:
    """POST /sms-campaigns/send: one message to each contact that has a number; no message is answered for."""
    given = required(call.body, ["list_id", "name", "body"])
    extra = {
        name: text((call.body or {}).get(name)).strip() for name in ("from", "schedule", "custom_string")
    }
    if not is_time(extra["schedule"]):
        raise bad_fields({"schedule": "Schedule is not valid."})
    owner = find_list(sim, Call({"list_id": given["list_id"]}, {}))
    contacts = [one for one in sim.store.contacts[owner.list_id].values() if one.phone_number]
    if len(contacts) > MOST_RECIPIENTS:
        raise Refusal(400, message=f"A campaign may have {MOST_RECIPIENTS:,} recipients at most.")
    batch = Batch(sim, call, "sms", trial=False)
    rows = [batch.judge(_wanted(given["body"], extra, contact)) for contact in contacts]
    batch.send(rows)
    starts = send_time(extra["schedule"], sim.now)
    accepted = [row.message for row in rows if row.status == SUCCESS]
    campaign = Campaign(
        sms_campaign_id=sim.store.new_id("campaigns"),
        name=given["name"],
        list_id=owner.list_id,
        sender=extra["from"] or next((one.sender for one in accepted), ""),
        body=given["body"],
        schedule=starts,
        status="Queued" if starts == sim.now else "Scheduled",
        date_added=sim.now,
        custom_string=extra["custom_string"],
        sent=len(accepted),
    )
    sim.store.campaigns[campaign.sms_campaign_id] = campaign
    sim.expect([CampaignEnded(starts + _ENDS_AFTER, campaign.sms_campaign_id, "Sent")])
    return Answer(
        sim.account_shapes.sms_campaigns(campaign, owner.list_name), "Your new campaign has been added."
    )


def _wanted(body: str, extra: dict[str, str], contact: Contact) -> OutgoingMessage:
    for placeholder, field in _PLACEHOLDERS.items():
        if placeholder in body:
            body = body.replace(placeholder, getattr(contact, field))
    wanted = OutgoingMessage(
        contact.phone_number, body, extra["from"], extra["schedule"], extra["custom_string"], "", "", {}
    )
    wanted.contact = contact
    return wanted
