"""Real-name authentication by the bank (银联认证): name, certificate, card and phone must all agree.

It speaks UnionPay's published all-channel protocol, ACP 5.1.0, background transaction 72/01 (实名认证). An answer
counts only when its signature verifies, its signer's certificate was issued to UnionPay by an authority we were given,
and it repeats our order; whatever else comes back, and silence, is Unknown, never agreement.
"""

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlencode

import httpx
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from yibao.core.clock import BEIJING

_log = structlog.get_logger(__name__)

Element = Literal["name", "cert", "card", "phone"]


@dataclass(frozen=True, slots=True)
class Agreed:
    """All four elements are those of the card's holder."""


@dataclass(frozen=True, slots=True)
class Differs:
    """An element is not the holder's; None where the bank does not say which of name, certificate and phone."""

    element: Element | None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The bank does not check this card: another card or the face can."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer that counts. Asking again with the same order number and elements is safe."""


Verdict = Agreed | Differs | Unsupported | Unknown


class RealNameByBank(Protocol):
    """Compares four elements with what a bank knows of its card's holder."""

    async def verify(
        self, *, order_id: str, name: str, cert_type: str, cert_no: str, bank_card: str, phone: str, at: datetime
    ) -> Verdict:
        """Ask the bank and return its verdict; never raises for what the other side does or fails to do.

        `order_id` has 8 to 40 letters and digits and belongs to these four elements; ValueError otherwise.
        `cert_type` is the national psn_cert_type.
        """


# National psn_cert_type → UnionPay's certifTp; types that it does not list travel as 99 (其他证件).
_CERT_TYPES = {"01": "01", "02": "02", "03": "06", "04": "04", "05": "04", "06": "05", "08": "03", "16": "03"}
_CERT_TYPE_OTHER = "99"

_ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}")
# What a bank's record can hold. Anything else differs for certain, and inside customerInfo a sign such as & would
# rewrite the other elements.
_SHAPES: Mapping[Element, re.Pattern[str]] = {
    "card": re.compile(r"[0-9]{12,19}"),
    "name": re.compile(r"[^&={}\x00-\x1f\x7f\ud800-\udfff]{1,60}"),
    "cert": re.compile(r"[0-9A-Za-z()-]{4,40}"),
    "phone": re.compile(r"[0-9]{5,20}"),
}
_FIELD = re.compile(r"([^&=]+)=(\{[^}]*\}|[^&]*)(?:&|\Z)")

_UNIONPAY_NAME = "中国银联股份有限公司"
# Codes with which a bank or UnionPay declines to check this card; all others leave it open.
_CARD_DECLINED = frozenset(("30", "60", "62", "63", "68", "72", "73", "76", "77", "78"))
_WORDS: tuple[tuple[str, Element], ...] = (("姓名", "name"), ("证件", "cert"), ("手机", "phone"))


@dataclass(frozen=True, slots=True)
class UnionPayCredentials:
    """Who we are to UnionPay, our key, its encryption certificate, and who may certify its signing key."""

    merchant_id: str
    merchant_key: RSAPrivateKey
    merchant_certificate: x509.Certificate
    encryption_certificate: x509.Certificate
    issuers: Sequence[x509.Certificate]

    @classmethod
    def from_folder(cls, folder: Path) -> "UnionPayCredentials":
        """Return what the folder holds; OSError, ValueError or TypeError where a file is absent or another thing.

        Its files: merchant_id, merchant.key.pem, merchant.cert.pem, encryption.cert.pem, issuers.pem.
        """
        key = load_pem_private_key((folder / "merchant.key.pem").read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("merchant.key.pem is not an RSA key")
        return cls(
            merchant_id=(folder / "merchant_id").read_text().strip(),
            merchant_key=key,
            merchant_certificate=x509.load_pem_x509_certificate((folder / "merchant.cert.pem").read_bytes()),
            encryption_certificate=x509.load_pem_x509_certificate((folder / "encryption.cert.pem").read_bytes()),
            issuers=x509.load_pem_x509_certificates((folder / "issuers.pem").read_bytes()),
        )


class _NotGenuine(Exception):
    """An answer that UnionPay did not sign, or did not give to this request. The text is for the log."""


class UnionPayRealName:
    """RealNameByBank over HTTP."""

    def __init__(
        self, *, client: httpx.AsyncClient, url: str, credentials: UnionPayCredentials, timeout_seconds: float = 10
    ) -> None:
        """Take the gateway's address without the path; `timeout_seconds` bounds a whole attempt."""
        self._client = client
        self._url = url.rstrip("/") + "/gateway/api/backTransReq.do"
        self._credentials = credentials
        self._encryption_key = _rsa_key(credentials.encryption_certificate)
        self._timeout_seconds = timeout_seconds

    async def verify(
        self, *, order_id: str, name: str, cert_type: str, cert_no: str, bank_card: str, phone: str, at: datetime
    ) -> Verdict:
        if not _ORDER_ID.fullmatch(order_id):
            raise ValueError("an order number has 8 to 40 letters and digits")
        given: dict[Element, str] = {"card": bank_card, "name": name, "cert": cert_no, "phone": phone}
        for element, value in given.items():
            if not _SHAPES[element].fullmatch(value):
                return Differs(element)
        request = self._request(
            order_id=order_id,
            account=bank_card,
            customer=(
                f"{{certifTp={_CERT_TYPES.get(cert_type, _CERT_TYPE_OTHER)}&certifId={cert_no}&customerNm={name}"
                f"&encryptedInfo={self._encrypted(f'phoneNo={phone}')}}}"
            ),
            at=at,
        )
        try:
            return _verdict(self._genuine(await self._exchange(request), request, at=at))
        except (httpx.HTTPError, TimeoutError) as error:
            _log.warning("unionpay.no_answer", reason=type(error).__name__)
        except _NotGenuine as error:
            _log.error("unionpay.answer_not_genuine", reason=str(error))
        return Unknown()

    def _request(self, *, order_id: str, account: str, customer: str, at: datetime) -> dict[str, str]:
        ours = self._credentials
        fields = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "txnType": "72",
            "txnSubType": "01",
            "bizType": "001001",
            "accessType": "0",
            "channelType": "08",
            "merId": ours.merchant_id,
            "orderId": order_id,
            "txnTime": at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S"),
            "certId": str(ours.merchant_certificate.serial_number),
            "encryptCertId": str(ours.encryption_certificate.serial_number),
            "accNo": self._encrypted(account),
            "customerInfo": base64.b64encode(customer.encode()).decode(),
        }
        signature = ours.merchant_key.sign(_digest(fields), PKCS1v15(), SHA256())
        return fields | {"signature": base64.b64encode(signature).decode()}

    def _encrypted(self, text: str) -> str:
        return base64.b64encode(self._encryption_key.encrypt(text.encode(), PKCS1v15())).decode()

    async def _exchange(self, request: Mapping[str, str]) -> bytes:
        async with asyncio.timeout(self._timeout_seconds):
            answer = await self._client.post(
                self._url,
                content=urlencode(request),
                headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
                timeout=None,  # One clock only: httpx counts every read anew, so a slow drip would never end.
            )
        return answer.raise_for_status().content

    def _genuine(self, content: bytes, request: Mapping[str, str], *, at: datetime) -> dict[str, str]:
        """Return the fields of an answer that UnionPay signed for this request; _NotGenuine for any other."""
        try:
            answer = dict(_FIELD.findall(content.decode()))
            certificate = x509.load_pem_x509_certificate(answer["signPubKeyCert"].encode())
            signature = base64.b64decode(answer["signature"], validate=True)
        except (ValueError, KeyError):
            raise _NotGenuine("not an answer of this protocol") from None
        self._require_issued_to_unionpay(certificate, at=at)
        try:
            _rsa_key(certificate).verify(signature, _digest(answer), PKCS1v15(), SHA256())
        except (InvalidSignature, TypeError):
            raise _NotGenuine("wrong signature") from None
        # A genuine answer to another question, replayed, must not answer this one.
        for name in ("version", "txnType", "txnSubType", "merId", "orderId"):
            if answer.get(name) != request[name]:
                raise _NotGenuine(f"another {name}")
        return answer

    def _require_issued_to_unionpay(self, certificate: x509.Certificate, *, at: datetime) -> None:
        issuer = next((each for each in self._credentials.issuers if _issued_by(certificate, each)), None)
        if issuer is None:
            raise _NotGenuine("certificate of an unknown issuer")
        if not all(each.not_valid_before_utc <= at <= each.not_valid_after_utc for each in (certificate, issuer)):
            raise _NotGenuine("certificate out of date")
        # 041@<number>@<holder>@<serial>: the same authority certifies merchants too, who must not sign for UnionPay.
        names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if [name.split("@")[2:3] for name in names] != [[_UNIONPAY_NAME]]:
            raise _NotGenuine("certificate of another holder")


def _verdict(answer: Mapping[str, str]) -> Verdict:
    code, message = answer.get("respCode", ""), answer.get("respMsg", "")
    if code == "00":
        return Agreed()
    if code == "61":
        return Differs("card")
    if code == "66":
        # The sentence before the bracket always speaks of both identity and phone; only the bracket is about this case.
        about = message.partition("[")[2]
        named = [element for word, element in _WORDS if word in about]
        return Differs(named[0] if len(named) == 1 else None)
    if code in _CARD_DECLINED:
        return Unsupported()
    _log.warning("unionpay.undecided", resp_code=code)
    return Unknown()


def _digest(fields: Mapping[str, str]) -> bytes:
    """Return what is signed: the hex SHA-256 of all fields but the signature as k=v&k=v, in the order of the names."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if name != "signature")
    return sha256(text.encode()).hexdigest().encode()


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _rsa_key(certificate: x509.Certificate) -> RSAPublicKey:
    """Return the certificate's key; TypeError for another kind than RSA."""
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("not an RSA certificate")
    return key
