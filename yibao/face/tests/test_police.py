"""The police bureau's photo service, both ends of the protocol over a real socket (B12)."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest
from PIL import Image

from conftest import WorldClock
from yibao.core.gm import hmac_sm3
from yibao.core.partner import Partner
from yibao.face import ByPolicePhoto, Eyes, HttpPolice, NoPolice, Subject, refusals
from yibao.face.judge import Outcome
from yibao.face.police import SIGNATURE_HEADER, No
from yibao.face.tests.looks import OTHER, STRAIGHT, Scripted, face_of, seen
from yibao.face.types import Look
from yibao.sandbox import unionpay
from yibao.sandbox.app import StartPage, create_app, serving
from yibao.sandbox.police import NONCES_MAX, Photos
from yibao.sandbox.world import DEMO_PASSWORD, World, build

SECRET = b"police secret of the tests"


def picture(*, width: int = 358, kind: str = "JPEG") -> bytes:
    drawn = io.BytesIO()
    Image.effect_noise((width, width * 5 // 4), 40).save(drawn, kind)
    return drawn.getvalue()


PHOTO = picture()


@pytest.fixture(scope="module")
def world() -> World:
    return build(people=12, on=date(2026, 5, 1))


@pytest.fixture(scope="module")
def bank_keys(tmp_path_factory: pytest.TempPathFactory) -> unionpay.UnionPayKeys:
    return unionpay.ensure_keys(tmp_path_factory.mktemp("keys"))


@dataclass
class Bureau:
    """The simulated bureau, and our end of the line to it."""

    address: str
    client: httpx.AsyncClient
    police: HttpPolice
    subject: Subject
    clock: WorldClock

    async def turns(self, mode: str, seconds: int = 0) -> None:
        answer = await self.client.put(f"{self.address}/switches/police", json={"mode": mode, "delay_seconds": seconds})
        answer.raise_for_status()

    async def has(self, photo: bytes) -> int:
        answer = await self.client.put(f"{self.address}/police/photos/{self.subject.cert_no}", content=photo)
        return answer.status_code

    async def answers(self, **changed: str) -> bytes | No:
        about = Subject(**{name: changed.get(name, getattr(self.subject, name)) for name in Subject.__struct_fields__})
        return await self.police.photo(about, at=self.clock())


@pytest.fixture
async def bureau(world: World, bank_keys: unionpay.UnionPayKeys, clock: WorldClock) -> AsyncIterator[Bureau]:
    app = create_app(
        people=world.people,
        start_page=StartPage(world.institutions, DEMO_PASSWORD),
        sms_secret=b"sms",
        unionpay_keys=bank_keys,
        police_secret=SECRET,
        clock=clock,
    )
    person = world.people[0]
    async with serving(app) as address, httpx.AsyncClient(trust_env=False) as client:
        yield Bureau(
            address,
            client,
            HttpPolice(Partner(client=client, url=address, secret=SECRET, timeout_seconds=2)),
            Subject(person.name, person.cert_type, person.cert_no),
            clock,
        )


async def test_a_photo_on_record_arrives_as_it_was_given(bureau: Bureau) -> None:
    assert await bureau.answers() == "photo_missing"
    assert await bureau.has(PHOTO) == 204
    assert await bureau.answers() == PHOTO


async def test_who_is_not_known_is_told_from_a_wrong_name(bureau: Bureau) -> None:
    await bureau.has(PHOTO)
    assert await bureau.answers(cert_no="990101190001010000") == "identity_unknown"
    assert await bureau.answers(cert_type="08") == "identity_unknown"
    assert await bureau.answers(name="别人") == "name_differs"


@pytest.mark.parametrize(
    ("mode", "answer"), [("busy", "pending"), ("lose", "pending"), ("no_photo", "photo_missing"), ("delay", PHOTO)]
)
async def test_the_bureau_does_what_its_switch_says(bureau: Bureau, mode: str, answer: bytes | str) -> None:
    await bureau.has(PHOTO)
    await bureau.turns(mode)
    assert await bureau.answers() == answer


async def test_an_unclear_photo_is_a_tiny_one(bureau: Bureau) -> None:
    await bureau.has(PHOTO)
    await bureau.turns("unclear")
    tiny = await bureau.answers()
    assert isinstance(tiny, bytes)
    assert Image.open(io.BytesIO(tiny)).width < 40


async def test_silence_leaves_it_open(bureau: Bureau) -> None:
    await bureau.has(PHOTO)
    await bureau.turns("delay", 30)
    hasty = HttpPolice(Partner(client=bureau.client, url=bureau.address, secret=SECRET, timeout_seconds=0.05))
    assert await hasty.photo(bureau.subject, at=bureau.clock()) == "pending"
    nowhere = HttpPolice(Partner(client=bureau.client, url="http://127.0.0.1:1", secret=SECRET))
    assert await nowhere.photo(bureau.subject, at=bureau.clock()) == "pending"


async def test_a_question_with_another_secret_or_of_another_time_is_not_answered(bureau: Bureau) -> None:
    await bureau.has(PHOTO)
    stranger = HttpPolice(Partner(client=bureau.client, url=bureau.address, secret=b"another"))
    assert await stranger.photo(bureau.subject, at=bureau.clock()) == "pending"
    early = bureau.clock()
    bureau.clock.advance(seconds=301)
    assert await bureau.police.photo(bureau.subject, at=early) == "pending"


async def test_a_question_is_answered_once(bureau: Bureau) -> None:
    sent: list[httpx.Request] = []

    async def remember(request: httpx.Request) -> None:
        sent.append(request)

    async with httpx.AsyncClient(trust_env=False, event_hooks={"request": [remember]}) as client:
        await HttpPolice(Partner(client=client, url=bureau.address, secret=SECRET)).photo(
            bureau.subject, at=bureau.clock()
        )
        again = await client.send(sent[0])
    assert again.status_code == 401
    assert NONCES_MAX > 1000


@pytest.mark.parametrize("forge", ["unsigned", "other_secret", "other_question", "not_json", "not_base64"])
async def test_an_answer_that_is_not_genuine_leaves_it_open(forge: str, clock: WorldClock) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        nonce = request.headers["x-yb-nonce"]
        body = b'{"result":"photo","nonce":"%b","photo":"aGVsbG8="}' % nonce.encode()
        if forge == "not_json":
            body = b"<html>"
        if forge == "not_base64":
            body = body.replace(b"aGVsbG8=", b"***")
        secret = b"other" if forge == "other_secret" else SECRET
        signature = hmac_sm3(secret, (b"0" * 32 if forge == "other_question" else nonce.encode()) + b"\n" + body)
        headers = {} if forge == "unsigned" else {SIGNATURE_HEADER: signature.hex()}
        return httpx.Response(200, content=body, headers=headers)

    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as client:
        asked = HttpPolice(Partner(client=client, url="http://police.test", secret=SECRET))
        assert await asked.photo(Subject("医小川", "01", "990101195803150017"), at=clock()) == "pending"


async def test_what_is_no_picture_is_not_kept(bureau: Bureau) -> None:
    assert await bureau.has(b"not a picture") == 400
    answer = await bureau.client.put(f"{bureau.address}/police/photos/990101190001010000", content=PHOTO)
    assert answer.status_code == 404
    assert await bureau.answers() == "photo_missing"


async def test_a_developer_gives_and_takes_photos_on_the_page(bureau: Bureau) -> None:
    page = f"{bureau.address}/police"
    before = await bureau.client.get(page)
    assert "没有照片" in before.text
    assert "已有照片" not in before.text
    form = f"{page}/photos/{bureau.subject.cert_no}"
    upload = {"photo": ("me.png", picture(width=200, kind="PNG"))}
    afar = await bureau.client.post(form, files=upload, headers={"origin": "http://elsewhere.test"})
    assert afar.status_code == 403
    given = await bureau.client.post(form, files=upload)
    assert (given.status_code, given.headers["location"]) == (303, "/police")
    assert "已有照片（200 × 250）" in (await bureau.client.get(page)).text
    await bureau.client.post(f"{form}/remove")
    assert "已有照片" not in (await bureau.client.get(page)).text


def test_photos_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "police"
    Photos(folder).put("990101195803150017", PHOTO)
    assert [path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())] == [0o700, 0o600]
    again = Photos(folder)
    assert again.get("990101195803150017") == PHOTO
    again.remove("990101195803150017")
    assert list(folder.iterdir()) == []
    assert Photos(folder).get("990101195803150017") is None


class Given:
    """Police that answers this."""

    def __init__(self, answer: bytes | No) -> None:
        self.answer = answer

    def require_connected(self) -> None:
        return

    async def photo(self, subject: Subject, *, at: object) -> bytes | No:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "reference", "outcome"),
    [
        ("identity_unknown", STRAIGHT, "identity_unknown"),
        ("name_differs", STRAIGHT, "name_differs"),
        ("photo_missing", STRAIGHT, "photo_missing"),
        ("pending", STRAIGHT, "pending"),
        (b"unreadable", STRAIGHT, "photo_unclear"),
        (b"photo", Look(causes=("no_face",)), "photo_unclear"),
        (b"photo", seen(causes=("blurred",)), "photo_unclear"),
        (b"photo", seen(causes=("too_far",)), "photo_unclear"),
        (b"photo", STRAIGHT, "same"),
        (b"photo", seen(embedding=OTHER), "different"),
        (b"photo", seen(embedding=face_of(64)), "unsure"),  # A cosine of 0.438.
        (b"photo", seen(embedding=face_of(64), width=46), "same"),  # Enough for the small photo of a chip.
    ],
)
async def test_our_judge_compares_with_the_photo_on_record(
    answer: bytes | No, reference: Look, outcome: Outcome, clock: WorldClock
) -> None:
    judge = ByPolicePhoto(Given(answer), Eyes(Scripted({b"photo": reference})))
    subject = Subject("医小川", "01", "990101195803150017")
    assert await judge.judge(b"straight", STRAIGHT, subject, at=clock()) == outcome


async def test_without_a_bureau_nothing_is_compared(clock: WorldClock) -> None:
    with pytest.raises(refusals.PoliceNotConnected):
        ByPolicePhoto(NoPolice(), Eyes(Scripted())).require_connected()
    with pytest.raises(refusals.PoliceNotConnected):
        await NoPolice().photo(Subject("医小川", "01", "990101195803150017"), at=clock())
