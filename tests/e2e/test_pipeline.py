"""Customers and messages in PostgreSQL through ClickSend and back, by Meltano with both of our connectors."""

from __future__ import annotations

import json
from collections import Counter

import psycopg
import pytest

from clicksend.sandbox import Sandbox
from demo.pipeline import with_host_and_password
from tests.e2e.meltano_project import connection, query

pytestmark = pytest.mark.long
COLUMNS = (
    "phone_number",
    "first_name",
    "last_name",
    "email",
    "organization_name",
    "address_line_1",
    "address_city",
    "address_postal_code",
    "plan",
    "points",
)
"""What can be written of a customer; the table calls the first one ``phone``."""
SPECIAL = [
    (
        "(201) 555-0101",
        "Zoë",
        "O'Brien",
        "zoe@example.com",
        'ACME "Pty" Ltd',
        "1 Main St",
        "Łódź",
        "01234",
        "gold",
        7,
    ),
    ("+61 412 345 678", "李", "Núñez-Smith", None, None, None, None, None, None, None),
    ("+447347123456", "null", "None", None, "50% off \\n; drop table--", "{}", "Köln", "0", "", 0),
    ("2015550104", "👩‍👩‍👧", "\U0001d4b5", "a.b+c@exämple.org", None, "a,b\tc", "Malmö", "1e5", "true", -5),
]
REJECTED = [
    (("12", *SPECIAL[0][1:]), "phone_number has too few or too many digits for its country"),
    (("to be asked", *SPECIAL[0][1:]), "phone_number is not a valid phone number"),
    ((None, "No", "Number", None, *SPECIAL[0][4:]), "a contact needs one of phone_number, email, fax_number"),
]
MANY = 250
MINE = "+12015550199"
STOPPED = "+12015550104"
RENAMED = "      stream_maps: {public-customers: {phone_number: phone, phone: __NULL__}}\n"
TEXTS = [
    ("(312) 555-9001", "Zoë, your 10% off\nends today", "summer"),
    ("+61 412 345 678", "李, 👩‍👩‍👧 {7}", "summer"),
    *((f"+1312556{n:04}", f"Your order no. {n} is on its way.", "") for n in range(MANY)),
]
FOUND = "no answer was recorded; found in the history"
NO_NUMBER = ("12", "Hello", "")
OPTED_OUT = ("+13125569999", "Hello", "")
LABELLED = {"TARGET_CLICKSEND_CLEAR_KEYS": '["campaign"]'}
"""Campaigns are labels here, not names of people."""
EACH_ROW = """
    select m.id, m.body, o.outcome, o.reason, h.body, o.price = h.message_price,
           case when h.status_code in ('201', '301') then h.status_code end, r.status_code
    from messages m
    left join clicksend.outcomes o
         on o.stream = 'public-messages' and (o.source_key ->> 'id')::int = m.id
    left join clicksend.sms_history h using (message_id)
    left join (select distinct message_id, status_code from clicksend.sms_receipts
               where status_code in ('201', '301')) r using (message_id)
    order by m.id
"""
SPELLED = {
    "(201) 555-0101": "+12015550101",
    "(312) 555-9001": "+13125559001",
    "+61 412 345 678": "+61412345678",
    "2015550104": STOPPED,
}


def expected(row) -> tuple[str | None, ...]:
    """Return what the warehouse should have of a customer: text, no empty one, the number in E.164."""
    number, *rest = row
    return (SPELLED.get(number, number), *(None if value in (None, "") else str(value) for value in rest))


WORST = {
    "empty_writes": True,
    "answer_order": "shuffled",
    "q_match": "substring",
    "past_last_page": "repeat",
    "empty_page": "missing",
    "next_page_url": "other_host",
}
"""Positions that are worse for us than the official dialect's, which are the worst that it leaves open."""


@pytest.fixture(scope="module")
def box():
    with Sandbox(seed=1, messages=100, contacts=60) as box:
        box.control("POST", "switches", WORST)
        yield box


@pytest.fixture(scope="module")
def many():
    return [(f"+1312555{n:04}", f"First {n}", "X" * (n % 7), *(None,) * 6, n) for n in range(MANY)]


@pytest.fixture(scope="module")
def run(meltano, warehouse, box, many, tmp_path_factory):
    """Return a function that runs both jobs; it returns the target's report and the requests it made."""
    project = meltano.project / "meltano.yml"
    text = project.read_text().replace(
        "      list_name: Shop customers\n", f"      list_name: Shop customers\n{RENAMED}"
    )
    project.write_text(text)
    with psycopg.connect(warehouse) as database:
        columns = ", ".join(f"{name} text" for name in COLUMNS[1:-1])
        database.execute(f"create table customers (id serial primary key, phone text, {columns}, points int)")
        names = ", ".join(("phone", *COLUMNS[1:]))
        rows = [*SPECIAL, *(row for row, _ in REJECTED), *many]
        insert = f"insert into customers ({names}) values ({', '.join(['%s'] * len(COLUMNS))})"
        database.cursor().executemany(insert, rows)
    folder = tmp_path_factory.mktemp("target")

    def run(*jobs: str, **env: str):
        before = len(box.requests())
        meltano(
            *("run", *jobs),
            TAP_CLICKSEND_API_URL=box.api_url,
            TARGET_CLICKSEND_API_URL=box.api_url,
            TARGET_CLICKSEND_LEDGER_URL=f"sqlite:///{folder}/ledger.db",
            TAP_CLICKSEND_LEDGER_URL=f"sqlite:///{folder}/ledger.db",
            TARGET_CLICKSEND_REPORT_PATH=str(folder / "report.json"),
            TAP_POSTGRES_SQLALCHEMY_URL=with_host_and_password(warehouse),
            **connection(warehouse),
            **env,
        )
        report = json.loads((folder / "report.json").read_text())
        return report, Counter(request["method"] for request in box.requests()[before:])

    return run


def contacts(warehouse: str, list_name: str = "Shop customers") -> list[tuple]:
    names = ", ".join((*COLUMNS[:-2], "custom_1", "custom_2"))
    where = f"_list_name = '{list_name}' and _sdc_deleted_at is null"
    return query(warehouse, f"select {names} from clicksend.contacts where {where}")


def test_a_dry_run_writes_nothing(run):
    report, methods = run("customers-to-clicksend", TARGET_CLICKSEND_DRY_RUN="true")
    assert report["plan"]["contacts"] == {"create": len(SPECIAL) + MANY}
    assert methods.keys() == {"GET"}


def test_the_contacts_that_come_back_are_the_customers(run, warehouse, many):
    report, methods = run("customers-to-clicksend", "clicksend-to-warehouse")
    assert report["rows"]["contacts"] == {"created": len(SPECIAL) + MANY, "rejected": len(REJECTED)}
    assert {reason["reason"] for reason in report["reasons"]} == {reason for _, reason in REJECTED}
    assert report["notes"] == []
    assert methods["POST"] == 1 + len(SPECIAL) + MANY  # the list, and each contact
    assert sorted(contacts(warehouse), key=repr) == sorted(map(expected, [*SPECIAL, *many]), key=repr)


def test_a_second_run_writes_nothing(run):
    report, methods = run("customers-to-clicksend")
    assert report["rows"]["contacts"] == {"unchanged": len(SPECIAL) + MANY, "rejected": len(REJECTED)}
    assert methods.keys() == {"GET"}


def test_only_what_changed_is_written_and_who_opted_out_stays_out(run, warehouse, box, many):
    stop = {"from": STOPPED, "body": "STOP", "list_id": list_id(warehouse)}
    assert box.control("POST", "reply", stop)["opted_out"]
    with psycopg.connect(warehouse) as database:
        database.execute("update customers set last_name = null, points = null where phone = '+13125550005'")
        database.execute("update customers set plan = 'platinum' where phone = '2015550104'")
    report, methods = run("customers-to-clicksend", "clicksend-to-warehouse")
    count = len(SPECIAL) + MANY
    outcomes = {"unchanged": count - 2, "updated": 1, "suppressed": 1, "rejected": len(REJECTED)}
    assert report["rows"]["contacts"] == outcomes
    assert methods.keys() == {"GET", "PUT"}
    assert methods["PUT"] == 1
    many[5] = ("+13125550005", "First 5", *(None,) * 8)
    assert sorted(contacts(warehouse), key=repr) == sorted(map(expected, [*SPECIAL[:-1], *many]), key=repr)
    assert STOPPED in {row[0] for row in contacts(warehouse, "Opt-Out List")}


def list_id(warehouse: str) -> int:
    name = "_list_name = 'Shop customers'"
    return query(warehouse, f"select distinct list_id from clicksend.contacts where {name}")[0][0]


@pytest.fixture(scope="module")
def messages(warehouse, box):
    """Make the table of messages; one of the recipients has replied STOP before."""
    box.control("POST", "reply", {"from": OPTED_OUT[0], "body": "stop it"})
    with psycopg.connect(warehouse) as database:
        database.execute('create table messages (id serial primary key, "to" text, body text, campaign text)')
        insert = 'insert into messages ("to", body, campaign) values (%s, %s, %s)'
        database.cursor().executemany(insert, [*TEXTS, NO_NUMBER, OPTED_OUT])


@pytest.mark.usefixtures("messages")
def test_a_dry_run_sends_nothing(run, box):
    report, methods = run("messages-to-clicksend", TARGET_CLICKSEND_DRY_RUN="true")
    assert report["plan"]["sms_messages"] == {"send": len(TEXTS)}
    assert methods.keys() == {"GET", "POST"}  # it asks for prices
    assert box.control("GET", "arrivals") == []


@pytest.mark.usefixtures("messages")
def test_a_few_rows_go_to_ones_own_phone(run, box):
    maps = {"public-messages": {"__filter__": "id < 3"}}
    env = {"TEST_RECIPIENT": MINE, "STREAM_MAPS": json.dumps(maps)}
    report, _ = run("messages-to-clicksend", **{f"TARGET_CLICKSEND_{name}": env[name] for name in env})
    assert report["rows"]["sms_messages"] == {"sent": 2}
    assert [(one["to"], one["body"]) for one in box.control("GET", "arrivals")] == [
        (MINE, body) for _, body, _ in TEXTS[:2]
    ]


@pytest.mark.usefixtures("messages")
def test_messages_arrive_once_though_an_answer_is_lost_and_all_rows_come_again(run, box):
    """The first answer is lost: the history shows what became of its messages."""
    fault = {"kind": "reset_after", "method": "POST", "path": "/sms/send"}
    box.control("POST", "faults", fault)
    report, _ = run("messages-to-clicksend", **LABELLED)
    assert report["rows"]["sms_messages"] == {"rejected": 1, "suppressed": 1, "sent": len(TEXTS)}
    assert report["found_in_history"] == {"sms_messages": len(TEXTS)}
    report, _ = run("messages-to-clicksend", **LABELLED)
    assert report["rows"]["sms_messages"] == {"rejected": 1, "suppressed": 1, "duplicate": len(TEXTS)}
    arrived = Counter((one["to"], one["body"]) for one in box.control("GET", "arrivals") if one["to"] != MINE)
    wanted = [(SPELLED.get(to, to), body) for to, body, _ in TEXTS]
    assert arrived == Counter(wanted)


def test_every_row_is_accounted_for(run, warehouse, box):
    box.advance(3 * 86_400)
    run("clicksend-to-warehouse")
    *sent, no_number, opted_out = query(warehouse, EACH_ROW)
    assert [row[:5] for row in sent] == [
        (n, body, "sent", FOUND, body) for n, (_, body, _) in enumerate(TEXTS, 1)
    ]
    assert all(same_price for *_, same_price, _, _ in sent)
    assert all(settled == received for *_, settled, received in sent)
    assert {"201", "301"} <= {received for *_, received in sent}
    reason = "to has too few or too many digits for its country"
    assert no_number[2:] == ("rejected", reason, *(None,) * 4)
    assert opted_out[2:] == ("suppressed", "the recipient has opted out", *(None,) * 4)
    campaigns = (
        "select campaign, count(*) from clicksend.outcomes where outcome = 'sent' group by 1 order by 1"
    )
    assert query(warehouse, campaigns) == [("summer", 2), (None, MANY + 2)]
