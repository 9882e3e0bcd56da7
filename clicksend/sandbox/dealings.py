"""What happens between the account and ClickSend: subaccounts, numbers, purchases, campaigns, complaints."""

from clicksend.sandbox.events import Event
from clicksend.sandbox.places import millionths
from clicksend.sandbox.rows import Campaign, Issue, Message, MmsCampaign, Number, Subaccount, Transaction
from clicksend.sandbox.store import Store

_HOUR, _DAY = 3600, 86_400
_FIRST_CAMPAIGN_ID = 7100
_COMPLAINTS = ("The customer says nothing came.", 'She waited "all day"; nothing.', "Pas reçu, déjà 2 fois")
_COMPLAINING = 4  # one of so many


class CampaignSaved(Event):
    """A campaign is written, or replaced by a new version."""

    campaign: Campaign

    def apply(self, store: Store) -> None:
        """Write it."""
        store.campaigns[self.campaign.sms_campaign_id] = self.campaign


class CampaignSent(Event):
    """A message of a campaign goes out; the first one makes the campaign."""

    campaign: Campaign

    def apply(self, store: Store) -> None:
        """Count the message."""
        key = self.campaign.sms_campaign_id
        store.campaigns.setdefault(key, self.campaign).sent += 1


class CampaignEnded(Event):
    """A campaign gets its last status."""

    campaign_id: int
    status: str

    def apply(self, store: Store) -> None:
        """Write the status."""
        store.campaigns[self.campaign_id].status = self.status


class MmsCampaignSaved(Event):
    """A picture campaign is written, or replaced by a new version."""

    campaign: MmsCampaign

    def apply(self, store: Store) -> None:
        """Write it."""
        store.mms_campaigns[self.campaign.mms_campaign_id] = self.campaign


class SubaccountSaved(Event):
    """A subaccount is created or changed."""

    subaccount: Subaccount

    def apply(self, store: Store) -> None:
        """Write it."""
        store.subaccounts[self.subaccount.subaccount_id] = self.subaccount


class SubaccountDeleted(Event):
    """A subaccount is deleted."""

    subaccount_id: int

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.subaccounts.pop(self.subaccount_id, None)


class NumberRented(Event):
    """A number is rented."""

    number: Number

    def apply(self, store: Store) -> None:
        """Write it."""
        store.numbers[self.number.dedicated_number] = self.number


class NumberReturned(Event):
    """A number is given back."""

    dedicated_number: str

    def apply(self, store: Store) -> None:
        """Forget it."""
        store.numbers.pop(self.dedicated_number, None)


class Recharged(Event):
    """Credit is bought."""

    transaction: Transaction

    def apply(self, store: Store) -> None:
        """Append it; purchases come in time order."""
        store.transactions.append(self.transaction)
        store.credit += millionths(self.transaction.amount)


class IssueRaised(Event):
    """Somebody complains about a message."""

    message: Message
    type: str

    def apply(self, store: Store) -> None:
        """Number the complaint and write it, if the message was lost and not cancelled before."""
        if self.message.delivery.code != "301":
            return
        number = len(store.issues) + 1
        store.issues[self.message.message_id] = Issue(
            issue_id=number,
            message_id=self.message.message_id,
            type=self.type,
            description=_COMPLAINTS[number % len(_COMPLAINTS)],
            date_added=self.at,
        )


class IssueResolved(Event):
    """ClickSend answers the complaint about a message."""

    message_id: str

    def apply(self, store: Store) -> None:
        """Close it."""
        issue = store.issues.get(self.message_id)
        if issue is not None:
            issue.resolved, issue.support_comments = 1, "Carrier fault, fixed."


def campaign_message(at: int, number: int, message: Message, name: str, text: str) -> list[Event]:
    """Return what a campaign's message means for campaign number `number`."""
    campaign = Campaign(
        sms_campaign_id=_FIRST_CAMPAIGN_ID + number,
        name=name,
        list_id=message.list_id or 0,
        sender=message.sender,
        body=text.replace("{name}", "(First Name)"),
        schedule=at,
        status="Sending",
        date_added=at,
        custom_string=message.custom_string,
    )
    return [CampaignSent(at, campaign), CampaignEnded(at + _HOUR, campaign.sms_campaign_id, "Sent")]


def complaint(at: int, message: Message, channel: str) -> list[Event]:
    """Return the complaint about a lost message, if anybody complains."""
    if int(message.message_id[-4:], 16) % _COMPLAINING:
        return []
    raised = IssueRaised(at + _HOUR, message, channel.upper())
    return [raised, IssueResolved(at + 3 * _DAY, message.message_id)]
