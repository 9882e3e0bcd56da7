"""Phone numbers: the true one comes out of a cell, or a sentence; never somebody else's."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend import phone
from clicksend.phone import mask, may_mean, read, sample, to_e164
from tests.conftest import budget

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
numbers = st.builds(
    "+{}{}{}".format,
    st.sampled_from(CODES) | st.integers(1, 999),
    st.sampled_from(["", "", "0", "1", "8", "9", "15", "011", "044"]),
    st.text("0123456789", min_size=4, max_size=12),
)
AU = "+61412345678"
NOT_VALID, UNFIT, LENGTH = "is not a valid phone number", "is not a valid number of its country", "too few or"
TWO, FRACTION, SHORTENED = (
    "may hold two numbers",
    "a number with a fraction",
    "was shortened by a spreadsheet",
)


@given(numbers)
def test_what_is_taken_as_it_is_the_library_takes_as_it_is(number):
    if phone._is_e164(number):
        parsed = phonenumbers.parse(number)
        assert (
            phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
        )
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


def test_the_numbers_of_all_countries_take_the_short_way():
    """It would be no short way if a common number missed it."""
    numbers = {}
    for region in (region for code in CODES for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]):
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example:
            numbers[region] = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert len(numbers) > 200
    assert {region: number for region, number in numbers.items() if to_e164(number) != number} == {}
    common = ("AU", "US", "GB", "NZ", "DE", "FR", "IN", "SG", "ZA")
    assert [region for region in common if not phone._is_e164(numbers[region])] == []


@pytest.mark.parametrize(
    "text", ["+6149157015\uff16", "+0491570156", "61491570156", "+61 491570156", "+61491570156x"]
)
def test_what_takes_the_long_way(text):
    assert not phone._is_e164(text)


SPELLED = [
    # Characters.
    *(
        (f"{plus}61412345678", None, AU, "as written")
        for plus in "\uff0b\ufe62\u207a\u208a\u2795\ufb29\u02d6"
    ),
    ("\uff0b\uff16\uff11\uff14\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", None, AU, "as written"),
    ("+\u0666\u0661\u0664\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", None, AU, "as written"),
    ("\u202a+61412345678\u202c", None, AU, "as written"),
    *(
        (f"{one}+614{one}12345678{one}", None, AU, "as written")
        for one in "\u200b\ufeff\xad\u2060\ufe0f\u200e\u180b"
    ),
    *((f"+61{one}412{one}345{one}678", None, AU, "as written") for one in "\t\xa0\u3000\u2009\u202f\u2800"),
    *(
        (f"+61{one}412{one}345{one}678", None, AU, "as written")
        for one in "-\u2010\u2011\u2013\u2212\uff0d\u2796\u30fc"
    ),
    ("\uff08\uff10\uff14\uff11\uff12\uff09 345 678", "AU", AU, "completed with AU"),
    ("'+61412345678", None, AU, "as written"),
    ("\u20190412345678", "AU", AU, "completed with AU"),
    ("tel:+61-412-345-678", None, AU, "as written"),
    ("' TEL: +61 412 345 678 ", None, AU, "as written"),
    ("(+61) 412 345 678", None, AU, "as written"),
    ("[+61] 412.345.678", None, AU, "as written"),
    ("+ (61) 412 345 678", None, AU, "as written"),
    # Floats.
    ("6421123456.0", "NZ", "+6421123456", "float text, without its plus"),
    ("6421123456,0", "NZ", "+6421123456", "float text, without its plus"),
    ("+6421123456.00", None, "+6421123456", "float text"),
    ("+628123456789.0", "NZ", "+628123456789", "float text"),
    ("+43664123456.0", "NZ", "+43664123456", "float text"),
    ("+358401234567.0", "NZ", "+358401234567", "float text"),
    ("+39333123456.0", "NZ", "+39333123456", "float text"),
    ("61412345678.0", "AU", AU, "float text, without its plus"),
    ("412345678.0", "AU", AU, "float text, completed with AU"),
    ("6.1491570159E+10", "AU", "+61491570159", "float text, without its plus"),
    ("6,1491570159e+10", "AU", "+61491570159", "float text, without its plus"),
    ("+6.1491570159E10", None, "+61491570159", "float text"),
    ("01.23.45.67.00", "FR", "+33123456700", "completed with FR"),
    ("+61.412.345.678", None, AU, "as written"),
    # Slashes.
    ("030/123456", "DE", "+4930123456", "completed with DE"),
    ("+49 30/123456", None, "+4930123456", "as written"),
    ("+49 (0)30/123456", None, "+4930123456", "as written"),
    ("0049 33203/12345", None, "+493320312345", "00 is a plus"),
    # With a plus.
    ("+61 0412 345 678", "US", AU, "without its trunk prefix"),
    ("+44 (0)20 7946 0958", None, "+442079460958", "as written"),
    ("+39 (0)6 1234 5678", None, "+390612345678", "as written"),
    ("+447700900123", None, "+447700900123", "as written"),
    ("+54 9 11 5555 0100", None, "+5491155550100", "as written"),
    ("+54 11 15 5555 0100", None, "+5491155550100", "without its trunk prefix"),
    ("+44 7700 900123", "AU", "+447700900123", "as written"),
    # Without one.
    ("0412 345 678", "AU", AU, "completed with AU"),
    ("412345678", "AU", AU, "completed with AU"),
    ("61412345678", "AU", AU, "without its plus"),
    ("61 (0)412 345 678", "AU", AU, "without its plus"),
    ("0011 61 412 345 678", "AU", AU, "0011 is a plus"),
    ("0061412345678", "AU", AU, "00 is a plus"),
    ("0061412345678", "US", AU, "00 is a plus"),
    ("00 61 412 345 678", None, AU, "00 is a plus"),
    ("011 61 412 345 678", "US", AU, "011 is a plus"),
    ("010 61 412 345 678", "JP", AU, "010 is a plus"),
    ("(212) 555-0123", "US", "+12125550123", "completed with US"),
    ("12125550123", "US", "+12125550123", "without its plus"),
    ("0151 12345678", "DE", "+4915112345678", "completed with DE"),
    ("030 123456-0", "DE", "+49301234560", "completed with DE"),
    ("06 12 34 56 78", "FR", "+33612345678", "completed with FR"),
    ("021 123 456", "NZ", "+6421123456", "completed with NZ"),
    ("06 1234 5678", "IT", "+390612345678", "completed with IT"),
]


def test_how_a_number_is_spelled():
    found = [(cell, country, *read(cell, country), to_e164(cell, country)) for cell, country, *_ in SPELLED]
    assert found == [(cell, country, number, how, number) for cell, country, number, how in SPELLED]
    assert [one for one in SPELLED if one[2] not in may_mean(one[0], one[1])] == []


@pytest.mark.parametrize(
    ("cell", "country", "reason"),
    [
        ("unknown", "AU", NOT_VALID),
        ("#####", "AU", NOT_VALID),
        ("-61412345678", "AU", NOT_VALID),
        ("=61412345678", "AU", NOT_VALID),
        ("+61 412~345~678", "AU", NOT_VALID),
        ("02-9876-5432\u301c3", "AU", NOT_VALID),
        ("+6141234567\xb2", "AU", NOT_VALID),
        ("+999123456789", "AU", NOT_VALID),
        ("+61412\x00345678", "AU", NOT_VALID),
        ("Anna 0412345678", "AU", "has letters in it"),
        ("1-800-FLOWERS", "US", "has letters in it"),
        ("+61412345678 or 0412345679", "AU", "has letters in it"),
        *((f"+61412345678{end}", None, "has an extension") for end in ("x22", " ext. 5", ";ext=5", "#5")),
        ("+61 412 345 678 \uff45xt. 5", None, "has an extension"),
        # Floats.
        ("6421123456.5", "NZ", FRACTION),
        ("6421123456.000", "NZ", FRACTION),
        ("+6421123456.05", "NZ", FRACTION),
        ("021 123 456.0", "NZ", FRACTION),
        ("021 123 456.00", "NZ", FRACTION),
        ("021.123.456.0", "NZ", FRACTION),
        ("6.14915701595E+10", "AU", FRACTION),
        # Without the point each would be a valid number.
        ("61234567.89", "US", FRACTION),
        ("6123456.789", "US", FRACTION),
        ("6.14916E+10", "AU", SHORTENED),
        # With the digit that is missing it would be another number; without it is a valid one.
        ("6.1491570159E+11", "AU", SHORTENED),
        ("+6.1491570159E11", None, SHORTENED),
        ("6E10", "AU", SHORTENED),
        ("4,12E+08", "AU", SHORTENED),
        ("61,491,570,159", "AU", "has thousands separators"),
        ("+61,491,570,159", "AU", "has thousands separators"),
        # Two.
        *(
            (f"+61412345678{one}+61412345679", "AU", TWO)
            for one in (";", ",", "|", "&", "\n", "\u2028", " ", "", " / ")
        ),
        *((f"0412345678{one}0412345679", "AU", TWO) for one in (";", ", ", "|", " & ", "\r\n", "/")),
        ("+61412345678 0412345679", "AU", NOT_VALID),
        ("++61412345678", "AU", NOT_VALID),
        ("030 123456/7", "DE", TWO),
        ("030123456/030123457", "DE", TWO),
        ("030/123/45678", "DE", TWO),
        ("030 12345 030 12346", "DE", TWO),
        ("+49 30 12345 030 12346", "AU", TWO),
        ("3012345 3012345", "DE", TWO),
        # With a plus.
        ("+6104123456789", "AU", UNFIT),
        ("+57 0321 123 4567", "AU", UNFIT),
        ("+672 81234", "AU", UNFIT),
        ("+6141", "AU", LENGTH),
        # Without one.
        ("4915112345678", "DE", "could be one of several numbers"),
        ("447700900123", "AU", UNFIT),
        ("07700 900123", "GB", UNFIT),
        ("07400 123456", "AU", UNFIT),
        ("030 123456", "AU", UNFIT),
        ("923-4886", "US", LENGTH),
        ("911", "US", LENGTH),
        ("0061412345", "AU", UNFIT),
        ("0412345678", None, "is not a valid phone number with a country code"),
        ("61412345678", None, "is not a valid phone number with a country code"),
        ("001161412345678", None, LENGTH),
        ("0412345678", "XX", "is not a valid phone number with a country code"),
    ],
)
def test_what_is_no_number(cell, country, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        to_e164(cell, country)
    said = str(caught.value).replace("+15551234567", "")
    assert not [part for part in cell.split() if len(part) > 4 and part in said]


DEFAULTS = ["AU", "US", "DE", "GB", "NZ", "JP", "BR", "IT", None]
TYPES = [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]
WIDE = str.maketrans("0123456789+", "".join(chr(0xFF10 + one) for one in range(10)) + "\uff0b")


def spoilt(e164, local, zero, code):
    """Yield a number as it stands in tables: with its country, and without."""
    digits, rest = e164[1:], e164[1 + len(code) :]
    spaced = f"+{code} {rest[:3]} {rest[3:]}"
    first, *others = digits
    yield from (e164, spaced, spaced.replace(" ", "\xa0"), f"\u202a{e164}\u202c", e164.translate(WIDE))
    yield from (f"(+{code}) {rest}", f"'{e164}", f"tel:{e164}", f"00{digits}", f"00 {code} {rest}")
    yield from (f"{e164}.0", f"{e164},0", f"{e164}.00", f"+{first}.{''.join(others)}E+{len(others)}")
    if zero:
        yield from (f"+{code} ({zero}){rest}", f"+{code} {zero}{rest}", f"00{code}{zero}{rest}")


def broken(e164, local):
    """Yield two numbers in a cell, and one with a fraction."""
    national = "".join(filter(str.isdecimal, local))
    yield from (
        f"{e164} {e164}",
        f"{e164}/{e164}",
        f"{e164};{local}",
        f"{e164} {local}",
        f"{e164} {national}",
    )
    yield from (f"{local} {local}", f"{national} {national}", f"{national}{national}", f"{local} / {local}")
    yield from (f"{local}, {local}", f"{e164}.5", f"{local}.5", f"{national}.5")


def spoilt_at_home(local, digits, code):
    """Yield a number as it stands in tables of its own country."""
    bare = "".join(filter(str.isdecimal, local))
    yield from (
        local,
        bare,
        bare.translate(WIDE),
        local.replace(" ", "\u3000"),
        f"'{local}",
        f"\u200e{local}",
    )
    yield from (f"{bare}.0", f"{bare},0", f"{int(bare)}.0", f"{bare[0]}.{bare[1:]}E+{len(bare) - 1}")
    yield from (
        digits,
        f"{digits}.0",
        f"{digits[0]},{digits[1:]}E+{len(digits) - 1}",
        f"{code} {digits[len(code) :]}",
    )


def examples():
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        for kind in TYPES:
            if number := phonenumbers.example_number_for_type(region, kind):
                e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                local = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
                zero = "0" if metadata.national_prefix == "0" and not number.italian_leading_zero else ""
                yield region, e164, local, zero, str(number.country_code)


EXAMPLES = list(examples())


def some_examples(country):
    """Return some of the examples, other ones for the next country, and all of them in all countries."""
    step = budget(len(DEFAULTS), 3)
    return EXAMPLES[DEFAULTS.index(country) % step :: step]


def outcome(cell, country):
    try:
        return to_e164(cell, country)
    except ValueError:
        return None


@pytest.mark.parametrize("country", DEFAULTS)
def test_a_number_with_its_country_is_that_or_none_in_every_country(country):
    right = 0
    for region, e164, local, zero, code in some_examples(country):
        abroad = (
            phonenumbers.PhoneMetadata.metadata_for_region(country).international_prefix if country else ""
        )
        cells = [*spoilt(e164, local, zero, code)]
        if abroad and abroad.isdecimal():
            cells += [f"{abroad}{e164[1:]}", f"{abroad} {code} {e164[1 + len(code) :]}"]
        for cell in cells:
            found = outcome(cell, country)
            assert found in (e164, None), (region, cell, country)
            assert found is None or e164 in may_mean(cell, country)
            right += found == e164
        assert outcome(cells[1], country) == e164
    assert right > 12 * len(some_examples(country))


@pytest.mark.parametrize("country", DEFAULTS)
def test_broken_cells_are_no_numbers(country):
    for region, e164, local, _, _ in some_examples(country):
        for cell in broken(e164, local):
            assert outcome(cell, region) is None, (region, cell)
            # Two numbers of four digits, or two without a gap, are one elsewhere.
            is_one = cell.isdecimal() or len(phone.digits_of(cell)) < 10
            assert is_one or outcome(cell, country) is None, (region, cell)


def test_a_number_in_its_own_country_is_that_or_none():
    right = 0
    for region, e164, local, _, code in EXAMPLES:
        for cell in spoilt_at_home(local, e164[1:], code):
            found = outcome(cell, region)
            assert found in (e164, None), (region, cell)
            assert e164 in may_mean(cell, region), (region, cell)
            right += found == e164
    assert right > 7 * len(EXAMPLES)


@pytest.mark.parametrize("country", DEFAULTS)
def test_a_local_number_of_elsewhere_is_a_valid_one_here_or_none(country):
    code = phonenumbers.country_code_for_region(country)
    for _, e164, local, _, _ in some_examples(country):
        for cell in (local, e164[1:], f"{e164[1:]}.0", local[:-1], e164[1:-1]):
            if found := outcome(cell, country):
                parsed = phonenumbers.parse(found)
                assert phonenumbers.is_valid_number(parsed)
                assert parsed.country_code == code or cell.startswith("00")


@given(st.sampled_from(EXAMPLES), st.sampled_from(DEFAULTS), st.randoms(use_true_random=False))
def test_no_digit_is_made_up(example, country, rng):
    """A number that has lost a digit is told from a true one only where the library can tell it."""
    _, e164, local, *_ = example
    cut = rng.randrange(len(e164))
    for cell in (e164[:cut] + e164[cut + 1 :], local[:cut] + local[cut + 1 :]):
        digits = phone.digits_of(cell)
        if found := outcome(cell, country):
            assert found.endswith(digits.lstrip("0")[-6:])


@given(
    st.text(st.sampled_from("0123456789+-.,/()eE \u200b\uff0b\uff11;x'"), max_size=20),
    st.sampled_from(DEFAULTS),
)
def test_any_text_is_a_number_or_a_sentence(cell, country):
    found = outcome(cell, country)
    assert found is None or (phone.E164.fullmatch(found) and found in may_mean(cell, country))
    assert all(phone.E164.fullmatch(one) for one in may_mean(cell, country))


@pytest.mark.parametrize(
    ("cell", "country", "numbers"),
    [
        (AU, "AU", {AU}),
        ("6421123456.0", "NZ", {"+6421123456"}),
        ("4915112345678", "DE", {"+4915112345678", "+494915112345678"}),
        ("61,412,345,678", "AU", {AU}),
        ("0412345678; 0412345679", "AU", {AU, "+61412345679"}),
        ("0412345678 or +61412345679", "AU", {AU, "+61412345679"}),
        ("+61412345678 / +61412345679", None, {AU, "+61412345679"}),
        ("+61412345678 ext. 5", None, {AU}),
        ("+61 (0)412 345 678", None, {AU}),
        ("+0412345678", "AU", {AU}),
        ("Anna (0412345678)", "AU", {AU}),
        ("0061412345678", None, {AU}),
        ("6.14916E+10", "AU", set()),
        ("nobody", "AU", set()),
    ],
)
def test_whom_a_text_may_mean(cell, country, numbers):
    found = may_mean(cell, country)
    assert numbers <= found if numbers else not found


@pytest.mark.parametrize(
    ("cell", "number", "shown"),
    [
        ("0412 345 678", AU, "0412 3** *** -> +614123*****"),
        ("6421123456.0", "+6421123456", "64211*****.* -> +64211*****"),
        ("6.1491570159E+10", "+61491570159", "6.14915*****E+** -> +614915*****"),
        ("+61\u2800412\u3164345678", AU, r"+61\u2800412\u31643***** -> +614123*****"),
        ("+61\u200b412\xa0345678", AU, r"+61\u200b412\xa03***** -> +614123*****"),
        ("+61412345678" + " " * 20 + ".", AU, "+614123*****" + " " * 18 + " -> +614123*****"),
        ("\uff0b\uff16\uff11412345678", AU, "\uff0b\uff16\uff114123***** -> +614123*****"),
    ],
)
def test_samples_hide_the_end(cell, number, shown):
    assert sample(cell, number) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("+61411222333", "+614112*****"), ("+6141", "*****"), ("+61", "***"), ("", "")]
)
def test_a_mask_hides_the_end_and_is_no_longer_than_the_number(number, shown):
    assert mask(number) == shown
