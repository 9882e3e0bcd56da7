"""Every stream, one class each: its path, keys, replication key and columns.

How collections are read that several streams have in common is in ``tap_clicksend.readers``.
"""

from __future__ import annotations

from tap_clicksend.sdk import ClickSendStream
from tap_clicksend.streams import account, campaigns, clicks, contacts, messages, reports

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
    account.Subaccounts,
    account.Numbers,
    account.Transactions,
    account.DeliveryIssues,
    reports.AccountUsage,
    reports.StatisticsSms,
    reports.StatisticsVoice,
)
