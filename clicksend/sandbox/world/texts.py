"""The words of the made-up world: names, bodies, replies, campaigns.

Chosen to hurt: accents, apostrophes, quotes, line breaks, tabs, backslashes, emoji, right-to-left text,
texts that look like SQL, JSON, CSV or HTML, and bodies long enough for several parts.
"""

from __future__ import annotations

from functools import cache

FIRST_NAMES = (
    "John", "Zoë", "José", "Anna", "Łukasz", "Siân", "Mateo", "Chloé", "Aroha", "Jürgen", "Priya",
    "D'Arcy", "Nkosi", "Mei-Ling", "Øyvind", "Fatima", "Liam", "Søren", "Ava", "محمد", "Ngaire",
    "Renée", "Björn", "Isla", "Noah",
)  # fmt: skip
LAST_NAMES = (
    "Doe", "O'Brien", "Núñez", "Smith", "Müller", "van der Berg", "Nowak", "Gonçalves", "Ngata",
    "Åkesson", "Patel", "St. John-Smythe", "Dlamini", "李", "Ó Súilleabháin", "Brown", "Lefèvre",
    "Wójcik", "Taylor", "Tāmaki",
)  # fmt: skip
ORGANIZATIONS = (
    "", "", "", "ACME Pty Ltd", 'Smith "Bros" & Sons', "Müller GmbH", "Café Ñandú", "R\\D Labs",
    "Kōwhai Ltd.",
)  # fmt: skip
STREETS = ("1 Example St", "12 Rue de l'Église", "Hauptstraße 7", "Flat 3/21 King's Rd", "Av. 9 de Julio, 42")
LOYALTY = ("", "", "gold", "silver", "bronze", "Größe XL", 'says "hi"', "a,b;c")

TRANSACTIONAL = (
    "Hi {name}, your order {number} has been dispatched and will be with you soon.",
    "Your code is {number}. Do not share it with anyone.",
    "Reminder: appointment {number} tomorrow at 09:30.\nReply YES to confirm or NO to cancel.",
    "{name}, your table is booked 🎉 See you soon! Ref {number}",
    'The courier wrote: "left at the front door" (parcel {number})',
    "Path C:\\temp\\{number}.pdf is ready \\o/ for {name}",
    "Invoice {number} over 1.250,00 € is due; details: https://example.com/i/{number}?a=1&b=2",
    "شكرا {name}، رقم طلبك {number}",
    '{{"order": "{number}", "name": "{name}", "ok": true}}',
    "O'Reilly's parcel {number}\tis ready -- don't; DROP TABLE parcels;",
    "Grüße aus Köln, {name}! Ihre Bestellung №{number} ist unterwegs 👩‍🚀",
    "<b>{name}</b>, ticket #{number} was closed &amp; archived, \r\nthanks for your patience",
    (
        "Dear {name}, we have moved your appointment {number}. Please bring your documents, arrive ten"
        " minutes early, wear a mask if you have a cold and call us when you are late; parking is behind the"
        " building, entrance B. Thank you!"
    ),
)
_FLASH = (
    "Today only: 15% off all shoes and bags, online and in our shops. Just show this text at the till."
    " Opt out: STOP"
)
CAMPAIGNS = {
    "big-sale": "Hi {name}! The big sale: 20% off everything until Sunday ☀️ Reply STOP to opt out",
    "vip-night": "{name}, VIP night on Friday. Doors 7 pm. RSVP with YES. Opt out: STOP",
    "newsletter": (
        "News from ACME:\n1) longer hours\n2) new shop in Orléans\n3) free coffee\nSTOP to unsubscribe"
    ),
    "flash": _FLASH,
    "flash-emoji": f"👟 {_FLASH}",
    "Grüße 2.0": "Hello {name}, the ACME app 2.0 is here: https://example.com/app Opt out: STOP",
    "survey": "How did we do, {name}? Answer 1 (bad) to 5 (great). STOP to end",
}
"""The texts of campaigns. One has a twin with an emoji, which makes two parts of what was one."""
STOP_WORDS = (
    "STOP", "STOP", "STOP", "Stop", "Stop", "stop please", "STOP\n", "please stop", "Opt out", "unsubscribe",
)  # fmt: skip
REPLIES = (
    "YES", "Yes please 👍", "no", "5", "Who is this?", "Thanks!", 'He said "ok"', "Ok, à bientôt",
    "C U l8r\\", "call me\nback", "", "👍🏽", "can't make it, sorry", "1",
)  # fmt: skip
SPOKEN = (
    "Hello {name}, this is a reminder of your appointment number {number}. Press 1 to confirm, 2 to cancel.",
    "Your verification code is {number}. Again, your code is {number}.",
    "Important notice from ACME: the store is closed on Monday.",
)
SUBJECTS = ("Your ticket", "Sale!", "Photo 📷", "Menü der Woche", None)

_BOTH = "female male"
VOICE_LANGUAGES = (
    ("en-us", "English (US)", _BOTH), ("en-au", "English (Australia)", _BOTH),
    ("en-gb", "English (UK)", _BOTH), ("en-gb-wls", "English (Wales)", _BOTH),
    ("cy-gb-wls", "Welsh", _BOTH), ("de-de", "German", _BOTH), ("es-es", "Spanish", _BOTH),
    ("es-us", "Spanish (US)", _BOTH), ("fr-fr", "French", _BOTH), ("is-is", "Icelandic", _BOTH),
    ("it-it", "Italian", _BOTH), ("da-dk", "Danish", _BOTH), ("nl-nl", "Dutch", _BOTH),
    ("pl-pl", "Polish", _BOTH), ("pt-br", "Portuguese (Brazil)", _BOTH), ("ru-ru", "Russian", _BOTH),
    ("en-in", "English (India)", "female"), ("fr-ca", "French (Canada)", "female"),
    ("nb-no", "Norwegian", "female"), ("ro-ro", "Romanian", "female"), ("sv-se", "Swedish", "female"),
    ("tr-tr", "Turkish", "female"), ("pt-pt", "Portuguese", "male"),
)  # fmt: skip
"""Code, name and genders of the documented voice languages."""


@cache
def gender(genders: str) -> str | list[str]:
    """Spell the genders of a voice language as recorded: a string for one, an array for several."""
    several = genders.split()
    return several if len(several) > 1 else several[0]
