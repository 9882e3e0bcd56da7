"""The demo's customers: a table such as a shop has, and what became of its rows in ClickSend.

They go from PostgreSQL into a contact list, and come back with all other contacts: then both can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice, product
from typing import NamedTuple

import psycopg

from clicksend.phone import to_e164

LIST = "Shop customers"  # as meltano.yml names it
COUNTRY = "US"  # the sandbox's account is there, so numbers from there need no country code
SIZE = 500
Customer = tuple[object, ...]
TABLE = """
    create table if not exists customers (
        id integer primary key,
        phone_number text,
        first_name text,
        last_name text,
        email text,
        address_city text,
        plan text,
        points integer
    )
"""
INSERT = "insert into customers values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing"
CUSTOMERS = """
    select phone_number, first_name, last_name, email, address_city, plan, points::text from customers
"""
CONTACTS = """
    select phone_number, first_name, last_name, email, address_city, custom_1, custom_2
    from clicksend.contacts where _list_name = %s and _sdc_deleted_at is null
"""
A_CONTACT = """
    select list_id, phone_number from clicksend.contacts
    where _list_name = %s and _sdc_deleted_at is null order by contact_id limit 1
"""
FIRST_NAMES = ("Zoë", "D'Arcy", "李", "Null", "Siân")
LAST_NAMES = ("O'Brien", "Núñez-Smith", "von der Heide", "Ngata", "Łuczak")
CITIES = ("Łódź", "'s-Hertogenbosch", None, "Austin")
PLANS = ("gold", "silver", None)
NOBODYS_NUMBERS = ("12", "to be asked", None)  # of the last ones; no contact can be made of them


class Comparison(NamedTuple):
    """Customers and contacts, beside each other.

    Attributes:
        customers: Rows of the table.
        contacts: Contacts of the list, as they came back into the warehouse.
        strange: Those that are not customers, or differ from theirs in any field.
    """

    customers: int
    contacts: int
    strange: int


def create(url: str) -> None:
    """Make the table with its rows, unless it is there."""
    with psycopg.connect(url) as database:
        database.execute(TABLE)
        database.cursor().executemany(INSERT, list(_rows()))


def somebody(url: str) -> tuple[int, str] | None:
    """Return list and number of a customer who is a contact, None before there is one."""
    with psycopg.connect(url) as database:
        known = database.execute("select to_regclass('clicksend.contacts')").fetchall() != [(None,)]
        found = database.execute(A_CONTACT, [LIST]).fetchone() if known else None
    return (int(found[0]), str(found[1])) if found else None


def compare(url: str) -> Comparison:
    """Compare all fields of the customers and of the contacts that came back."""
    with psycopg.connect(url) as database:
        customers = database.execute(CUSTOMERS).fetchall()
        contacts = database.execute(CONTACTS, [LIST]).fetchall()
    wanted = {_as_contact(row) for row in customers}
    return Comparison(len(customers), len(contacts), sum(row not in wanted for row in contacts))


def _rows() -> Iterator[Customer]:
    names = islice(cycle(product(FIRST_NAMES, LAST_NAMES)), SIZE)
    for number, (first_name, last_name) in enumerate(names, 1):
        yield (
            number,
            _number(number),
            first_name,
            last_name,
            f"customer{number}@example.com" if number % 3 else None,
            CITIES[number % len(CITIES)],
            PLANS[number % len(PLANS)],
            number * 7 % 1000 if number % 4 else None,
        )


def _number(number: int) -> str | None:
    """Spell a telephone number: as Americans do, or with its country code."""
    left = SIZE - number
    if left < len(NOBODYS_NUMBERS):
        return NOBODYS_NUMBERS[left]
    return f"(201) 555-{number:04}" if number % 2 else f"+44 7347 {number:06}"


def _as_contact(customer: Customer) -> Customer:
    """Return a customer with the number as ClickSend spells it."""
    number, *rest = customer
    try:
        return to_e164(str(number), COUNTRY), *rest
    except ValueError:
        return customer
