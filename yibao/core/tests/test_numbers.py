"""Numbers that lead back to their person and show nothing else (B15)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao.core.numbers import COUNTER_MAX, Numbers

NUMBERS = Numbers(bytes(range(16)))


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(region=digits(6), person_id=digits(12), counter=st.integers(0, COUNTER_MAX))
def test_a_number_leads_back_to_its_person_and_counter(region: str, person_id: str, counter: int) -> None:
    number = NUMBERS.issue(region=region, person_id=person_id, counter=counter)
    assert len(number) == 30
    assert number.isdigit()
    assert number.startswith(region)
    assert NUMBERS.person_of(number) == person_id
    assert NUMBERS.counter_of(number) == counter


def test_no_two_documents_bear_the_same_number() -> None:
    issued = [
        NUMBERS.issue(region=region, person_id=f"{person:012d}", counter=counter)
        for region in ("510199", "320682")
        for person in range(20)
        for counter in range(20)
    ]
    assert len(set(issued)) == len(issued)


def test_another_place_reads_another_person() -> None:
    number = NUMBERS.issue(region="510199", person_id="000000000001", counter=1)
    assert Numbers(bytes(16)).person_of(number) != "000000000001"
    assert NUMBERS.person_of("320682" + number[6:]) != "000000000001"


@pytest.mark.parametrize(
    "number", ["", "1" * 29, "1" * 31, "1" * 29 + "x", "1" * 30 + "\n", " " + "1" * 29, "１" * 30, "-" + "1" * 29]
)
def test_a_malformed_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="30 digits"):
        NUMBERS.person_of(number)
    with pytest.raises(ValueError, match="30 digits"):
        NUMBERS.counter_of(number)


@pytest.mark.parametrize("region", ["", "51019", "5101990", "51019x", "５１０１９９"])
def test_a_malformed_region_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="region"):
        NUMBERS.issue(region=region, person_id="000000000001", counter=1)


@pytest.mark.parametrize("person_id", ["", "1", "0000000000001", "00000000000x", "１" * 12])
def test_a_malformed_person_is_refused(person_id: str) -> None:
    with pytest.raises(ValueError, match="person"):
        NUMBERS.issue(region="510199", person_id=person_id, counter=1)


@pytest.mark.parametrize("counter", [-1, COUNTER_MAX + 1])
def test_a_counter_out_of_range_is_refused(counter: int) -> None:
    with pytest.raises(ValueError, match="counter"):
        NUMBERS.issue(region="510199", person_id="000000000001", counter=counter)
