"""`yibao policy`: what the people who write rules need: read them, check them, try a case, compare two versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count, groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from yibao import benefit
from yibao.benefit import Outcome, Policy, PolicyError, Stated
from yibao.benefit.types import COUNTED, PERSON_NAMES
from yibao.core import clock, settings
from yibao.core.money import yuan_text
from yibao.core.refusal import Refusal
from yibao.settlement.replay import Impact, Sum

app = typer.Typer(help="待遇规则：查看、检查、试算、比较", no_args_is_help=True)

INSURANCE = {"employee": "职工医保 ", "resident": "城乡居民医保 ", "": ""}  # A figure is of no insurance.

PlaceArgument = Annotated[str, typer.Argument(help="参保地区划代码，如 510100；或规则文件夹")]
CaseArgument = Annotated[Path, typer.Argument(help="写明一次就医的 YAML 文件，写法见 docs/howto/add-a-region.md")]


@app.command("list")
def list_places() -> None:
    """列出已有规则的参保地。"""
    with _mistakes_told():
        for place, policy in benefit.policies().places.items():
            stated = list(policy.stated())
            groups = "、".join(group.label for groups in policy.groups.values() for group in groups)
            typer.echo(f"{place} {policy.label}：{groups}；{_evidence(stated)}")


@app.command("show")
def show(
    place: PlaceArgument,
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="哪一天，默认今天")] = None,
) -> None:
    """显示某一天适用的数值，每个数值写明来源和等级。"""
    day = on.date() if on else clock.day_of(clock.now())
    with _mistakes_told():
        policy = _policy_of(place)
        stated = list(policy.stated(day))
    if not stated:
        raise typer.Exit(_fail("这一天没有适用的数值。"))
    typer.echo(f"{policy.place} {policy.label}，{day.isoformat()} 适用")
    for (insurance, group), values in groupby(stated, key=lambda each: (each.insurance, each.group)):
        typer.echo(f"\n{INSURANCE[insurance]}{group}")
        for step, of_step in groupby(values, key=lambda each: each.step):
            typer.echo(f"  {step}")
            for each in of_step:
                typer.echo(f"    {each.name}：{each.text}（{_evidence_of(each.basis)}{_note_of(each.basis)}）")


@app.command("check")
def check(
    path: Annotated[
        Path | None, typer.Argument(help="一个参保地的文件夹，或放着许多参保地的文件夹；默认随程序的规则和公布的例子")
    ] = None,
) -> None:
    """检查规则文件的写法，并计算旁边的全部算例；有一处不对就以 1 退出。"""
    paths = [path] if path else [benefit.SHIPPED, benefit.PUBLISHED]
    with _mistakes_told():
        failed = sum([not _check_place(folder) for each in paths for folder in _folders(each)])
    if failed:
        raise typer.Exit(_fail(f"{failed} 个参保地没有通过。"))


@app.command("assess")
def assess(file: CaseArgument) -> None:
    """试算一次就医：谁付多少。"""
    with _mistakes_told():
        found = benefit.assess(benefit.load_case(file))
    typer.echo(found.policy)
    for label, fen in (
        ("总费用", found.total_fen),
        ("全自费", found.full_own_fen),
        ("超限价", found.over_limit_fen),
        ("先行自付", found.first_own_fen),
        ("政策范围内", found.in_scope_fen),
        ("起付线", found.deductible_fen),
        *((f"基金 {share.fund}", share.amount_fen) for share in found.funds),
        ("基金支付合计", found.fund_fen),
        ("个人负担", found.person_fen),
        ("个人账户", found.account_fen),
        ("现金", found.cash_fen),
    ):
        typer.echo(f"{label}：{yuan_text(fen)}")
    for name, counter in found.tallies.items():
        typer.echo(f"累计 {name}：{counter if name.endswith(COUNTED) else yuan_text(counter)}")


@app.command("explain")
def explain(file: CaseArgument) -> None:
    """逐步解释一次就医为什么付这么多，写明每个数值的来源。"""
    with _mistakes_told():
        found = benefit.assess(benefit.load_case(file))
    typer.echo(found.policy)
    for number, step in enumerate(found.trace, start=1):
        code = f" [{step.code}]" if step.code else ""
        typer.echo(f"{number}. {step.label}{code}：{benefit.sentence(step)}")
        for basis in step.basis:
            typer.echo(f"   {basis.rule}：{_evidence_of(basis)}{_note_of(basis)}")


@app.command("diff")
def diff(one: PlaceArgument, other: PlaceArgument) -> None:
    """比较两份规则的数值：例如一个参保地修改前后的两个文件夹。"""
    with _mistakes_told():
        before, after = (_by_name(_policy_of(place)) for place in (one, other))
    same = True
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        said = [f"{each.text}（{_evidence_of(each.basis)}）" if each else "没有" for each in (old, new)]
        if said[0] != said[1]:
            same = False
            typer.echo(f"{key}：{said[0]} → {said[1]}")
    if same:
        typer.echo("数值、来源和等级都相同。")


@app.command("preview")
def preview(
    place: Annotated[str, typer.Argument(help="参保地区划代码，如 510100")],
    change: Annotated[Path, typer.Option("--change", help="改过的 policy.yaml，或放着它的文件夹")],
) -> None:
    """改了规则会怎样：把已经结算的账单按改过的规则重算一遍，不改动任何数据。"""
    from yibao.cli import instance, preview  # Reading rules needs no database, so only this command waits for it.

    console = Console()
    columns = (TextColumn("重算已结算的账单"), BarColumn(), TaskProgressColumn())
    with _mistakes_told(), instance.opened(settings.load()) as found, Progress(*columns, console=console) as progress:
        task = progress.add_task("parts", total=None)
        try:
            impact = preview.run(
                found.settings.database_url,
                place,
                change,
                progress=lambda done, of: progress.update(task, completed=done, total=of),
            )
        except preview.Impossible as wrong:
            raise typer.Exit(_fail(str(wrong))) from None
    for line in _impact(impact):
        typer.echo(line)


def _impact(impact: Impact) -> Iterator[str]:
    """Yield what a change would have done, line by line."""
    total = Sum()
    for of in impact.by_kind.values():
        total.add(of)
    yield f"重算 {total.bills} 张账单，其中 {total.changed} 张的金额会不同。"
    for label, of in (("合计", total), *((PERSON_NAMES[kind], of) for kind, of in sorted(impact.by_kind.items()))):
        yield (
            f"{label}：{of.bills} 张，基金支付 {yuan_text(of.before_fen)} → {yuan_text(of.after_fen)}"
            f"（{yuan_text(of.after_fen - of.before_fen)}），{of.changed} 张不同"
        )
    if impact.worst:
        yield "个人负担增加最多的："
    for each in impact.worst:
        yield (
            f"  结算单 {each.settlement_id}：{yuan_text(each.before_fen)} → {yuan_text(each.after_fen)}"
            f"（多 {yuan_text(each.more_fen)}）"
        )
    for lacking, bills in impact.no_rule.most_common():
        yield f"改过的规则算不出来的 {bills} 张：{lacking}"


def _policy_of(place: str) -> Policy:
    return benefit.load_policy(Path(place)) if Path(place).is_dir() else benefit.policies().of(place)


def _folders(path: Path) -> list[Path]:
    """Return the folders of places at a path; rules that do not get along with one another are refused here."""
    if (path / "policy.yaml").exists():
        return [path]
    if not path.is_dir() or not (folders := sorted(each for each in path.iterdir() if each.is_dir())):
        raise PolicyError(
            file=path, line=1, problem="没有规则文件", expected="有 policy.yaml 的文件夹，或放着它们的文件夹"
        )
    benefit.Policies.load(path)
    return folders


def _check_place(folder: Path) -> bool:
    """Say how the examples of a place come out; return whether all hold."""
    policy, report = benefit.load_policy(folder), benefit.run_examples(folder)
    published = sum(outcome.example.published for outcome in report.outcomes)
    typer.echo(
        f"{policy.place} {policy.label}：{len(report.outcomes)} 个算例（其中 {published} 个见于来源），"
        f"{_evidence(list(policy.stated()))}：{'通过' if report.holds else '没有通过'}"
    )
    for outcome in report.outcomes:
        _say_differences(outcome)
    for step in report.unreached:
        typer.echo(f"  {step}：没有一个算例走到这一步")
    return report.holds


def _say_differences(outcome: Outcome) -> None:
    for each in outcome.differences:
        typer.echo(f"  {outcome.example.id} {each.name}：应为 {each.expected or '没有'}，算得 {each.actual}")


def _by_name(policy: Policy) -> dict[str, Stated]:
    """Return the values by names that stay when a step with another label is added before them."""
    named: dict[str, Stated] = {}
    for each in policy.stated():
        name = f"{INSURANCE[each.insurance]}{each.group} {each.step} {each.name}"
        # Two steps of a group may bear one label, each for other cases; their order tells them apart.
        again = next(f"{name}（{number}）" for number in count(2) if f"{name}（{number}）" not in named)
        named[again if name in named else name] = each
    return named


def _evidence(stated: list[Stated]) -> str:
    verified, assumed = (
        sum(each.basis.verified for each in stated),
        sum(each.basis.grade == "assumed" for each in stated),
    )
    return f"{len(stated)} 个数值，已核实 {verified} 个，假定 {assumed} 个"


def _evidence_of(basis: benefit.Basis) -> str:
    if basis.grade == "assumed":
        return "假定的数值"
    checked = "已与原文核对" if basis.verified else "未与原文核对"
    where = " ".join(part for part in (basis.title, basis.article, basis.href) if part)
    return f"{basis.from_on.isoformat()} 起；{where}；等级 {basis.grade}；{checked}"


def _note_of(basis: benefit.Basis) -> str:
    return f"；{basis.note}" if basis.note else ""


@contextmanager
def _mistakes_told() -> Iterator[None]:
    """Turn a wrong file and a missing rule into a few lines for the reader, and exit code 1."""
    try:
        yield
    except PolicyError as mistake:
        raise typer.Exit(_fail(str(mistake))) from None
    except Refusal as refused:
        raise typer.Exit(_fail(f"{refused.title}。{refused.detail_text}{refused.hint_text}")) from None


def _fail(text: str) -> int:
    typer.echo(text, err=True)
    return 1
