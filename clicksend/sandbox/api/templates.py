"""SMS templates."""

from __future__ import annotations

from operator import attrgetter

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.answers import Answer, Call, not_found
from clicksend.sandbox.api.bodies import required
from clicksend.sandbox.api.search import Fields, matching, ordered
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.events import TemplateDeleted, TemplateSaved
from clicksend.sandbox.world.rows import Template

_FIELDS: Fields = {name: attrgetter(name) for name in ("template_id", "template_name", "body")}


def templates(sim: Simulation, call: Call) -> Answer:
    """GET /sms/templates: by id, unless asked otherwise."""
    rows = sorted(sim.store.templates.values(), key=attrgetter("template_id"))
    found = matching(rows, call.query, _FIELDS, sim.switches)
    found = ordered(found, call.query, _FIELDS, sim.switches)
    served = paging.Collection("/sms/templates", "Here are your templates.", sim.shapes.sms_templates)
    return paging.answer(found, call.query, sim.switches, served)


def template(sim: Simulation, call: Call) -> Answer:
    """GET /sms/templates/{template_id}."""
    return Answer(sim.shapes.sms_templates(_find(sim, call)), "Here is your template.")


def create(sim: Simulation, call: Call) -> Answer:
    """POST /sms/templates."""
    return _saved(sim, call, None, "New template has been saved.")


def update(sim: Simulation, call: Call) -> Answer:
    """PUT /sms/templates/{template_id}: both fields, always."""
    return _saved(sim, call, _find(sim, call).template_id, "Your template has been updated.")


def delete(sim: Simulation, call: Call) -> Answer:
    """DELETE /sms/templates/{template_id}."""
    TemplateDeleted(sim.now, _find(sim, call).template_id).apply(sim.store)
    return Answer([], "Your template has been deleted.")


def _saved(sim: Simulation, call: Call, key: int | None, message: str) -> Answer:
    """Write a template; without a key it gets the next one."""
    values = required(call.body, ["template_name", "body"])
    key = sim.store.new_id("templates") if key is None else key
    row = Template(template_id=key, **values)
    TemplateSaved(sim.now, row).apply(sim.store)
    return Answer(sim.shapes.sms_templates(row), message)


def _find(sim: Simulation, call: Call) -> Template:
    found = sim.store.templates.get(call.key("template_id"))
    if found is None:
        raise not_found("Template record not found.")
    return found
