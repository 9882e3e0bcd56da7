"""The sink ``sms_templates``."""

from __future__ import annotations

from target_clicksend.sinks.upserts import Upserts


class SmsTemplates(Upserts):
    """SMS templates."""

    name = "sms_templates"
    path = "/sms/templates"
    columns = frozenset({"template_id", "template_name", "body", "_sdc_deleted_at"})
    id_column = "template_id"
    name_column = "template_name"
    fields = {"template_name": 255, "body": 5000}  # noqa: RUF012
