"""Papers of the families that this world has, marked as what they are (B10)."""

import io
from datetime import date

from litestar import Litestar
from litestar.testing import TestClient
from PIL import Image

from yibao.sandbox import papers, world
from yibao.sandbox.papers import pages, paper_routes
from yibao.sandbox.world.families import HOUSEHOLDS, complete, register

PEOPLE = world.build(seed=20260101, people=100, on=date(2026, 5, 12)).people


def test_families_are_of_people_who_could_be_one() -> None:
    for household in HOUSEHOLDS:
        assert complete(household, PEOPLE)
        members = register(household, PEOPLE)
        head, spouse, *children = [person for person, _ in members]
        assert {head.gender, spouse.gender} == {"1", "2"}
        assert all(child.birth_on.year - parent.birth_on.year >= 18 for child in children for parent in (head, spouse))
        assert {relation for _, relation in members} <= {"户主", "妻", "夫", "子", "女"}
        assert set.intersection(*({one.place for one in person.insurances} for person, _ in members))


def test_a_world_that_is_too_small_has_no_papers() -> None:
    assert pages(PEOPLE[:10]) == []


def test_every_paper_can_be_downloaded_and_looks_like_none_that_is_real() -> None:
    there = pages(PEOPLE)
    assert len(there) == 6 * len(HOUSEHOLDS)
    with TestClient(Litestar([paper_routes(there)], openapi_config=None)) as client:
        answer = client.get(f"/papers/{there[1].name}.png")
        assert answer.headers["content-type"] == "image/png"
        picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
        # The red of the mark stands in both upper corners.
        for corner in ((60, 40, 300, 90), (picture.width - 300, 40, picture.width - 60, 90)):
            red, green, blue = picture.crop(corner).split()
            reddest = zip(red.tobytes(), green.tobytes(), blue.tobytes(), strict=True)
            assert any(r > 180 and g < 90 and b < 90 for r, g, b in reddest)
        assert client.get("/papers/nobody.png").status_code == 404
    assert "无效" in papers.MARK
