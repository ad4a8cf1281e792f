"""UnionPay's real-name service: are these four elements those of the card's holder?

It speaks the published all-channel protocol (全渠道 ACP 5.1.0, background transaction 72/01), which
`yibao.identity.unionpay` speaks from the other side:

- the request is a form; accNo and encryptedInfo (phoneNo) are encrypted with the encryption certificate, PKCS#1 v1.5;
- customerInfo is base64 of {certifTp=…&certifId=…&customerNm=…&encryptedInfo=…};
- signature is base64 of RSA-SHA256 over the hex SHA-256 of the other fields, sorted, as k=v joined with &;
- the answer is such a string too, not percent-encoded, and carries its signer's certificate in signPubKeyCert.

Every answer to a form is 200 with a respCode; only what is no form at all gets 400. The codes are UnionPay's own. Real
banks say 66 for a name, a certificate or a phone that differs and often no more; this one always names the first that
differs in brackets, as developers need it.
"""

import base64
import binascii
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from litestar import MediaType, Response, Router, post
from litestar.exceptions import ClientException
from litestar.params import RawBody

from yibao.sandbox.switches import Counterpart, Mode, Switches

COUNTERPART = Counterpart(
    name="unionpay",
    title="银联实名认证",
    modes={
        Mode.AGREE: "按银行预留信息核对四要素",
        Mode.REFUSE: "一律答复 68：银行卡暂不支持该业务",
        Mode.BUSY: "一律答复 06：系统繁忙",
        Mode.DELAY: "照常核对，应答推迟",
        Mode.LOSE: "照常核对，应答丢失（推迟后 504）",
    },
)

MERCHANT_ID = "777290000000001"
ANSWERS_MAX = 10_000


class Outcome(NamedTuple):
    """A respCode with its respMsg."""

    code: str
    message: str

    def about(self, what: str) -> "Outcome":
        """Return the same outcome with what it is about in brackets."""
        return Outcome(self.code, f"{self.message}[{what}]")


AGREED = Outcome("00", "成功[0000000]")
BUSY = Outcome("06", "系统繁忙，请稍后再试")
MALFORMED = Outcome("10", "报文格式错误")
SIGNATURE_WRONG = Outcome("11", "验证签名失败")
DUPLICATE = Outcome("12", "重复交易")
MISSING = Outcome("13", "报文交易要素缺失")
NO_SUCH_MERCHANT = Outcome("31", "商户状态不正确")
NOT_PERMITTED = Outcome("32", "无此交易权限")
CARD_INVALID = Outcome("61", "输入的卡号无效，请确认后输入")
HOLDER_DIFFERS = Outcome("66", "持卡人身份信息或手机号输入不正确，验证失败")
CARD_NOT_SUPPORTED = Outcome("68", "您的银行卡暂不支持该业务，请向您的银行或95516咨询")

_REQUIRED = (
    *("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType", "channelType"),
    *("merId", "orderId", "txnTime", "certId", "encryptCertId", "accNo", "customerInfo", "signature"),
)
_FIXED = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0"}
_SHAPES = {
    "bizType": re.compile(r"[0-9]{6}"),
    "channelType": re.compile(r"[0-9]{2}"),
    "orderId": re.compile(r"[0-9A-Za-z]{8,40}"),
    "txnTime": re.compile(r"[0-9]{14}"),
}
_ECHOED = ("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType", "merId", "orderId")
_PLAIN = re.compile(r"[0-9A-Za-z.-]{1,40}")  # What may be echoed without a chance of breaking the answer's form.


@dataclass(frozen=True, slots=True)
class BankCustomer:
    """The holder of a card as the bank knows them; `cert_type` in UnionPay's numbers (certifTp)."""

    name: str
    cert_type: str
    cert_no: str
    phone: str


CustomerOf = Callable[[str], BankCustomer | None]


@dataclass(frozen=True, slots=True)
class UnionPayKeys:
    """What UnionPay's side holds, and the folder with what it handed to the merchant."""

    signing_key: RSAPrivateKey
    signing_certificate: x509.Certificate
    encryption_key: RSAPrivateKey
    encryption_certificate: x509.Certificate
    merchant_certificate: x509.Certificate
    merchant_folder: Path


def ensure_keys(folder: Path) -> UnionPayKeys:
    """Make the keys of both sides at the first call, mode 0600, and return UnionPay's; later calls return the same.

    `folder/unionpay` is UnionPay's own; `folder/merchant` holds what a merchant is given: merchant_id,
    merchant.key.pem, merchant.cert.pem, encryption.cert.pem and issuers.pem, the certificates that may issue the
    signing certificate. The certificates are valid from 2000 to 2099, because journeys run on a clock of their own.
    """
    ours, theirs = folder / "unionpay", folder / "merchant"
    if not (ours / "signing.cert.pem").exists():
        _make_keys(ours, theirs)
    return UnionPayKeys(
        signing_key=_read_key(ours / "signing.key.pem"),
        signing_certificate=_read_certificate(ours / "signing.cert.pem"),
        encryption_key=_read_key(ours / "encryption.key.pem"),
        encryption_certificate=_read_certificate(theirs / "encryption.cert.pem"),
        merchant_certificate=_read_certificate(theirs / "merchant.cert.pem"),
        merchant_folder=theirs,
    )


def _make_keys(ours: Path, theirs: Path) -> None:
    issuer_key, signing_key, encryption_key, merchant_key = (
        generate_private_key(public_exponent=65537, key_size=2048) for _ in range(4)
    )
    issuer = _certificate("YIBAO SANDBOX CA", issuer_key, issuer_name="YIBAO SANDBOX CA", issuer_key=issuer_key)

    def issued(name: str, key: RSAPrivateKey) -> bytes:
        certificate = _certificate(name, key, issuer_name="YIBAO SANDBOX CA", issuer_key=issuer_key)
        return certificate.public_bytes(Encoding.PEM)

    # Merchants check the third part of the signer's name, for the same authority issues certificates to others.
    for path, content in (
        (ours / "signing.key.pem", _pem(signing_key)),
        (ours / "encryption.key.pem", _pem(encryption_key)),
        (theirs / "merchant_id", f"{MERCHANT_ID}\n".encode()),
        (theirs / "merchant.key.pem", _pem(merchant_key)),
        (theirs / "merchant.cert.pem", issued(f"041@{MERCHANT_ID}@沙盒商户@00000001", merchant_key)),
        (theirs / "encryption.cert.pem", issued("041@0@中国银联股份有限公司@00000002", encryption_key)),
        (theirs / "issuers.pem", issuer.public_bytes(Encoding.PEM)),
        # The last one says that the others are complete.
        (ours / "signing.cert.pem", issued("041@0@中国银联股份有限公司@00000003", signing_key)),
    ):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        part.replace(path)


def _certificate(name: str, key: RSAPrivateKey, *, issuer_name: str, issuer_key: RSAPrivateKey) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer_name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=name == issuer_name, path_length=None), critical=True)
        .sign(issuer_key, SHA256())
    )


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_key(path: Path) -> RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path.name} is not an RSA key")
    return key


def _read_certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


class _Refused(Exception):
    """A request that ends before the bank is asked."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class _Elements:
    card_no: str
    holder: BankCustomer


class RealNameDesk:
    """Answers requests from what the bank knows and remembers each answer under its order number."""

    def __init__(self, *, keys: UnionPayKeys, customer_of: CustomerOf) -> None:
        self._keys = keys
        self._customer_of = customer_of
        self._answers: OrderedDict[str, tuple[_Elements, str]] = OrderedDict()

    def answer(self, fields: Mapping[str, str], *, mode: Mode) -> str:
        """Return the signed answer to a request, under the mode that the switch is in.

        The first that applies: 13 a field is missing, 11 the signature is wrong, 10 a field is malformed, 31 or 32 not
        this merchant or transaction, 06 busy, 12 the order number belongs to other elements, 68 refused, then 61 and 66
        for what differs. The same order with the same elements gets its first answer again.
        """
        try:
            self._require_genuine(fields)
            elements = self._elements(fields)
            if mode is Mode.BUSY:
                raise _Refused(BUSY)
        except _Refused as refused:
            return self._signed(fields, refused.outcome)
        order = fields["orderId"]
        if order not in self._answers:
            outcome = CARD_NOT_SUPPORTED if mode is Mode.REFUSE else self._comparison(elements)
            self._answers[order] = elements, self._signed(fields, outcome)
            if len(self._answers) > ANSWERS_MAX:
                self._answers.popitem(last=False)
        first_elements, first_answer = self._answers[order]
        return first_answer if first_elements == elements else self._signed(fields, DUPLICATE)

    def _require_genuine(self, fields: Mapping[str, str]) -> None:
        for name in _REQUIRED:
            if not fields.get(name):
                raise _Refused(MISSING.about(name))
        merchant = self._keys.merchant_certificate
        if fields["certId"] != str(merchant.serial_number) or not _signature_fits(fields, _public(merchant)):
            raise _Refused(SIGNATURE_WRONG)
        for name, value in _FIXED.items():
            if fields[name] != value:
                raise _Refused(MALFORMED.about(name))
        for name, shape in _SHAPES.items():
            if not shape.fullmatch(fields[name]):
                raise _Refused(MALFORMED.about(name))
        try:
            datetime.strptime(fields["txnTime"], "%Y%m%d%H%M%S")  # noqa: DTZ007 (only its form is looked at)
        except ValueError:
            raise _Refused(MALFORMED.about("txnTime")) from None
        if fields["encryptCertId"] != str(self._keys.encryption_certificate.serial_number):
            raise _Refused(MALFORMED.about("encryptCertId"))
        if fields["merId"] != MERCHANT_ID:
            raise _Refused(NO_SUCH_MERCHANT)
        if (fields["txnType"], fields["txnSubType"]) != ("72", "01"):
            raise _Refused(NOT_PERMITTED)

    def _elements(self, fields: Mapping[str, str]) -> _Elements:
        try:
            card_no = self._decrypted(fields["accNo"])
        except ValueError:
            raise _Refused(MALFORMED.about("accNo")) from None
        try:
            info = base64.b64decode(fields["customerInfo"], validate=True).decode()
            if not (info.startswith("{") and info.endswith("}")):
                raise ValueError("no braces")
            open_info = _pairs(info[1:-1])
            hidden_info = _pairs(self._decrypted(open_info["encryptedInfo"]))
            holder = BankCustomer(
                name=open_info["customerNm"],
                cert_type=open_info["certifTp"],
                cert_no=open_info["certifId"].upper(),
                phone=hidden_info["phoneNo"],
            )
        except (ValueError, KeyError):
            raise _Refused(MALFORMED.about("customerInfo")) from None
        return _Elements(card_no, holder)

    def _decrypted(self, text: str) -> str:
        """Return what was encrypted for us; ValueError where it was not, or was not UTF-8."""
        return self._keys.encryption_key.decrypt(base64.b64decode(text, validate=True), PKCS1v15()).decode()

    def _comparison(self, elements: _Elements) -> Outcome:
        known, given = self._customer_of(elements.card_no), elements.holder
        if known is None:
            return CARD_INVALID.about("卡号不符")
        if given.name != known.name:
            return HOLDER_DIFFERS.about("姓名不符")
        if (given.cert_type, given.cert_no) != (known.cert_type, known.cert_no.upper()):
            return HOLDER_DIFFERS.about("证件不符")
        if given.phone != known.phone:
            return HOLDER_DIFFERS.about("手机号不符")
        return AGREED

    def _signed(self, fields: Mapping[str, str], outcome: Outcome) -> str:
        answer = {name: fields[name] for name in (*_ECHOED, "txnTime") if _PLAIN.fullmatch(fields.get(name, ""))}
        answer |= {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "respCode": outcome.code,
            "respMsg": outcome.message,
        }
        answer["signPubKeyCert"] = self._keys.signing_certificate.public_bytes(Encoding.PEM).decode()
        signature = self._keys.signing_key.sign(_digest(answer), PKCS1v15(), SHA256())
        answer["signature"] = base64.b64encode(signature).decode()
        return "&".join(f"{name}={value}" for name, value in answer.items())


def _pairs(text: str) -> dict[str, str]:
    """Return `a=1&b=2` as a mapping; a value may hold further equals signs."""
    return {name: value for name, _, value in (part.partition("=") for part in text.split("&"))}


def _digest(fields: Mapping[str, str]) -> bytes:
    """Return what is signed: the hex SHA-256 of the sorted fields without the signature itself."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
    return sha256(text.encode()).hexdigest().encode()


def _signature_fits(fields: Mapping[str, str], key: RSAPublicKey) -> bool:
    try:
        key.verify(base64.b64decode(fields["signature"], validate=True), _digest(fields), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _public(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("not an RSA certificate")
    return key


def _form(body: bytes) -> dict[str, str]:
    """Return the fields of a form; 400 for what is not one, or names a field twice."""
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=50
        )
    except ValueError:
        raise ClientException("请求不是 UTF-8 表单。") from None
    if not fields or len(dict(fields)) != len(fields):
        raise ClientException("表单是空的，或者有重复的域。")
    return dict(fields)


def unionpay_routes(*, keys: UnionPayKeys, customer_of: CustomerOf, switches: Switches) -> Router:
    """Return the gateway, under `/gateway/api`."""
    desk = RealNameDesk(keys=keys, customer_of=customer_of)

    @post("/backTransReq.do", status_code=200, media_type=MediaType.TEXT)
    async def back_transaction(body: RawBody) -> Response[str]:
        setting = switches.setting(COUNTERPART.name)
        answer = desk.answer(_form(body), mode=setting.mode)
        if not await switches.hold(COUNTERPART.name, setting):
            return Response("", status_code=504, media_type=MediaType.TEXT)
        return Response(answer, media_type=MediaType.TEXT)

    return Router("/gateway/api", route_handlers=[back_transaction])
