"""Phone numbers: the short way to E.164 says nothing that the library does not."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend import phone
from clicksend.phone import to_e164

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
numbers = st.builds(
    "+{}{}{}".format,
    st.sampled_from(CODES) | st.integers(1, 999),
    st.sampled_from(["", "", "0", "1", "8", "9", "15", "011", "044"]),
    st.text("0123456789", min_size=4, max_size=12),
)


@given(numbers)
def test_what_is_taken_as_it_is_the_library_takes_as_it_is(number):
    if phone._is_spelled_so(number):
        parsed = phonenumbers.parse(number)
        assert (
            phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
        )
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


@pytest.mark.parametrize("code", CODES)
def test_the_numbers_of_all_countries_take_the_short_way(code):
    """It would be no short way if a common number missed it."""
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if example:
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert to_e164(number) == number
            if region in {"AU", "US", "GB", "NZ", "DE", "FR", "IN", "SG", "ZA"}:
                assert phone._is_spelled_so(number)


@pytest.mark.parametrize(
    "text", ["+6149157015\uff16", "+0491570156", "61491570156", "+61 491570156", "+61491570156x"]
)
def test_what_takes_the_long_way(text):
    assert not phone._is_spelled_so(text)
