"""Visit tokens: the national shape, leading to the person and to nobody else."""

import re
from random import Random

import pytest

from yibao.core.vault import Keys
from yibao.credential import Tokens

TOKENS = Tokens(Keys(*(Random(3).randbytes(length) for length in (16, 32, 16, 16, 32, 32))))


def test_a_token_has_the_national_shape_and_leads_to_its_person() -> None:
    token = TOKENS.issue(place="510500", person_id="000123456789")
    assert re.fullmatch(r"510500ec[0-9]{24}[0-9a-f]{8}", token)
    assert TOKENS.person_of(token) == "000123456789"


def test_two_tokens_of_a_person_have_nothing_in_common_to_see() -> None:
    tokens = {TOKENS.issue(place="510500", person_id="000123456789") for _ in range(200)}
    assert len({token[8:20] for token in tokens}) == len({token[32:] for token in tokens}) == 200


@pytest.mark.parametrize(
    "text",
    ["", "510500", "510500ec" + "1" * 32 + "0", "510500EC" + "1" * 32, "51050xec" + "1" * 32, "510500ec" + "f" * 32],
)
def test_what_is_no_token_leads_to_nobody(text: str) -> None:
    with pytest.raises(ValueError, match="not a visit token"):
        TOKENS.person_of(text)


def test_a_token_under_another_place_leads_to_another_person() -> None:
    token = TOKENS.issue(place="510500", person_id="000123456789")
    assert TOKENS.person_of("510100" + token[6:]) != "000123456789"
