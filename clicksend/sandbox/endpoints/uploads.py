"""Files to send, converted where they have to be."""

import binascii
from base64 import b64decode
from random import Random

from clicksend.sandbox.answers import Answer, Call, bad_fields
from clicksend.sandbox.bodies import required
from clicksend.sandbox.identifiers import random_uuid
from clicksend.sandbox.rows import Upload
from clicksend.sandbox.simulation import Simulation

_CONVERSIONS = {"fax": "pdf", "mms": "jpg", "csv": "csv", "post": "pdf", "postcard": "pdf"}
"""What a file is converted for, and the kind of file that it becomes."""
_KEPT = 600  # seconds; an older example keeps files for a week


def upload(sim: Simulation, call: Call) -> Answer:
    """POST /uploads: base64 in JSON or a file of a form, which `bodies` has turned into the same."""
    kind = _CONVERSIONS.get(call.query.get("convert", ""))
    if kind is None:
        raise bad_fields({"convert": f"Convert must be one of {', '.join(_CONVERSIONS)}."})
    content = required(call.body, ["content"])["content"]
    try:
        b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise bad_fields({"content": "Content is not valid."}) from None
    key = sim.store.new_id("uploads")
    name = f"{random_uuid(Random(f'upload {sim.plan.seed} {key}'))}.{kind}"
    row = Upload(
        upload_id=key,
        file_name=name,
        date_added=sim.now,
        date_delete=sim.now + _KEPT,
        url=f"https://media.example.com/_media/{name}",
    )
    return Answer(sim.sent_shapes.uploads(row), "File uploaded successfully.")
