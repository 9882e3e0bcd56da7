"""The addresses that e-mail may be sent from."""

from __future__ import annotations

import re
from typing import Any

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.answers import Answer, Call, bad_fields, not_found
from clicksend.sandbox.api.bodies import required
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.events import EmailAddressDeleted, EmailAddressSaved
from clicksend.sandbox.world.rows import EmailAddress

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def email_addresses(sim: Simulation, call: Call) -> Answer:
    """GET /email/addresses."""
    rows = list(sim.store.email_addresses.values())
    served = paging.Collection(
        "/email/addresses", "Here are your email addresses.", sim.shapes.email_addresses
    )
    return paging.answer(rows, call.query, sim.switches, served)


def email_address(sim: Simulation, call: Call) -> Answer:
    """GET /email/addresses/{email_address_id}."""
    return Answer(sim.shapes.email_addresses(_find(sim, call)), "Here is your email address.")


def create(sim: Simulation, call: Call) -> Answer:
    """POST /email/addresses: unverified, until somebody follows the link in the mail."""
    wanted = required(call.body, ["email_address"])["email_address"]
    if not _ADDRESS.fullmatch(wanted):
        raise bad_fields({"email_address": "Email address is not valid."})
    known = {row.email_address.casefold() for row in sim.store.email_addresses.values()}
    if wanted.casefold() in known and sim.switches.existing_address == "reject":
        raise bad_fields({"email_address": "Email address already exists."})
    key = sim.store.new_id("email_addresses")
    row = EmailAddress(email_address_id=key, email_address=wanted, verified=0, date_added=sim.now)
    EmailAddressSaved(sim.now, row).apply(sim.store)
    return Answer(sim.shapes.email_addresses(row), "Email address has been added.")


def delete(sim: Simulation, call: Call) -> Answer:
    """DELETE /email/addresses/{email_address_id}."""
    EmailAddressDeleted(sim.now, _find(sim, call).email_address_id).apply(sim.store)
    return Answer(None, "Email address has been deleted.")


def _find(sim: Simulation, call: Call) -> Any:
    found = sim.store.email_addresses.get(call.key("email_address_id"))
    if found is None:
        raise not_found("Email address record not found.")
    return found
