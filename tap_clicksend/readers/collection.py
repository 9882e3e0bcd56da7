"""Collections that are read whole in every run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from clicksend.paging import Tally, read_pages
from tap_clicksend.rows.columns import Row
from tap_clicksend.sdk import ClickSendStream


class Collection(ClickSendStream):
    """A collection that is read whole in every run."""

    @property
    def page_params(self) -> dict[str, Any]:
        """Query parameters of every page."""
        return {"limit": self.config["page_size"]}

    @override
    def raw_pages(self) -> Iterator[list[Row]]:
        tally, pages = Tally(), read_pages(self.tap.client, self.path, self.page_params)
        for number, page in enumerate(tally.counted(pages)):
            if number == 0:
                self.progress.expect(page.total)
            yield page.rows
        # What slipped, as other rows went, is not gone.
        self.complete &= tally.is_whole
