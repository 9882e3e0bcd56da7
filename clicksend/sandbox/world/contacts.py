"""The contacts of the made-up world: who is in which list, and how that changes from day to day."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import NamedTuple

from clicksend.sandbox.world import texts
from clicksend.sandbox.world.countries import PLACES, any_place, pick
from clicksend.sandbox.world.events import ContactAdded, ContactChanged, ContactDeleted, Event
from clicksend.sandbox.world.rows import Contact
from clicksend.sandbox.world.seed_data import (
    CUSTOMERS,
    FOUNDED_BEFORE,
    LEADS,
    NEWSLETTER,
    OPT_OUTS,
    RAFFLE,
    VIP,
)

_DAY = 86_400
_FIRST_CONTACT_ID = 1_211_152_064
_SHUFFLE = 341  # xor with it permutes every 512 ids: a page of contacts is not in id order
_INITIAL_LISTS = (*(CUSTOMERS,) * 9, *(NEWSLETTER,) * 6, *(VIP,) * 2, *(LEADS,) * 2, RAFFLE, OPT_OUTS)
_LASTING_LISTS = (*(CUSTOMERS,) * 5, *(NEWSLETTER,) * 3, VIP, LEADS)
_ADDED_OR_DELETED_PER_DAY = 300  # one of so many contacts
_CHANGED_PER_DAY = 100
_DETAILED, _KNOWN = 0.5, 0.05


class Person(NamedTuple):
    """What a message needs to know of a contact."""

    contact_id: int
    list_id: int
    phone_number: str
    country: str
    first_name: str
    last_name: str


class People:
    """Draws contacts and their changes; keeps the ones that may be written to."""

    def __init__(self, rng: Random, size: int) -> None:
        self._by_country: dict[str, list[Person]] = {place.code: [] for place in PLACES}
        self._gone: set[int] = set()
        self._rng = rng
        self._size = size
        self._serial = count()

    def life(self, start: int) -> Iterator[Event]:
        """Yield the contacts that exist at ``start``, then every later change, in time order and for ever."""
        founded = start - FOUNDED_BEFORE + _DAY
        for number in range(self._size):
            yield self._arrival(founded + number * (start - founded) // self._size, _INITIAL_LISTS)
        if not self._size:
            return
        churn = max(1, self._size // _ADDED_OR_DELETED_PER_DAY)
        changes = max(1, self._size // _CHANGED_PER_DAY)
        happenings = (
            *(self._arrival_later,) * churn,
            *(self._departure,) * churn,
            *(self._change,) * changes,
        )
        for day in count():
            order = self._rng.sample(happenings, len(happenings))
            for number, happen in enumerate(order):
                yield from happen(start + day * _DAY + number * _DAY // len(order))

    def leave(self, person: Person) -> None:
        """Stop writing to somebody: deleted, or wrote STOP."""
        self._gone.add(person.contact_id)

    def someone(self, rng: Random, country: str) -> Person | None:
        """Draw somebody in a country who may be written to, if there is anybody."""
        people = self._by_country[country]
        while people:
            place = int(rng.random() * len(people))
            person = people[place]
            if person.contact_id not in self._gone:
                return person
            # Who left is forgotten here: searching for them would take long in a world of a million contacts.
            people[place] = people[-1]
            people.pop()
        return None

    def members(self, list_id: int) -> list[Person]:
        """Return everybody of a list who may be written to."""
        return [
            person
            for people in self._by_country.values()
            for person in people
            if person.list_id == list_id and person.contact_id not in self._gone
        ]

    def _arrival(self, at: int, lists: tuple[int, ...]) -> ContactAdded:
        contact = self._contact(at, pick(self._rng, lists))
        if contact.list_id != OPT_OUTS:
            self._by_country[contact.address_country].append(
                Person(
                    contact.contact_id,
                    contact.list_id,
                    contact.phone_number,
                    contact.address_country,
                    contact.first_name,
                    contact.last_name,
                )
            )
        return ContactAdded(at, contact)

    def _arrival_later(self, at: int) -> Iterator[Event]:
        yield self._arrival(at, _LASTING_LISTS)

    def _departure(self, at: int) -> Iterator[Event]:
        if person := self._anybody():
            self.leave(person)
            yield ContactDeleted(at, person.list_id, person.contact_id)

    def _change(self, at: int) -> Iterator[Event]:
        if person := self._anybody():
            values = pick(self._rng, _CHANGES)
            yield ContactChanged(
                at, person.list_id, person.contact_id, dict(values, custom_4=f"changed {at}")
            )

    def _anybody(self) -> Person | None:
        likely = any_place(self._rng).code
        found = (self.someone(self._rng, country) for country in (likely, *self._by_country))
        return next(filter(None, found), None)

    def _contact(self, at: int, list_id: int) -> Contact:
        rng = self._rng
        phone_number, country, city = self._phone()
        first_name, last_name = pick(rng, texts.FIRST_NAMES), pick(rng, texts.LAST_NAMES)
        serial = next(self._serial)
        detailed = rng.random() < _DETAILED
        return Contact(
            contact_id=_FIRST_CONTACT_ID + (serial ^ _SHUFFLE),
            list_id=list_id,
            phone_number=phone_number,
            date_added=at,
            date_updated=at,
            first_name=first_name,
            last_name=last_name,
            custom_1=pick(rng, texts.LOYALTY),
            custom_2=str(serial),
            organization_name=pick(rng, texts.ORGANIZATIONS),
            email=f"person{serial}@example.com" if detailed else "",
            address_line_1=pick(rng, texts.STREETS) if detailed else "",
            address_city=city if detailed else "",
            address_postal_code=f"{serial % 100000:05}" if detailed else "",
            address_country=country,
        )

    def _phone(self) -> tuple[str, str, str]:
        """Draw a number, its country and a city; some are somebody already known, in this list or another."""
        rng = self._rng
        place = any_place(rng)
        if rng.random() < _KNOWN and (known := self._anybody()):
            return known.phone_number, known.country, ""
        return place.number(rng), place.code, pick(rng, place.cities)


_CHANGES: tuple[dict[str, str], ...] = (
    {"custom_1": "platinum"},
    {"first_name": "Renée", "last_name": "O'Brien-Núñez"},
    {"email": "moved@example.org"},
    {"address_line_1": "Łąkowa 5/7", "address_city": "Łódź"},
    {"custom_1": "", "organization_name": ""},
)
