"""The sink ``sms_templates``."""

from __future__ import annotations

from target_clicksend.gates import Held
from target_clicksend.gates.templates import Stored
from target_clicksend.lists import fold
from target_clicksend.row import Rejected
from target_clicksend.run import Run
from target_clicksend.sinks.upserts import Upserts


class SmsTemplates(Upserts):
    """SMS templates; messages of the same run take them as the rows before have left them."""

    name = "sms_templates"
    path = "/sms/templates"
    columns = frozenset({"template_id", "template_name", "body", "_sdc_deleted_at"})
    id_column = "template_id"
    name_column = "template_name"
    fields = {"template_name": 255, "body": 5000}  # noqa: RUF012

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._stored: Stored | None = None

    def stored(self) -> Stored:
        """Return the account's templates, with what all rows until now have made of them."""
        if self._wishes or self._stored is None:
            self.prepare()
            self.finish()
            self.read_once()
            self._stored = {one: (text["template_name"], text["body"]) for one, text in self.there.items()}
        return self._stored

    def check_written(self, name: str) -> None:
        """Check that a template is what its rows of this run want it to be.

        Raises:
            Held: Its row failed, and comes again.
            Rejected: Its row was rejected.
        """
        outcome = self.unwritten.get(fold(name))
        if outcome == "failed":
            raise Held("the row of its template, earlier in this run, failed")
        if outcome:
            raise Rejected("the row of its template, earlier in this run, was rejected: correct that one")
