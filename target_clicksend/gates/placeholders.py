"""Placeholders that nobody has filled: the recipient would read them."""

from __future__ import annotations

import re

from target_clicksend.row import Rejected
from target_clicksend.values import says_nothing

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
