"""Receipt numbers, identity numbers and their check characters, against python-stdnum."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_37_36

from casework.errors import InvalidNumber
from casework.identity import citizen_id_check, citizen_id_valid, credit_code_valid, mask
from casework.numbers import (
    OfficialNumberProfile,
    check_character,
    epoch_tag,
    parse_receipt_number,
    receipt_number,
)

DAY = date(2026, 11, 22)
EPOCH = 1_795_000_000_000
NUMBER = receipt_number(station="CG0111", day=DAY, epoch=EPOCH, serial=7)
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_receipt_number_has_its_parts_in_order() -> None:
    """Station, day, epoch tag, serial of at least four digits, check character."""
    assert "CG0111-20261122-7UI-0007-N" == NUMBER
    parts = parse_receipt_number(NUMBER)
    assert ("CG0111", DAY, 7) == (parts.station, parts.day, parts.serial)


@given(st.text(LETTERS, min_size=1, max_size=30))
def test_check_character_agrees_with_the_oracle(text: str) -> None:
    """The check character is that of ISO 7064 MOD 37,36."""
    assert mod_37_36.calc_check_digit(text) == check_character(text)


@given(
    st.text(LETTERS, min_size=4, max_size=12),
    st.dates(date(1970, 1, 1), date(2199, 12, 31)),
    st.integers(0, 2**43),
    st.integers(1, 99_999_999),
)
def test_receipt_number_is_read_back(station: str, day: date, epoch: int, serial: int) -> None:
    """Every number given can be typed in again, small letters and spaces included."""
    given_number = receipt_number(station=station, day=day, epoch=epoch, serial=serial)
    assert given_number == str(parse_receipt_number(f" {given_number.lower()} "))


def test_number_without_hyphens_is_understood() -> None:
    """A scan or a person may leave the hyphens out."""
    assert NUMBER == str(parse_receipt_number(NUMBER.replace("-", "")))


@given(st.integers(0, len(NUMBER) - 1), st.sampled_from(LETTERS))
def test_one_wrong_character_is_noticed(place: int, char: str) -> None:
    """Any single wrong character is refused, never another case found."""
    typed = NUMBER[:place] + char + NUMBER[place + 1 :]
    if typed == NUMBER:
        return
    with pytest.raises(InvalidNumber):
        parse_receipt_number(typed)


@pytest.mark.parametrize("text", ["", "CG0111", "-" * 26, NUMBER * 9, NUMBER[:-1] + "号"])
def test_other_texts_are_refused_with_a_sentence(text: str) -> None:
    """What is no number is refused in words a clerk understands."""
    with pytest.raises(InvalidNumber) as refusal:
        parse_receipt_number(text)
    assert "收件编号不对" in refusal.value.sentence


def test_new_epoch_gives_another_number_on_the_same_day() -> None:
    """A restored station that counts from one again never repeats a number of that day."""
    later = receipt_number(station="CG0111", day=DAY, epoch=EPOCH + 60_000, serial=7)
    assert NUMBER != later
    assert 1_440 == len({epoch_tag(EPOCH + minute * 60_000) for minute in range(1_440)})


@pytest.mark.parametrize(("station", "serial"), [("CG", 1), ("cg0111", 1), ("CG0111", 0)])
def test_impossible_parts_are_refused(station: str, serial: int) -> None:
    """No number is made from a bad station code or serial."""
    with pytest.raises(InvalidNumber):
        receipt_number(station=station, day=DAY, epoch=EPOCH, serial=serial)


def test_official_number_of_the_default_profile_is_marked() -> None:
    """The form of 办件编号 has no confirmed source, so the default says 演示."""
    number = OfficialNumberProfile().number(division="530114000000", day=DAY, serial=3)
    assert "演示-530114000000-20261122-0003" == number


@given(st.integers(0, 99), st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(0, 999))
def test_citizen_check_digit_agrees_with_the_oracle(area: int, born: date, order: int) -> None:
    """The check character of a citizen number is that of python-stdnum."""
    head = f"9901{area:02d}{born:%Y%m%d}{order:03d}"
    assert ric.calc_check_digit(head + "0") == citizen_id_check(head)
    assert citizen_id_valid(head + citizen_id_check(head))


@pytest.mark.parametrize(
    "number", ["", "990101199002300012", "99010119900101001", "9901011990010100x1", "９" * 18]
)
def test_malformed_citizen_numbers_are_not_valid(number: str) -> None:
    """Wrong length, impossible birth dates and other digits are no citizen numbers."""
    assert not citizen_id_valid(number)


def test_wrong_check_digit_is_noticed() -> None:
    """Of the eleven endings exactly one is valid."""
    head = "99010119900101001"
    assert 1 == sum(citizen_id_valid(head + end) for end in "0123456789X")


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9), st.integers(0, 999_999))
def test_credit_code_agrees_with_the_oracle(subject: str, division: int) -> None:
    """A code is valid exactly when python-stdnum computes the same check character."""
    head = f"91{division:06d}{subject}"
    right = uscc.calc_check_digit(head)
    assert credit_code_valid(head + right)
    assert 1 == sum(credit_code_valid(head + end) for end in "0123456789ABCDEFGHJKLMNPQRTUWXY")


def test_credit_code_of_another_alphabet_is_not_valid() -> None:
    """I, O, S, V and Z do not occur."""
    assert not credit_code_valid("91990101MA0000000I")
    assert not credit_code_valid("91AB0101MA00000000")


def test_masked_number_shows_only_its_ends() -> None:
    """Four characters at each end stay readable; a short number shows nothing."""
    assert "9901**********1234" == mask("990101199001011234")
    assert "*" * 11 == mask("1" * 11)
    assert "" == mask("")
