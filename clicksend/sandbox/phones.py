"""Telephone numbers as ClickSend keeps them."""

DEFAULT_COUNTRY = "US"
"""The account's country: local numbers are read as numbers of it."""


def e164(text: str) -> str | None:
    """Spell a number in E.164; None when it cannot be one."""
    import phonenumbers  # noqa: PLC0415 - an extra, and only writes need it

    try:
        number = phonenumbers.parse(text, DEFAULT_COUNTRY)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def country(number: str) -> str:
    """Name the country (ISO 3166-1 alpha-2) of a number in E.164; the account's own when it has none."""
    import phonenumbers  # noqa: PLC0415

    code = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    return code if code.isalpha() else DEFAULT_COUNTRY
