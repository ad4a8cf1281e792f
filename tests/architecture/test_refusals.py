"""Every refusal is documented, complete, and says nothing of a person."""

import importlib
import pkgutil
import string

import pytest

import yibao
from yibao.core.refusal import Refusal
from yibao.site import reference

for module in pkgutil.walk_packages(yibao.__path__, "yibao."):
    # What is measured against is installed by `make bench` only, and refuses nothing.
    if ".tests" not in module.name and not module.name.startswith("yibao.cli.bench_"):
        importlib.import_module(module.name)

REFUSALS = sorted(Refusal.catalogue.items())
PERSONAL = {"name", "phone", "cert_no", "card_no", "bank_card", "person_id", "account_id", "password", "code"}


@pytest.mark.parametrize(("code", "refusal"), REFUSALS, ids=[code for code, _ in REFUSALS])
def test_a_refusal_says_what_happened_and_what_to_do(code: str, refusal: type[Refusal]) -> None:
    room, _, phrase = code.partition(".")
    assert room in reference.ROOMS
    assert phrase.replace("_", "").isalnum()
    assert refusal.title
    assert "{" not in refusal.title  # Of the texts, it alone is not filled in with the facts.
    assert refusal.remedy
    assert 400 <= refusal.status <= 503
    for text in (refusal.title, refusal.detail, refusal.hint, refusal.remedy):
        facts = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert not facts & PERSONAL


def test_the_reference_of_errors_is_current(request: pytest.FixtureRequest) -> None:
    page = request.config.rootpath / "docs" / "reference" / "errors.md"
    assert page.read_text("utf-8") == reference.errors(), "run: yibao reference"
