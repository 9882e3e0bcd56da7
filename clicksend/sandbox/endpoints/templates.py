"""SMS templates."""

from operator import attrgetter

from clicksend.sandbox import pages
from clicksend.sandbox.answers import Answer, Call, not_found
from clicksend.sandbox.search import Fields, matching, ordered
from clicksend.sandbox.simulation import Simulation

_FIELDS: Fields = {name: attrgetter(name) for name in ("template_id", "template_name", "body")}


def templates(sim: Simulation, call: Call) -> Answer:
    """GET /sms/templates: by id, unless asked otherwise."""
    rows = sorted(sim.store.templates.values(), key=attrgetter("template_id"))
    found = matching(rows, call.query, _FIELDS, sim.switches)
    found = ordered(found, call.query, _FIELDS, sim.switches)
    served = pages.Collection("/sms/templates", "Here are your templates.", sim.shapes.sms_templates)
    return pages.answer(found, call.query, sim.switches, served)


def template(sim: Simulation, call: Call) -> Answer:
    """GET /sms/templates/{template_id}."""
    found = sim.store.templates.get(call.key("template_id"))
    if found is None:
        raise not_found("Template record not found.")
    return Answer(sim.shapes.sms_templates(found), "Here is your template.")
