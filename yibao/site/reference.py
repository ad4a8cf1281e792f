"""Every refusal in one place: for the page of the reference, and for the document that is generated from the code."""

from yibao.core.refusal import Refusal

ROOMS = {
    "authorisation": "授权",
    "benefit": "待遇计算",
    "core": "底层",
    "credential": "医保码",
    "directory": "目录",
    "face": "人脸识别",
    "family": "亲情账户",
    "identity": "账户与身份",
    "ledger": "总账",
    "message": "消息",
    "paper": "证件识别",
    "policy_query": "政策查询",
    "registry": "登记信息",
    "settlement": "结算",
    "site": "个人信息",
    "unit": "单位码",
    "web": "网页与接口",
}


def refusals() -> list[tuple[str, list[type[Refusal]]]]:
    """Return the refusals of each room that has some, under the room's Chinese name, by code."""
    found = []
    for room, name in ROOMS.items():
        of_room = [refusal for code, refusal in sorted(Refusal.catalogue.items()) if code.startswith(f"{room}.")]
        if of_room:
            found.append((name, of_room))
    return found


def errors() -> str:
    """Return `docs/reference/errors.md`: every refusal with what happened, what to do, and what staff can do."""
    lines = [
        "# 错误码",
        "",
        "由 `yibao reference` 生成；页面 `/docs/errors` 有同样的内容。"
        "接口以 problem+json 返回；花括号里的词在出错时换成当时的金额、次数或时间。",
    ]
    for name, of_room in refusals():
        lines += [
            "",
            f"## {name}",
            "",
            "| 代码 | 状态 | 发生了什么 | 本人怎么办 | 机构或系统怎么办 |",
            "| --- | --- | --- | --- | --- |",
        ]
        for refusal in of_room:
            what = f"**{refusal.title}** {refusal.detail}".strip()
            lines.append(
                f'| <a id="{refusal.code}"></a>`{refusal.code}` | {refusal.status} | {what} | {refusal.remedy}'
                f" | {refusal.hint or '—'} |"
            )
    return "\n".join(lines) + "\n"
