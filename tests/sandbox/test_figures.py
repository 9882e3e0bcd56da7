"""What charts of the made-up world show: its networks, its days, its campaigns, and why messages are lost."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from statistics import median, quantiles
from zoneinfo import ZoneInfo

import pytest

from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world import texts
from clicksend.sandbox.world.profiles import BLOCKED, LOST_BECAUSE, NETWORKS, OUTAGE, ZONES
from clicksend.sandbox.world.rhythm import local_time, sale_day
from clicksend.sandbox.world.seed_data import HISTORY_DAYS
from clicksend.sandbox.world.stream import Plan
from clicksend.sandbox.world.traffic import TEST_NUMBERS
from target_clicksend.messages.gates.stop_words import StopWords
from tests.sandbox.runner import DAY, EPOCH

MESSAGES, CONTACTS = 10_000, 2_000
START = EPOCH - HISTORY_DAYS * DAY
CHANCE = 2.6
"""Standard deviations that chance exceeds once in two hundred times."""


class World:
    """The messages of a seed that were sent, and when each arrived."""

    def __init__(self, seed):
        self.sim = Simulation(Plan(seed=seed, epoch=EPOCH, messages=MESSAGES, contacts=CONTACTS))
        store = self.sim.store
        self.sent = [row for row in store.sms if row.direction == "out" and row.to not in TEST_NUMBERS]
        self.settled = [row for row in self.sent if row.schedule and row.schedule < EPOCH - 3 * DAY]
        self.receipts = store.sms_receipts.unread
        self.arrived = {row.message_id: row.timestamp for row in self.receipts if row.delivery.code == "201"}
        self.replies = store.inbound.unread
        self.campaigns = [row for row in store.campaigns.values() if row.sent]

    def is_delivered(self, row):
        return row.delivery.code == "201"

    def of(self, campaign):
        return [row for row in self.sent if row.custom_string == campaign.custom_string]

    def rate(self, *, usual=True, **wanted):
        """Return number and share delivered of the messages that have these values."""
        rows = [row for row in self.settled if all(getattr(row, name) == wanted[name] for name in wanted)]
        if usual:
            rows = [row for row in rows if (row.country, row.sender) != (BLOCKED.country, BLOCKED.sender)]
        return len(rows), sum(map(self.is_delivered, rows)) / len(rows)


@pytest.fixture(scope="module", params=[1, 2])
def world(request):
    return World(request.param)


def local(row):
    return datetime.fromtimestamp(row.schedule or row.date, ZoneInfo(ZONES[row.country]))


def deviations(one, other):
    """Return by how many standard deviations two shares differ."""
    (first, share), (second, other_share) = one, other
    both = (first * share + second * other_share) / (first + second)
    return (share - other_share) / (both * (1 - both) * (1 / first + 1 / second)) ** 0.5


@pytest.mark.long
@pytest.mark.parametrize(
    ("better", "worse"), [("AU", "US"), ("GB", "ES"), ("DE", "IN"), ("US", "IN"), ("SG", "ZA")]
)
def test_countries_differ_by_more_than_chance(world, better, worse):
    assert deviations(world.rate(country=better), world.rate(country=worse)) > CHANCE


def test_countries_as_a_whole_differ_by_much_more_than_chance(world):
    rates = [world.rate(country=country) for country in NETWORKS]
    whole = sum(number * share for number, share in rates) / sum(number for number, _ in rates)
    squares = sum(number * (share - whole) ** 2 / (whole * (1 - whole)) for number, share in rates)
    assert squares > 60  # with 13 degrees of freedom chance exceeds 35 once in a thousand times
    assert max(share for _, share in rates) - min(share for _, share in rates) > 0.1


def test_carriers_of_a_country_differ_by_more_than_chance(world):
    rates = {one.name: world.rate(country="US", carrier=one.name) for one in NETWORKS["US"]}
    assert deviations(rates["Verizon"], rates["T-Mobile USA"]) > CHANCE
    assert rates["Verizon"][1] > rates["AT&T"][1] > rates["T-Mobile USA"][1]


def test_a_number_has_one_carrier(world):
    carriers = defaultdict(set)
    for row in world.sent:
        carriers[row.to].add(row.carrier)
    assert {len(those - {""}) for those in carriers.values()} == {0, 1}
    assert any(len(those) > 1 for those in carriers.values())  # it is not always found out


def test_a_sender_is_blocked_in_one_country(world):
    number, blocked = world.rate(country=BLOCKED.country, sender=BLOCKED.sender, usual=False)
    assert number > 30
    assert blocked < 0.2
    others = [place for place in ("AU", "GB", "NZ") if place != BLOCKED.country]
    assert min(world.rate(country=place, sender=BLOCKED.sender)[1] for place in others) > 0.85


def test_seconds_to_the_handset_are_log_normal_with_a_tail(world):
    seconds = sorted(row.timestamp - row.sent_at for row in world.receipts if row.delivery.code == "201")
    assert 4 <= median(seconds) <= 8
    assert 20 <= quantiles(seconds, n=10)[-1] <= 40
    assert quantiles(seconds, n=100)[-1] > 1.5 * 3600
    assert 20 * 3600 < seconds[-1] <= 72 * 3600
    # No kink where the journeys meet: fewer in each four times longer span, up to a quarter of an hour.
    spans = Counter(next(place for place in range(99) if one < 4**place) for one in seconds)
    assert spans[2] > spans[3] > spans[4] > spans[5]


def test_receipts_of_networks_differ_in_speed(world):
    seconds = defaultdict(list)
    for row in world.sent:
        if row.message_id in world.arrived:
            seconds[row.country].append(world.arrived[row.message_id] - row.schedule)
    medians = {country: median(those) for country, those in seconds.items()}
    assert medians["SG"] < medians["US"] < medians["ZA"]
    assert medians["AU"] * 2 <= medians["IN"]


def test_a_network_is_out_for_six_hours(world):
    begins, ends = (
        local_time(sale_day(START), hour, OUTAGE.country) for hour in (OUTAGE.begins, OUTAGE.ends)
    )
    assert ends - begins == 6 * 3600
    network = [row for row in world.settled if (row.country, row.carrier) == (OUTAGE.country, OUTAGE.carrier)]
    out = [row for row in network if begins <= row.schedule < ends]
    assert len(out) > 30
    assert sum(map(world.is_delivered, out)) < 0.8 * len(out)
    assert all(world.arrived[row.message_id] >= ends for row in out if world.is_delivered(row))
    assert {row.delivery.error_code for row in out if row.delivery.code == "301"} == {*OUTAGE.errors}
    others = [row for row in network if row not in out]
    assert sum(map(world.is_delivered, others)) > 0.85 * len(others)


def test_few_are_written_to_at_night_but_some_are(world):
    at_night = sum(not 8 <= local(row).hour < 21 for row in world.sent)
    assert 0.01 < at_night / len(world.sent) < 0.1


def test_weekends_are_quieter_and_not_silent(world):
    days = Counter(local(row).weekday() for row in world.sent if row.list_id is None)
    assert 0 < max(days[5], days[6]) < 0.7 * min(days[day] for day in range(5))


def test_traffic_grows_from_month_to_month(world):
    months = [
        sum(first <= row.date < first + 29 * DAY for row in world.sent if row.list_id is None)
        for first in range(START, EPOCH - 29 * DAY, 29 * DAY)
    ]
    assert months[-1] > 1.3 * months[0]
    assert sum(row.date >= EPOCH - 29 * DAY for row in world.sent) > sum(
        row.date < START + 29 * DAY for row in world.sent
    )


def test_a_sale_is_a_peak(world):
    days = Counter(local(row).date() for row in world.sent if row.list_id is None)
    usual = median(days.values())
    assert days[sale_day(START) + timedelta(days=1)] > 2 * usual
    assert days[sale_day(START) - timedelta(days=1)] < 2 * usual


def test_campaigns_are_weekly_of_some_size_and_for_one_list(world):
    assert len(world.campaigns) == 16
    weeks = [row.name.rpartition(" ")[2] for row in world.campaigns]
    assert weeks == [f"2026-W{week}" for week in range(23, 39)]
    for campaign in world.campaigns:
        rows = world.of(campaign)
        assert len(rows) == campaign.sent
        assert 0.01 <= campaign.sent / MESSAGES <= 0.08
        assert {row.list_id for row in rows} == {campaign.list_id}
        assert len({row.contact_id for row in rows}) == len(rows)
        assert campaign.status == "Sent"


def test_an_emoji_makes_two_parts_of_one(world):
    with_emoji, without = texts.CAMPAIGNS["flash-emoji"], texts.CAMPAIGNS["flash"]
    assert with_emoji.replace("👟 ", "") == without
    sold = {row.name.rpartition(" ")[0]: world.of(row) for row in world.campaigns}
    assert {row.parts for row in sold["flash"]} == {0, 1}
    assert {row.parts for row in sold["flash-emoji"]} == {0, 2}


def test_only_what_arrived_is_answered(world):
    answered = [row for row in world.replies if row.original_message_id]
    assert len(answered) > 500
    assert all(row.timestamp > world.arrived[row.original_message_id] for row in answered)


def test_of_each_campaign_some_say_stop(world):
    stop = StopWords()
    words = Counter()
    for campaign in world.campaigns:
        replies = [row for row in world.replies if row.custom_string == campaign.custom_string]
        stops = [row.body for row in replies if stop.are_in(row.body)]
        got = sum(map(world.is_delivered, world.of(campaign)))
        assert 0.005 <= len(stops) / got <= 0.03, campaign.name
        words.update(stops)
    assert words.keys() <= {*texts.STOP_WORDS}
    assert words.keys() & {"please stop", "Opt out", "unsubscribe"}


def test_the_target_knows_these_words_from_other_replies():
    stop = StopWords()
    assert all(map(stop.are_in, texts.STOP_WORDS))
    assert not any(map(stop.are_in, texts.REPLIES))


def test_why_messages_are_lost_is_a_pareto(world):
    lost = [row for row in world.sent if row.delivery.code == "301"]
    errors = Counter(row.delivery.error_code for row in lost)
    assert [code for code, _ in errors.most_common(2)] == ["12", "8"]
    assert errors.keys() == {code for _, code, _ in LOST_BECAUSE}
    counts = [number for _, number in errors.most_common()]
    assert sum(counts[:2]) > 0.4 * len(lost)
    assert counts[0] > 10 * counts[-1]


def test_a_temporary_failure_ends_well_or_as_absent_or_expired(world):
    tried_again = {row.message_id for row in world.receipts if row.delivery.code == "300"}
    ends = Counter(
        (row.delivery.code, row.delivery.error_code) for row in world.settled if row.message_id in tried_again
    )
    assert ends.keys() == {("201", "4"), ("301", "12"), ("301", "20")}
    assert ends["201", "4"] > sum(ends.values()) / 2


@pytest.mark.long
def test_the_world_goes_on_as_it_was(world):
    sim = Simulation(world.sim.plan)
    sim.turn(EPOCH + 28 * DAY)
    later = [row for row in sim.store.sms if row.date > EPOCH and row.direction == "out"]
    before = [row for row in world.sent if row.date > EPOCH - 28 * DAY]
    assert 0.9 < len(later) / len(before) < 1.5
    assert sum(not 8 <= local(row).hour < 21 for row in later) < 0.1 * len(later)
    names = [row.name for row in sim.store.campaigns.values() if row.sent and row.date_added > EPOCH]
    assert [name.rpartition(" ")[2] for name in names] == [f"2026-W{week}" for week in range(39, 43)]


@pytest.mark.long
def test_the_same_seed_is_the_same_world(world):
    twin = Simulation(world.sim.plan)
    assert twin.store.sms == world.sim.store.sms
    assert twin.store.sms_receipts.unread == world.receipts
    assert twin.store.campaigns == world.sim.store.campaigns
    assert twin.store.sms != Simulation(Plan(9, EPOCH, MESSAGES, CONTACTS)).store.sms


@pytest.mark.long
def test_lists_that_are_shorter_than_a_campaign_lose_few_of_their_contacts():
    sim = Simulation(Plan(seed=1, epoch=EPOCH, messages=20_000, contacts=150))
    campaigns = [row for row in sim.store.campaigns.values() if row.sent]
    assert all(0.01 <= row.sent / 20_000 <= 0.08 for row in campaigns)
    assert {row.list_id for row in sim.store.sms if row.custom_string.startswith("newsletter-")} - {None} == {
        row.list_id for row in campaigns if row.name.startswith("newsletter")
    }
    assert len(sim.store.contacts[campaigns[0].list_id]) > 20
