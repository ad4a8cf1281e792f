"""UnionPay's counterpart as a program: the protocol by hand, over a real socket."""

import asyncio
import base64
import stat
from collections.abc import AsyncIterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from yibao.sandbox.app import StartPage, create_app, serving
from yibao.sandbox.unionpay import UnionPayKeys, ensure_keys
from yibao.sandbox.world import Person, World, build

DOOR = "/gateway/api/backTransReq.do"


@pytest.fixture(scope="module")
def unionpay_keys(tmp_path_factory: pytest.TempPathFactory) -> UnionPayKeys:
    return ensure_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def world() -> World:
    return build(people=30, on=date(2026, 5, 1))


@pytest.fixture
async def sandbox(unionpay_keys: UnionPayKeys, world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        people=world.people, start_page=StartPage((), ""), sms_secret=b"not used here", unionpay_keys=unionpay_keys
    )
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


def rsa(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def merchant_key(unionpay_keys: UnionPayKeys) -> RSAPrivateKey:
    key = load_pem_private_key((unionpay_keys.merchant_folder / "merchant.key.pem").read_bytes(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def encrypted(unionpay_keys: UnionPayKeys, text: str) -> str:
    return base64.b64encode(rsa(unionpay_keys.encryption_certificate).encrypt(text.encode(), PKCS1v15())).decode()


def customer_info(
    unionpay_keys: UnionPayKeys,
    person: Person,
    *,
    name: str = "",
    cert_no: str = "",
    cert_type: str = "01",
    phone: str = "",
) -> str:
    hidden = encrypted(unionpay_keys, f"phoneNo={phone or person.bank_phone}")
    info = (
        f"{{certifTp={cert_type}&certifId={cert_no or person.cert_no}&customerNm={name or person.name}"
        f"&encryptedInfo={hidden}}}"
    )
    return base64.b64encode(info.encode()).decode()


def fields_of(unionpay_keys: UnionPayKeys, person: Person, **changes: str) -> dict[str, str]:
    fields = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "txnType": "72",
        "txnSubType": "01",
        "bizType": "001001",
        "accessType": "0",
        "channelType": "08",
        "merId": (unionpay_keys.merchant_folder / "merchant_id").read_text().strip(),
        "orderId": "order00000001",
        "txnTime": "20260501093000",
        "certId": str(unionpay_keys.merchant_certificate.serial_number),
        "encryptCertId": str(unionpay_keys.encryption_certificate.serial_number),
        "accNo": encrypted(unionpay_keys, person.bank_card),
        "customerInfo": customer_info(unionpay_keys, person),
    }
    return {name: value for name, value in (fields | changes).items() if value}


def signed(fields: dict[str, str], key: RSAPrivateKey) -> dict[str, str]:
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    signature = key.sign(sha256(text.encode()).hexdigest().encode(), PKCS1v15(), SHA256())
    return fields | {"signature": base64.b64encode(signature).decode()}


def parsed(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in text.split("&"))}


async def ask(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, person: Person, **changes: str
) -> tuple[str, str]:
    answer = await sandbox.post(
        DOOR, data=signed(fields_of(unionpay_keys, person, **changes), merchant_key(unionpay_keys)), timeout=None
    )
    assert answer.status_code == 200
    fields = parsed(answer.text)
    return fields["respCode"], fields["respMsg"]


async def turn(sandbox: httpx.AsyncClient, mode: str, seconds: int = 0) -> None:
    answer = await sandbox.put("/switches/unionpay", json={"mode": mode, "delay_seconds": seconds})
    assert answer.status_code == 200


async def test_the_holder_agrees_and_the_answer_is_signed_over_its_sorted_fields(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    request = signed(fields_of(unionpay_keys, world.people[0]), merchant_key(unionpay_keys))
    text = (await sandbox.post(DOOR, data=request)).text
    answer = parsed(text)
    pem = unionpay_keys.signing_certificate.public_bytes(encoding=Encoding.PEM).decode()
    plain = (
        "accessType=0&bizType=001001&encoding=UTF-8&merId=777290000000001&orderId=order00000001&respCode=00"
        f"&respMsg=成功[0000000]&signMethod=01&signPubKeyCert={pem}&txnSubType=01&txnTime=20260501093000&txnType=72"
        "&version=5.1.0"
    )
    right, altered = (
        sha256(each.encode()).hexdigest().encode() for each in (plain, plain.replace("respCode=00", "respCode=66"))
    )
    signature, key = base64.b64decode(answer["signature"]), rsa(unionpay_keys.signing_certificate)
    key.verify(signature, right, PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(signature, altered, PKCS1v15(), SHA256())
    issuer = x509.load_pem_x509_certificate((unionpay_keys.merchant_folder / "issuers.pem").read_bytes())
    unionpay_keys.signing_certificate.verify_directly_issued_by(issuer)


async def test_every_person_of_the_world_agrees_whatever_their_certificate_and_name(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    """A2, A10: passports, permits of Hong Kong and Macao, rare characters and numbers that end in X."""
    certif_tp = {"01": "01", "04": "04", "07": "99", "08": "03", "17": "99"}
    for person in world.people:
        info = customer_info(
            unionpay_keys, person, cert_type=certif_tp[person.cert_type], cert_no=person.cert_no.lower()
        )
        answer = await ask(sandbox, unionpay_keys, person, orderId=f"order{person.person_id}", customerInfo=info)
        assert answer == ("00", "成功[0000000]"), person.special


async def test_what_differs_is_named_first_the_card_then_name_certificate_and_phone(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    person, other = world.people[0], world.people[1]
    card = {"accNo": encrypted(unionpay_keys, "6229990000000000000")}
    wrong_all = customer_info(unionpay_keys, person, name="别人", cert_no=other.cert_no, phone=other.bank_phone)
    wrong_cert = customer_info(unionpay_keys, person, cert_no=other.cert_no, phone=other.bank_phone)
    wrong_type = customer_info(unionpay_keys, person, cert_type="03")
    wrong_phone = customer_info(unionpay_keys, person, phone=other.bank_phone)
    differs = "持卡人身份信息或手机号输入不正确，验证失败"
    for number, (changes, expected) in enumerate(
        (
            ({**card, "customerInfo": wrong_all}, ("61", "输入的卡号无效，请确认后输入[卡号不符]")),
            ({"customerInfo": wrong_all}, ("66", f"{differs}[姓名不符]")),
            ({"customerInfo": wrong_cert}, ("66", f"{differs}[证件不符]")),
            ({"customerInfo": wrong_type}, ("66", f"{differs}[证件不符]")),
            ({"customerInfo": wrong_phone}, ("66", f"{differs}[手机号不符]")),
        )
    ):
        assert await ask(sandbox, unionpay_keys, person, orderId=f"differs{number:04}", **changes) == expected


async def test_the_phone_that_counts_is_the_one_reserved_with_the_bank(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    person = world.cast("other_bank_phone")
    assert person.phone != person.bank_phone
    own = customer_info(unionpay_keys, person, phone=person.phone)
    assert (await ask(sandbox, unionpay_keys, person, orderId="phone00000001", customerInfo=own))[0] == "66"
    assert (await ask(sandbox, unionpay_keys, person, orderId="phone00000002"))[0] == "00"


async def test_the_same_order_gets_its_first_answer_and_other_elements_under_it_none(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    person, other = world.people[0], world.people[1]
    first = await sandbox.post(DOOR, data=signed(fields_of(unionpay_keys, person), merchant_key(unionpay_keys)))
    again = await sandbox.post(
        DOOR, data=signed(fields_of(unionpay_keys, person, txnTime="20260501103000"), merchant_key(unionpay_keys))
    )
    assert again.text == first.text
    assert await ask(sandbox, unionpay_keys, other) == ("12", "重复交易")


async def test_a_forged_or_altered_request_is_not_answered_with_a_verdict(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    genuine = signed(fields_of(unionpay_keys, world.people[0]), merchant_key(unionpay_keys))
    forged = signed(fields_of(unionpay_keys, world.people[0]), unionpay_keys.signing_key)
    for request in (
        forged,
        genuine | {"orderId": "order00000002"},
        genuine | {"extra": "1"},
        genuine | {"signature": "AAAA"},
        genuine | {"signature": "not base64"},
        genuine | {"certId": "1"},
    ):
        answer = parsed((await sandbox.post(DOOR, data=request)).text)
        assert (answer["respCode"], answer["respMsg"]) == ("11", "验证签名失败")


WRONG: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"accNo": ""}, "13", "accNo"),
    ({"customerInfo": ""}, "13", "customerInfo"),
    ({"version": "5.0.0"}, "10", "version"),
    ({"orderId": "a-b-c-d-e-f"}, "10", "orderId"),
    ({"txnTime": "20260231000000"}, "10", "txnTime"),
    ({"encryptCertId": "1"}, "10", "encryptCertId"),
    ({"accNo": "bm90IGVuY3J5cHRlZA=="}, "10", "accNo"),
    ({"accNo": "*"}, "10", "accNo"),
    ({"customerInfo": base64.b64encode(b"{certifTp=01}").decode()}, "10", "customerInfo"),
    ({"customerInfo": base64.b64encode(b"no braces").decode()}, "10", "customerInfo"),
    ({"customerInfo": base64.b64encode(b"\xff").decode()}, "10", "customerInfo"),
    ({"merId": "777290000000002"}, "31", ""),
    ({"txnType": "01"}, "32", ""),
)


async def test_a_request_that_is_wrong_is_told_what(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    for changes, code, about in WRONG:
        answer = await ask(sandbox, unionpay_keys, world.people[0], **changes)
        assert answer[0] == code, changes
        assert answer[1].endswith(f"[{about}]" if about else answer[1])


async def test_what_is_no_form_gets_400(sandbox: httpx.AsyncClient) -> None:
    for body in (b"", b"abc", b"\xff=1", b"a=%ff", b"a=1&a=2", b"&".join(b"%d=1" % each for each in range(51))):
        assert (await sandbox.post(DOOR, content=body)).status_code == 400


async def test_an_answer_never_repeats_what_would_break_its_form(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    hostile = fields_of(unionpay_keys, world.people[0], orderId="x&respCode=00", merId="名=1")
    body = "&".join(
        f"{name}={quote(value, safe='')}" for name, value in signed(hostile, merchant_key(unionpay_keys)).items()
    )
    answer = (await sandbox.post(DOOR, content=body)).text
    assert answer.count("respCode=") == 1
    assert "respCode=10" in answer
    assert "名" not in answer


@pytest.mark.parametrize(("mode", "expected"), [("refuse", "68"), ("busy", "06")])
async def test_told_to_refuse_or_be_busy_it_says_so_by_code(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World, mode: str, expected: str
) -> None:
    await turn(sandbox, mode)
    assert (await ask(sandbox, unionpay_keys, world.people[0]))[0] == expected
    await turn(sandbox, "agree")
    # A refusal is the answer to this order; being busy was none.
    assert (await ask(sandbox, unionpay_keys, world.people[0]))[0] == ("68" if mode == "refuse" else "00")


async def test_told_to_lose_it_does_the_work_and_the_retry_gets_the_answer(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    await turn(sandbox, "lose")
    lost = await sandbox.post(DOOR, data=signed(fields_of(unionpay_keys, world.people[0]), merchant_key(unionpay_keys)))
    assert (lost.status_code, lost.text) == (504, "")
    await turn(sandbox, "agree")
    assert (await ask(sandbox, unionpay_keys, world.people[1]))[0] == "12"
    assert (await ask(sandbox, unionpay_keys, world.people[0]))[0] == "00"


async def test_a_delayed_answer_goes_when_the_switch_is_turned(
    sandbox: httpx.AsyncClient, unionpay_keys: UnionPayKeys, world: World
) -> None:
    await turn(sandbox, "delay", seconds=30)
    asking = asyncio.create_task(ask(sandbox, unionpay_keys, world.people[0]))
    while (await sandbox.get("/switches/unionpay")).json()["held"] == 0:
        assert not asking.done()
    await turn(sandbox, "agree")
    assert (await asking)[0] == "00"


def test_keys_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    first, second = ensure_keys(tmp_path / "new" / "keys"), ensure_keys(tmp_path / "new" / "keys")
    assert first.signing_certificate == second.signing_certificate
    assert first.merchant_certificate == second.merchant_certificate
    files = [each for each in (tmp_path / "new").rglob("*") if each.is_file()]
    assert len(files) == 8
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert {each.name for each in first.merchant_folder.iterdir()} == {
        "merchant_id",
        "merchant.key.pem",
        "merchant.cert.pem",
        "encryption.cert.pem",
        "issuers.pem",
    }


def test_keys_left_half_made_are_made_anew(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path)
    (tmp_path / "unionpay" / "signing.cert.pem").unlink()
    second = ensure_keys(tmp_path)
    assert first.signing_certificate != second.signing_certificate
    assert second.signing_key.public_key() == second.signing_certificate.public_key()
