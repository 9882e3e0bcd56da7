"""What the made-up world is like, as tables: its networks, what fails and why, and the rhythm of sending.

All of it is invented, so that charts of the messages have something to show. ``traffic`` draws what becomes
of a message by these tables, ``rhythm`` when it is sent; the campaigns have their table in ``campaigns``.
"""

from __future__ import annotations

from typing import NamedTuple


class Network(NamedTuple):
    """One carrier.

    Attributes:
        share: Part of its country's numbers, in percent; the shares of a country add up to 100.
        lost: How many of a thousand text messages never arrive, beside what happens anywhere.
        seconds: From the network to the handset; median.
    """

    name: str
    share: int
    lost: int
    seconds: float


NETWORKS = {
    "US": (
        Network("Verizon", 40, 60, 3.5),
        Network("AT&T", 35, 85, 4.0),
        Network("T-Mobile USA", 25, 130, 5.5),
    ),
    "AU": (
        Network("Telstra", 45, 8, 2.5),
        Network("Optus", 30, 18, 3.0),
        Network("Vodafone AU", 25, 40, 4.5),
    ),
    "GB": (
        Network("EE", 35, 25, 3.0),
        Network("O2 UK", 25, 40, 3.5),
        Network("Vodafone UK", 20, 35, 3.5),
        Network("Three", 20, 70, 5.0),
    ),
    "NZ": (
        Network("Spark", 40, 20, 3.0),
        Network("One NZ", 40, 30, 3.5),
        Network("2degrees", 20, 55, 5.0),
    ),
    "CA": (
        Network("Rogers", 40, 65, 4.0),
        Network("Bell", 35, 85, 4.5),
        Network("Telus", 25, 110, 5.0),
    ),
    "DE": (
        Network("Telekom", 40, 10, 2.5),
        Network("Vodafone DE", 30, 20, 3.0),
        Network("O2 DE", 30, 40, 4.5),
    ),
    "FR": (
        Network("Orange", 45, 80, 4.5),
        Network("SFR", 30, 110, 6.0),
        Network("Bouygues", 25, 150, 7.0),
    ),
    "ES": (
        Network("Movistar", 60, 130, 5.0),
        Network("Orange ES", 40, 180, 7.0),
    ),
    "IN": (
        Network("BSNL MOBILE", 20, 290, 16.0),
        Network("Airtel", 35, 160, 9.0),
        Network("Jio", 45, 200, 11.0),
    ),
    "SG": (
        Network("Singtel", 55, 10, 2.0),
        Network("StarHub", 45, 20, 2.5),
    ),
    "IE": (
        Network("Vodafone IE", 60, 45, 3.5),
        Network("Three IE", 40, 75, 5.0),
    ),
    "ZA": (
        Network("Vodacom", 60, 150, 8.0),
        Network("MTN", 40, 230, 12.0),
    ),
    "PL": (
        Network("Plus", 50, 100, 5.0),
        Network("Play", 50, 135, 6.0),
    ),
    "SE": (
        Network("Telia", 60, 15, 2.5),
        Network("Tele2", 40, 35, 3.5),
    ),
}
"""The carriers of each country (ISO 3166-1 alpha-2)."""
ELSEWHERE = Network("", 100, 80, 6.0)
"""What is known of all other countries."""
SPREAD = 1.2
"""Sigma of the logarithm of the seconds to the handset: how much longer than the median it often takes."""
LATE_MEDIAN, LATE_SPREAD = 5400, 1.3
"""Seconds and sigma for what arrives late, or after a temporary failure."""

LOST_BECAUSE = (
    (33, "12", "Absent Subscriber."),
    (22, "8", "Unknown Subscriber."),
    (10, "14", "Recipient network error."),
    (8, "17", "Network timeout."),
    (6, "20", "Receipt expired."),
    (5, "13", "Memory exceeded."),
    (4, "15", "Rejected by the recipient network."),
    (3, "19", "Anti-spam."),
    (2, "7", "Unknown failure."),
    (2, "9", "Unidentified Subscriber."),
    (2, "11", "SMS not supported."),
    (2, "18", "Routing error."),
    (1, "10", "Illegal Subscriber."),
)
"""Why text messages are lost: percent, the gateway's error code, and its text."""
LOST_AFTER_RETRY = ("12", "20")
"""What becomes of a temporary failure that does not end well; error codes."""


class Blocked(NamedTuple):
    """A sender that the networks of a country let through hardly ever; ``lost`` percent end as ``errors``."""

    country: str
    sender: str
    lost: int
    errors: tuple[str, ...]


BLOCKED = Blocked("US", "ACME", 96, ("15", "15", "19"))


class Outage(NamedTuple):
    """A network is out on the day of the first sale.

    Attributes:
        begins, ends: Hours of the country's local day.
        lost: Percent of its messages of that time that are lost, as one of ``errors``; the others arrive when
            it is over.
    """

    country: str
    carrier: str
    begins: int
    ends: int
    lost: int
    errors: tuple[str, ...]


OUTAGE = Outage("AU", "Optus", 9, 15, 40, ("14", "17"))

ZONES = {
    "US": "America/Chicago", "AU": "Australia/Sydney", "GB": "Europe/London", "NZ": "Pacific/Auckland",
    "CA": "America/Toronto", "DE": "Europe/Berlin", "FR": "Europe/Paris", "ES": "Europe/Madrid",
    "IN": "Asia/Kolkata", "SG": "Asia/Singapore", "IE": "Europe/Dublin", "ZA": "Africa/Johannesburg",
    "PL": "Europe/Warsaw", "SE": "Europe/Stockholm",
}  # fmt: skip
"""The zone by whose clock a country is written to: one for each, even where it has several."""
HOURS = (
    *(0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5),
    *(5, 8, 10, 10, 8, 6, 6, 7, 8, 9, 8, 6, 4),
    *(1.2, 0.8, 0.5),
)  # fmt: skip
"""How much is sent in each hour of the recipient's day, from midnight on."""
WEEKDAYS = (1.0, 1.1, 1.1, 1.1, 1.15, 0.55, 0.4)
"""How much is sent on each day of the recipient's week, from Monday on."""
AT_FIRST, MORE_PER_WEEK, AT_MOST = 0.8, 0.04, 2.0
"""The account's growth: how much is sent in the first week, how much more in each, and where it ends."""
SALE_WEEK, SALE_EVERY = 10, 13
"""The week of the first sale, counted from the first Monday on, and after how many weeks there is another."""
SALE_DAYS = (1.8, 2.6, 1.7, 1.5)
"""How much more is sent on the days of a sale, from its campaign's day on."""
