"""Reports: usage by month, statistics by day."""

from __future__ import annotations

from typing import ClassVar

from clicksend.errors import ForbiddenError
from tap_clicksend.columns import Column, integer, price, text, time
from tap_clicksend.reporting import DailyStatistics, MonthlyUsage
from tap_clicksend.streams.business import NO_PERMISSION
from tap_clicksend.streams.messages import NO_VOICE

DATE = time("The day, its midnight in UTC.")
OUTBOUND: dict[str, Column] = {
    "outbound_count": integer("Sent that day."),
    "outbound_price": price("What they cost, in the account's currency."),
}
BOUNCED: dict[str, Column] = {
    "bounced_count": integer("Not delivered."),
    "bounced_price": price("What these cost, in the account's currency; mostly absent."),
}


class AccountUsage(MonthlyUsage):
    """What each subaccount used in each month, by channel."""

    name = "account_usage"
    path = "/account/usage/{year}/{month}/subaccount"
    primary_keys = ("year", "month", "channel", "subaccount_id")
    replication_key = MonthlyUsage.period
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "year": integer("Year."),
        "month": integer("Month, 1 to 12."),
        "channel": text("sms, mms, voice, fax, post, email, email_transactional or postcards."),
        "subaccount_id": integer("The subaccount."),
        "username": text("Its name.", personal=True),
        "total_count": integer("Message parts, pages or e-mails that were billed."),
        "total_price": price("What they cost, in the account's currency."),
        "notes": text("Notes on the subaccount.", personal=True),
        MonthlyUsage.period: time("First day of the month."),
    }


class StatisticsSms(DailyStatistics):
    """Text messages of the last 30 days, counted by day."""

    name = "statistics_sms"
    path = "/statistics/sms"
    primary_keys = ("date",)
    selected_by_default = False
    unavailable = NO_PERMISSION
    columns: ClassVar[dict[str, Column]] = {
        "date": DATE,
        **OUTBOUND,
        "inbound_count": integer("Received that day."),
        "inbound_price": price("What these cost, in the account's currency; mostly absent."),
        **BOUNCED,
    }


class StatisticsVoice(DailyStatistics):
    """Calls of the last 30 days, counted by day."""

    name = "statistics_voice"
    path = "/statistics/voice"
    primary_keys = ("date",)
    selected_by_default = False
    unavailable: ClassVar = {ForbiddenError: NO_VOICE}
    columns: ClassVar[dict[str, Column]] = {"date": DATE, **OUTBOUND, **BOUNCED}
