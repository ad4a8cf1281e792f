"""A person's own data to take away: the same sections as JSON for machines and as a PDF for people (F7)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from yibao import credential, identity, ledger, registry
from yibao.benefit.types import DISEASE_NAMES
from yibao.core.clock import local_text
from yibao.core.database import Pool
from yibao.core.money import yuan_text
from yibao.core.vault import Vault
from yibao.service import authorisation, family, message
from yibao.settlement import queries
from yibao.settlement.slip import INSURANCE_NAMES, VISIT_NAMES
from yibao.site.words import GENDERS, STATES
from yibao.web.typeset import typeset

_TEMPLATE = Path(__file__).parent / "templates" / "export.typ"


class Column(Struct, frozen=True):
    """A column by its name in the JSON and its heading on paper; `words` are what its codes mean, for paper only."""

    name: str
    title: str
    form: Literal["text", "yuan"] = "text"
    words: Mapping[str, str] = {}


class Section(Struct, frozen=True):
    """What one room keeps about the person."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]


class _Sheet(Struct, frozen=True):
    """A section as it is printed."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class _Paper(Struct, frozen=True):
    title: str
    made: str
    note: str
    sheets: tuple[_Sheet, ...]


SCOPES = {name: scope.name for name, scope in authorisation.SCOPES.items()}

NOTE = "本文件由本人申请导出，含个人信息，请妥善保管。金额单位：元；时间为北京时间。"


def _section(name: str, title: str, things: Iterable[object], *columns: Column) -> Section:
    """Return a section with a row for each thing, whose attributes have the names of the columns."""
    rows = tuple(tuple(getattr(thing, column.name) for column in columns) for thing in things)
    return Section(name, title, columns, rows)


async def sections(pool: Pool, vault: Vault, *, account_id: str, at: datetime) -> list[Section]:
    """Return everything that is kept about the owner of an account, section by section.

    Refusals: identity.AccountUnknown.
    """
    account = await identity.account(pool, vault, account_id)
    found = [
        _section(
            "account",
            "账户",
            [account],
            Column("phone", "手机号"),
            Column("name", "姓名"),
            Column("cert_type", "证件类型"),
            Column("cert_no", "证件号码"),
            Column("real_name_at", "实名认证时间"),
        ),
        _section(
            "sessions",
            "登录设备",
            await identity.sessions_of(pool, account_id, at),
            Column("channel", "渠道"),
            Column("started_at", "登录时间"),
            Column("expires_at", "有效期至"),
        ),
    ]
    if account.person_id is not None:
        found += await _of_person(pool, vault, account_id=account_id, person_id=account.person_id)
    return found


async def _of_person(pool: Pool, vault: Vault, *, account_id: str, person_id: str) -> list[Section]:
    relations = await registry.relations(pool, person_id)
    holder = await credential.holder(pool, person_id)
    settlements = await queries.history(pool, person_id)
    insured_in = dict.fromkeys(relation.place for relation in relations)
    places = {place: await registry.region_name(pool, place) or place for place in insured_in}
    granted = await authorisation.grants(pool, person_id)
    known = {*(entry.institution for entry in settlements), *(grant.institution for grant in granted)}
    institutions = await registry.institution_names(pool, known)
    return [
        _section(
            "person",
            "登记信息",
            [await registry.person(pool, vault, person_id)],
            Column("name", "姓名"),
            Column("cert_type", "证件类型"),
            Column("cert_no", "证件号码"),
            Column("gender", "性别", words=GENDERS),
            Column("birth_on", "出生日期"),
        ),
        _section(
            "insurances",
            "参保关系",
            relations,
            Column("psn_no", "人员编号"),
            Column("place", "参保地", words=places),
            Column("insutype", "险种", words=INSURANCE_NAMES),
            Column("state", "状态", words=STATES),
            Column("since_on", "参保日期"),
            Column("paid_to", "缴费至"),
            Column("employer", "单位"),
        ),
        _section(
            "qualifications",
            "待遇资格",
            await registry.qualifications(pool, person_id),
            Column("place", "参保地", words=places),
            Column("kind", "类别"),
            Column("code", "代码"),
            Column("from_on", "开始"),
            Column("until_on", "截止"),
        ),
        _section(
            "credential",
            "医保码",
            [holder] if holder else [],
            Column("place", "参保地", words=places),
            Column("bound_at", "绑定时间"),
            Column("agreed_at", "同意协议时间"),
            Column("free_limit_fen", "免密限额", "yuan"),
        ),
        _section(
            "devices",
            "激活记录",
            await credential.devices(pool, person_id),
            Column("channel", "渠道"),
            Column("activated_at", "激活时间"),
            Column("unbound_at", "解绑时间"),
        ),
        _section(
            "settlements",
            "结算",
            settlements,
            Column("settlement_id", "结算单号"),
            Column("institution", "机构", words=institutions),
            Column("settled_at", "时间"),
            Column("visit_kind", "就医类别", words=VISIT_NAMES),
            Column("disease", "病种", words=DISEASE_NAMES),
            Column("total_fen", "总额", "yuan"),
            Column("fund_fen", "基金", "yuan"),
            Column("account_fen", "账户", "yuan"),
            Column("cash_fen", "现金", "yuan"),
            Column("reverses", "撤销的结算单"),
        ),
        _section(
            "items",
            "费用明细",
            await queries.items(pool, person_id),
            Column("settlement_id", "结算单号"),
            Column("code", "编码"),
            Column("name", "项目"),
            Column("quantity", "数量"),
            Column("amount_fen", "金额", "yuan"),
            Column("in_scope_fen", "政策范围内", "yuan"),
        ),
        *[
            _section(
                f"account_movements_{place}",
                f"个人账户收支（{name}）",
                await ledger.statement(pool, person_id, place),
                Column("happened_at", "时间"),
                Column("other", "对方"),
                Column("amount_fen", "金额", "yuan"),
                Column("balance_fen", "余额", "yuan"),
            )
            for place, name in places.items()
        ],
        _section(
            "family",
            "亲情账户",
            await family.links(pool, account_id=account_id, person_id=person_id),
            Column("relation", "关系", words=family.RELATIONS),
            Column("method", "方式", words=family.METHODS),
            Column("since_at", "开始"),
            Column("until_at", "到期"),
            Column("ended_at", "结束"),
        ),
        _section(
            "authorisations",
            "给机构的授权",
            granted,
            Column("institution", "机构", words=institutions),
            Column("scopes", "内容", words=SCOPES),
            Column("purpose", "用途"),
            Column("granted_at", "授权时间"),
            Column("until", "有效期至"),
            Column("uses", "使用次数"),
            Column("withdrawn_at", "撤回时间"),
        ),
        _section(
            "messages",
            "消息",
            await message.kept(pool, person_id),
            Column("created_at", "时间"),
            Column("title", "标题"),
            Column("body", "内容"),
            Column("ways", "同时发送", words=message.WAYS),
        ),
        _section(
            "looks",
            "谁看过我的信息",
            await looks(pool, vault, person_id),
            Column("looked_at", "时间"),
            Column("looker_name", "谁"),
            Column("purpose", "为什么"),
        ),
    ]


_SEEN_BY = {  # mdtrt_cert_type
    "01": "扫码核验参保身份",
    "02": "收费员凭身份证件核验参保身份",
    "03": "收费员凭社会保障卡核验参保身份",
}


async def looks(pool: Pool, vault: Vault, person_id: str) -> list[registry.Look]:
    """Return who looked at a person's data, the latest first: what was noted, and every scan by an institution."""
    scans = await credential.visits_of(pool, person_id)
    names = await registry.institution_names(pool, {scan.institution for scan in scans})
    found = [registry.Look(names[scan.institution], _SEEN_BY[scan.medium], scan.created_at) for scan in scans]
    return sorted(
        [*found, *await registry.looks(pool, vault, person_id)], key=lambda look: look.looked_at, reverse=True
    )


def as_json(found: Sequence[Section], *, at: datetime) -> bytes:
    """Return the sections for a machine: whole fen, instants with their zone, names of columns that do not change."""
    content = {
        "made_at": at,
        "note": "金额以分计。",
        "sections": {
            section.name: [
                dict(zip((column.name for column in section.columns), row, strict=True)) for row in section.rows
            ]
            for section in found
        },
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def as_pdf(found: Sequence[Section], *, at: datetime) -> bytes:
    """Return the sections for a person to read; a computation of some milliseconds for each page."""
    sheets = tuple(
        _Sheet(
            section.title,
            tuple(column.title for column in section.columns),
            tuple(
                tuple(_text(value, column) for value, column in zip(row, section.columns, strict=True))
                for row in section.rows
            ),
        )
        for section in found
    )
    return typeset(_TEMPLATE, _Paper("我的医保信息", local_text(at), NOTE, sheets), at=at)


def _text(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if column.form == "yuan":
        return yuan_text(value)
    if isinstance(value, datetime):
        return local_text(value)[:16]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return "、".join(column.words.get(one, one) for one in value)
    return column.words.get(value, str(value))
