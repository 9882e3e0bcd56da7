"""The sink ``email_addresses``."""

from __future__ import annotations

from typing_extensions import override

from target_clicksend.sinks.upserts import Upserts, Wish
from target_clicksend.values import check_address


class EmailAddresses(Upserts):
    """E-mail addresses that messages may be sent from; ClickSend asks each for a confirmation."""

    name = "email_addresses"
    path = "/email/addresses"
    columns = frozenset({"email_address", "_sdc_deleted_at"})
    personal = frozenset({"email_address"})
    id_column = "email_address_id"
    name_column = "email_address"
    fields = {"email_address": 254}  # noqa: RUF012
    can_change = False

    @override
    def check(self, wish: Wish, object_id: int | None) -> None:
        check_address("email_address", wish.fields.get("email_address", ""))
