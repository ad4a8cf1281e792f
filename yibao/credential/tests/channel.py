"""Channels with keys of their own, and the calls that their servers sign."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from yibao import credential, registry
from yibao.core import gm
from yibao.core.database import Pool, transaction
from yibao.core.gm import Signer
from yibao.credential import Channel, Clerk
from yibao.credential.signing import key_id_of, text_of

CLERK = Clerk("A510500-01", "泸州市医保经办窗口")
EVERYTHING = ("activate", "show_code", "unbind", "family", "pay", "query")
BACK = "https://channel.example.cn/app/"
ENTRIES = "/api/channel/entries"
UNBINDINGS = "/api/channel/unbindings"


@dataclass(frozen=True)
class Partner:
    """A channel's side: its code and the key that never leaves it."""

    code: str
    signer: Signer = field(default_factory=Signer.generate)

    @property
    def key_id(self) -> str:
        return key_id_of(self.signer.public)

    def header(self, path: str, body: bytes, *, at: datetime, nonce: str | None = None, method: str = "POST") -> str:
        time, nonce = int(at.timestamp()), nonce or secrets.token_hex(16)
        signature = self.signer.sign(text_of(method=method, path=path, time=time, nonce=nonce, body=body))
        return f"YB-SM2 {self.code}:{self.key_id}:{time}:{nonce}:{signature.hex()}"

    def with_other_key(self) -> "Partner":
        return replace(self, signer=Signer.generate())


def facts(code: str, **changed: Any) -> Channel:
    told: dict[str, Any] = {
        "code": code,
        "name": "示例渠道",
        "kind": "wechat",
        "functions": EVERYTHING,
        "hotline": "95000",
        "contact": "示例联系人",
        "returns": (BACK,),
        "own_bank_card": False,
        **changed,
    }
    return Channel(**told)


async def admitted(pool: Pool, *, at: datetime, **changed: Any) -> Partner:
    """Return a channel that nobody else has, let in."""
    partner = Partner(f"c{secrets.token_hex(6)}")
    async with transaction(pool) as tx:
        await credential.accredit(
            tx,
            facts(partner.code, **changed),
            public=partner.signer.public.hex(),
            valid_from=at - timedelta(days=1),
            valid_until=at + timedelta(days=365),
            clerk=CLERK,
            at=at,
        )
    return partner


def entry(person: registry.Person | None = None, **changed: Any) -> bytes:
    """Return the body of an entry; a person is one with a real name there."""
    body: dict[str, Any] = {"user": f"u-{secrets.token_hex(8)}", "menu": "code", "back": BACK + "home", **changed}
    if person is not None:
        body.setdefault("real_name", {"name": person.name, "cert_type": person.cert_type, "cert_no": person.cert_no})
    return msgspec.json.encode(body)


def digest(body: bytes) -> str:
    return gm.sm3(body).hex()
