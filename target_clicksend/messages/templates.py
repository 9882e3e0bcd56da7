"""SMS templates, their placeholders filled from a row, and placeholders that nobody has filled.

A placeholder is the name of a column in braces: ``{name}``. The column of exactly that name fills it, else
the one that differs only in its spelling: ``{First Name}`` takes ``first_name``. What a column holds is not
searched for placeholders. Every brace must belong to one, and placeholders of any other style are refused:
``{{name}}`` means one thing to some and another to others, and nobody would fill ClickSend's own
``(First Name)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from clicksend.text import escaped
from target_clicksend.columns import fold
from target_clicksend.row import Rejected, Values
from target_clicksend.values import read_id, read_text, says_nothing

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
COLUMN = re.compile(r"\w[\w -]{0,62}")
LONGEST_VALUE = 5000
SIGNED = ("${name}", "#{name}", "%{name}")
"""Filled in their braces, they would leave a sign that may be meant: nobody can tell."""

Stored = Mapping[int, tuple[str, str]]
"""Name and body of each template, by id."""


class Templates:
    """The account's templates, looked up for each row: others may have changed them."""

    def __init__(
        self, read: Callable[[], Stored], check_written: Callable[[str], None] = lambda _: None
    ) -> None:
        """Prepare.

        Args:
            read: Returns the templates; the same object while they are the same.
            check_written: Raises where a template, by name, is not what it should be.
        """
        self._read, self._check_written = read, check_written
        self._stored: Stored = {}
        self._ids: dict[str, list[int]] = {}
        """Ids by name, whatever its case."""

    def _look(self) -> None:
        stored = self._read()
        if stored is self._stored:
            return
        self._stored, self._ids = stored, {}
        for template_id, (name, _) in stored.items():
            self._ids.setdefault(name.strip().casefold(), []).append(template_id)

    def text(self, values: Values) -> str | None:
        """Return the filled template that a row names, None when it names none.

        Raises:
            Rejected: There is no such template, or a column for it is missing.
            Postponed: It is about to be another one.
        """
        template_id, name = read_id(values, "template_id"), read_text(values, "template_name").casefold()
        if template_id is None and not name:
            return None
        self._look()
        if name:
            self._check_written(name)
        if template_id is None:
            found = self._ids.get(name, [])
            if len(found) != 1:
                raise Rejected(
                    f"template_name names {len(found) or 'no'} templates: "
                    + ("give template_id" if found else "correct it, or make the template")
                )
            template_id = found[0]
        if template_id not in self._stored:
            raise Rejected("template_id does not exist in this account")
        if name and template_id not in self._ids.get(name, []):
            raise Rejected("template_id and template_name name different templates: give one of them")
        self._check_written(self._stored[template_id][0])
        return fill(self._stored[template_id][1], values)


def fill(body: str, values: Values) -> str:
    """Return a template's body with its placeholders filled.

    Raises:
        Rejected: A column is missing, null, blank or a word for that, a brace belongs to no placeholder, or
            a placeholder is of another style.
    """
    if style := unfilled(body, is_template=True):
        kept = ", and give a sign before it in the column" if style in SIGNED else ""
        raise Rejected(f"its template has an unfilled placeholder like {style}: write {{column}}{kept}")
    pieces = PLACEHOLDER.split(body)
    if any("{" in text or "}" in text for text in pieces[::2]):
        raise Rejected("its template has a brace that belongs to no placeholder: write placeholders {column}")
    pieces[1::2] = [_value(values, name.strip()) for name in pieces[1::2]]
    return "".join(pieces)


def _value(values: Values, name: str) -> str:
    if not COLUMN.fullmatch(name):
        raise Rejected("its template has braces around what cannot be a column: write placeholders {column}")
    columns = [name] if name in values else [one for one in values if fold(one) == fold(name)]
    if len(columns) > 1:
        raise Rejected(
            f"its template's {{{name}}} may be any of {', '.join(map(escaped, sorted(columns)))}: rename them"
        )
    text = read_text(values, columns[0], LONGEST_VALUE, keeps_digits=True) if columns else ""
    if not text:
        raise Rejected(f"its template needs a column {name}, which is missing, null or blank")
    if says_nothing(text):
        raise Rejected(
            f"its template needs a column {name}, which holds a word for nothing, like null or NaN"
        )
    return text


NAME = r"[^\W\d][\w. -]{0,62}"
"""As columns are named. What else is between braces or percent signs is text: ``Save {50%}``."""
WORD = r"[^\W\d][\w.-]{0,62}"
"""Without blanks, where the signs around it are common in texts."""
FIELDS = (
    *("First Name", "Last Name", "Email", "Phone", "Phone Number", "Fax", "Fax Number"),
    *("Organization Name", "Address Line 1", "Address Line 2", "Address City", "Address State"),
    *("Address Postal Code", "Address Country"),
    *(f"{custom} {number}" for custom in ("Custom", "Custom String", "Cust.") for number in range(1, 5)),
)
"""Fields of a contact, as ClickSend's own placeholders name them; it fills those for whole lists only."""
COLUMN_STYLE = "{name}"
"""How templates name the columns that fill them."""
STYLES = {
    "{{name}}": rf"{{{{{{?[#/^&!>~]? ?{NAME}(?:\|[^{{}}]{{0,99}})?}}}}",
    "{% name %}": rf"{{%[-~]? ?{NAME}[^{{}}%]{{0,99}}%}}",
    "${name}": rf"\${{ ?{NAME}}}",
    "#{name}": rf"#{{ ?{NAME}}}",
    "%{name}": rf"%{{ ?{NAME}}}",
    COLUMN_STYLE: rf"{{[!$#@=:]? ?{NAME}}}",
    "%(name)s": rf"(?<!\d)%\({NAME}\)[\d.]{{0,4}}[a-z]",
    # The percent signs of an encoded URL have two hexadecimal digits after them.
    "%name%": rf"(?<![\w%])%%?{WORD}%(?![\dA-Fa-f]{{2}})",
    "<%= name %>": rf"<%[=-]? ?{NAME}[^<>%]{{0,99}}%>",
    "<<name>>": rf"<<{NAME}(?<! )>>",
    "*|NAME|*": rf"\*\|{NAME}(?::[^|*]{{0,99}})?\|\*",
    "[[name]]": rf"\[\[ ?{NAME}\]\]",
    "##name##": rf"##{WORD}##",
    "(First Name)": rf"\((?:{'|'.join(map(re.escape, FIELDS))})\)",
}
"""What placeholders of a style look like, by what stands for it in reasons."""
SIGNS = re.compile(r"[{$#%<*\[(](?=[\w{(%<|\[#$!@=: ])")
"""Where one may begin: all styles at each place would take ten times as long."""
_SHOWN = list(STYLES)
_ANY = re.compile("|".join(f"({pattern})" for pattern in STYLES.values()))


def check_filled(name: str, text: str) -> None:
    """Check a column that the recipient will read.

    Raises:
        Rejected: It holds a placeholder, or nothing but a word for nothing.
    """
    if says_nothing(text):
        raise Rejected(f"{name} holds a word for nothing, like null or NaN")
    if style := unfilled(text):
        raise Rejected(f"{name} has an unfilled placeholder like {style}")


def unfilled(text: str, *, is_template: bool = False) -> str | None:
    """Return the style of a placeholder that a text holds, None where it holds none.

    Args:
        text: What would be sent, or a template.
        is_template: Whether a column in braces will be filled.
    """
    for sign in SIGNS.finditer(text):
        found = _ANY.match(text, sign.start())
        style = _SHOWN[found.lastindex - 1] if found and found.lastindex else None
        if style and not (is_template and style == COLUMN_STYLE):
            return style
    return None
