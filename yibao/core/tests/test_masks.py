"""How much of a person is shown to others (B15)."""

import pytest

from yibao.core.masks import masked_certificate, masked_name, masked_phone


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("医小川", "医*川"),
        ("医川", "医*"),
        ("医", "*"),
        ("", ""),
        ("医保小川", "医**川"),
        ("医小𠅤", "医*𠅤"),
        ("依丽娜·保晓安", "依*****安"),
        ("TESTMANN HANS", "T***********S"),
    ],
)
def test_a_name_shows_its_ends_alone(name: str, shown: str) -> None:
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("cert_no", "shown"),
    [
        ("990000195803150017", "990***********0017"),
        ("99000019580315002X", "990***********002X"),
        ("990000580315001", "990********5001"),
        ("H99000001", "H******01"),
        ("ZZ9900001", "Z******01"),
        ("H99001", "******"),
        ("", ""),
    ],
)
def test_a_certificate_shows_neither_birthday_nor_county(cert_no: str, shown: str) -> None:
    assert masked_certificate(cert_no) == shown


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("19900000001", "199****0001"), ("0830-9900001", "********0001"), ("12393", "*****"), ("", "")],
)
def test_a_phone_shows_its_last_digits(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown
