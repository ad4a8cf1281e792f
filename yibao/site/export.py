"""A person's own data to take away: the same sections as JSON for machines and as a PDF for people (F7)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from yibao import credential, face, identity, ledger, registry
from yibao.benefit.types import DISEASE_NAMES
from yibao.core.clock import local_text
from yibao.core.database import Pool
from yibao.core.money import yuan_text
from yibao.core.vault import Vault
from yibao.service import authorisation, family, message, unit
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
    left_out: tuple[str, ...]
    sheets: tuple[_Sheet, ...]


LEFT_OUT = (  # for the page and the file: what is kept and not in it
    "密码、验证码、登录、锁屏和离线码的密钥，以及防止别人试密码的次数：写出来会危及您的账户",
    "家人、孩子和单位其他经办人的姓名与证件：是别人的信息",
    "儿童码申请的证件照片（核对后删除；人脸的画面从不保存）",
    "渠道告诉平台的您的资料（以渠道为准）、没有同意的授权申请",
    "每笔结算的计算过程：在「结算明细」里看；年度累计由结算算出，不另列",
    "医保关系绑定在您另一个账户时的登记、参保、医保码、结算和消息：请在那个账户里导出",
)
SCOPES = {name: scope.name for name, scope in authorisation.SCOPES.items()}

CARD_STATES = {"normal": "正常", "lost": "已挂失", "frozen": "已冻结", "inactive": "未激活"}
VERDICTS = {"agreed": "一致", "differs": "不一致", "unsupported": "不支持这张卡"}
MODES = {"camera": "按提示做动作", "digits": "读数字", "photos": "拍照上传"}
ACTS = {
    "phone_changed": "更换手机号",
    "phone_unbound": "解除手机绑定",
    "sessions_ended": "退出所有登录",
    "real_name_proved": "实名认证",
    "certificate_changed": "更换证件",
}
APPLICATION_STATES = {
    "reading": "正在识别",
    "differs": "需要补正",
    "review": "人工核对",
    "accepted": "已通过",
    "refused": "未通过",
    "withdrawn": "已撤回或失效",
}
REQUEST_STATES = {"asked": "等待答复", "allowed": "已同意", "declined": "已拒绝", "withdrawn": "已撤回"}
BILL_STATES = {"sent": "未处理", "settled": "已支付", "declined": "已拒绝", "withdrawn": "机构已撤回"}
NOTE = "本文件由本人申请导出，含个人信息，请妥善保管。金额单位：元；时间为北京时间。"


def _section(name: str, title: str, things: Iterable[object], *columns: Column) -> Section:
    """Return a section with a row for each thing, whose attributes have the names of the columns."""
    rows = tuple(tuple(getattr(thing, column.name) for column in columns) for thing in things)
    return Section(name, title, columns, rows)


async def sections(pool: Pool, vault: Vault, *, account_id: str, at: datetime) -> list[Section]:
    """Return what is kept about the owner of an account, section by section; what is not there is `LEFT_OUT`.

    Whoever has unbound, or not bound yet, is known by the proved name. Refusals: identity.AccountUnknown.
    """
    account = await identity.account(pool, vault, account_id)
    channels = await credential.channel_names(pool)
    found = await _of_account(pool, vault, account, channels, at=at)
    if account.cert_no is not None:
        found += await _of_name(pool, vault, account)
    person_id = await credential.proved_person(pool, vault, account_id)
    if person_id is not None:
        found += await _of_person(pool, vault, account_id=account_id, person_id=person_id, channels=channels)
    return found


async def _of_account(
    pool: Pool, vault: Vault, account: identity.Account, channels: Mapping[str, str], *, at: datetime
) -> list[Section]:
    """Return what belongs to the account, whoever is behind it."""
    linked = await identity.linked_channels(pool, account.account_id)
    applied = await _applications(pool, vault, account.account_id)
    places = await registry.region_names(pool, {one.place for one in applied})
    return [
        _section(
            "account",
            "账户",
            [account],
            Column("phone", "手机号"),
            Column("name", "姓名"),
            Column("cert_type", "证件类型", words=identity.CERT_TYPES),
            Column("cert_no", "证件号码"),
            Column("real_name_at", "实名认证时间"),
        ),
        _section(
            "sessions",
            "登录设备",
            await identity.sessions_of(pool, account.account_id, at),
            Column("device_name", "设备"),
            Column("channel", "渠道", words=channels),
            Column("for_unit", "单位办事"),
            Column("started_at", "登录时间"),
            Column("expires_at", "有效期至"),
        ),
        Section(
            "channels",
            "关联的渠道账号",
            (Column("channel", "渠道", words=channels), Column("users", "账号个数")),
            tuple(linked),
        ),
        _section(
            "bank_attempts",
            "银联实名认证",
            await identity.bank_attempts(pool, account.account_id),
            Column("started_at", "时间"),
            Column("verdict", "结果", words=VERDICTS),
        ),
        _section(
            "family_applications",
            "儿童码申请",
            applied,
            Column("applied_at", "申请时间"),
            Column("place", "参保地", words=places),
            Column("state", "结果", words=APPLICATION_STATES),
            Column("papers", "证件", words=family.PAPERS),
            Column("says", "没有核对上的"),
            Column("reason", "经办答复"),
            Column("decided_at", "办理时间"),
        ),
    ]


class _Applied(Struct, frozen=True):
    """An application for a child, without the child."""

    applied_at: datetime
    place: str
    state: str
    papers: tuple[str, ...]
    says: tuple[str, ...]
    reason: str
    decided_at: datetime | None


async def _applications(pool: Pool, vault: Vault, account_id: str) -> list[_Applied]:
    return [
        _Applied(
            applied_at=one.application.applied_at,
            place=one.application.place,
            state=one.application.state,
            papers=one.application.papers,
            says=one.says,
            reason=one.reason,
            decided_at=one.application.decided_at,
        )
        for one in await family.applications(pool, vault, account_id)
    ]


async def _of_name(pool: Pool, vault: Vault, account: identity.Account) -> list[Section]:
    """Return what is kept under the proved certificate, whichever account it was done to."""
    acts = await identity.counter_acts(pool, vault, account)
    places = await registry.region_names(pool, {act.place for act in acts})
    units = await unit.traces_of(pool, vault, account)
    return [
        _section(
            "face_attempts",
            "人脸识别",
            await face.attempts_of(pool, vault, cert_no=account.cert_no or ""),
            Column("started_at", "时间"),
            Column("mode", "方式", words=MODES),
            Column("outcome", "结果", words=face.OUTCOME_NAMES),
        ),
        _section(
            "counter_acts",
            "窗口办理",
            acts,
            Column("at", "时间"),
            Column("place", "经办机构", words=places),
            Column("act", "办理", words=ACTS),
            Column("reason", "原因"),
        ),
        _section(
            "units",
            "单位经办人",
            units.listed,
            Column("unit", "单位"),
            Column("credit_code", "统一社会信用代码"),
            Column("legal", "法定代表人"),
            Column("appointed_at", "开始"),
            Column("removed_at", "结束"),
        ),
        _section(
            "unit_codes",
            "单位码",
            units.activated,
            Column("unit", "单位"),
            Column("activated_at", "激活时间"),
            Column("unbound_at", "解绑时间"),
        ),
        _section(
            "unit_sign_ins",
            "登录单位网页",
            units.signed_in,
            Column("unit", "单位"),
            Column("signed_in_at", "时间"),
        ),
    ]


async def _of_person(
    pool: Pool, vault: Vault, *, account_id: str, person_id: str, channels: Mapping[str, str]
) -> list[Section]:
    """Return what is kept about the person behind the account."""
    relations = await registry.relations(pool, person_id)
    holder = await credential.holder(pool, person_id)
    settlements = await queries.history(pool, person_id)
    places = await registry.region_names(pool, {relation.place for relation in relations})
    granted, bills = await authorisation.grants(pool, person_id), await queries.bills_ever(pool, person_id)
    known = (
        *(entry.institution for entry in settlements),
        *(grant.institution for grant in granted),
        *(bill.institution for bill in bills),
    )
    institutions = await registry.institution_names(pool, known)
    return [
        _section(
            "person",
            "登记信息",
            [await registry.person(pool, vault, person_id)],
            Column("name", "姓名"),
            Column("cert_type", "证件类型", words=identity.CERT_TYPES),
            Column("cert_no", "证件号码"),
            Column("gender", "性别", words=GENDERS),
            Column("birth_on", "出生日期"),
        ),
        _section(
            "cards",
            "社会保障卡",
            await registry.cards(pool, vault, person_id),
            Column("card_no", "卡号（只留首尾）"),
            Column("state", "状态", words=CARD_STATES),
            Column("issued_on", "发卡日期"),
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
            Column("channel", "渠道", words=channels),
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
            "bills",
            "发到手机的账单",
            bills,
            Column("institution", "机构", words=institutions),
            Column("sent_at", "时间"),
            Column("expires_at", "有效期至"),
            Column("total_fen", "总额", "yuan"),
            Column("state", "结果", words=BILL_STATES),
            Column("settlement_id", "结算单号"),
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
            "family_requests",
            "亲情账户申请",
            await family.requests(pool, account_id=account_id, person_id=person_id),
            Column("relation", "关系", words=family.RELATIONS),
            Column("method", "方式", words=family.METHODS),
            Column("state", "结果", words=REQUEST_STATES),
            Column("asked_at", "时间"),
            Column("decided_at", "答复时间"),
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
            Column("ways", "同时发送", words={**channels, **message.WAYS}),
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


_SEEN_BY = {  # mdtrt_cert_type, and the face
    "01": "扫码核验参保身份",
    "02": "收费员凭身份证件核验参保身份",
    "03": "收费员凭社会保障卡核验参保身份",
    "face": "收款台刷脸核验参保身份",
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
        "left_out": LEFT_OUT,
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
    return typeset(_TEMPLATE, _Paper("我的医保信息", local_text(at), NOTE, LEFT_OUT, sheets), at=at)


def _text(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if column.form == "yuan":
        return yuan_text(value)
    if isinstance(value, datetime):
        return local_text(value)[:16]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return "、".join(column.words.get(one, one) for one in value)
    return column.words.get(value, str(value))
