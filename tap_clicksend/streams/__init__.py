"""Every stream, one short class each: its path, keys, replication key and columns.

How the kinds of collection are read is in ``tap_clicksend.collections``, ``history`` and ``reporting``.
"""

from __future__ import annotations

from tap_clicksend.sdk import ClickSendStream
from tap_clicksend.streams import account, business, campaigns, clicks, contacts, messages, reports

ALL: tuple[type[ClickSendStream], ...] = (
    account.Account,
    messages.SmsHistory,
    messages.SmsInbound,
    messages.SmsReceipts,
    messages.SmsTemplates,
    messages.MmsHistory,
    messages.MmsReceipts,
    messages.VoiceHistory,
    messages.VoiceReceipts,
    messages.VoiceLanguages,
    contacts.Lists,
    contacts.Contacts,
    contacts.EmailAddresses,
    account.Countries,
    campaigns.SmsCampaigns,
    campaigns.MmsCampaigns,
    clicks.LinkClicks,
    business.Subaccounts,
    business.Numbers,
    business.Transactions,
    business.DeliveryIssues,
    reports.AccountUsage,
    reports.StatisticsSms,
    reports.StatisticsVoice,
)
