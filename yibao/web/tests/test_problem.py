"""What callers see of refusals and of failures nobody anticipated, and what the log keeps of them."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromQuery, JSONBody, PathParameter
from litestar.template import TemplateConfig
from msgspec import Struct
from structlog.testing import capture_logs

from yibao.core.refusal import Refusal
from yibao.web import problem, refusals
from yibao.web.pages import safe_next, templates

SECRET = "510502195803150011"


class Body(Struct):
    amount: int


@get("/api/refuses")
async def refuses() -> None:
    raise refusals.NotPermitted


@get("/api/fails")
async def fails() -> None:
    raise ValueError(f"Key (cert_no)=({SECRET}) already exists")


@post("/api/takes")
async def takes(data: JSONBody[Body]) -> None:
    return None


@get(["/things/{thing_id:str}", "/till/things/{thing_id:str}", "/api/things/{thing_id:str}"])
async def thing(thing_id: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{4}$")], page: FromQuery[int] = 0) -> None:
    return None


@post("/things/{thing_id:str}")
async def change(thing_id: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{4}$")]) -> None:
    return None


@get("/private")
async def private() -> None:
    raise refusals.SignInFirst


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar(
        [refuses, fails, takes, thing, change, private],
        exception_handlers={
            Refusal: problem.on_refusal,
            HTTPException: problem.on_http_exception,
            RecursionError: problem.on_unreadable,
            Exception: problem.on_error,
        },
        template_config=TemplateConfig(instance=templates(["yibao.web"])),
        logging_config=None,
        openapi_config=None,
    )
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as opened:
        yield opened


async def test_a_refusal_is_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/refuses")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json() == {
        "type": "/docs/errors#web.not_permitted",
        "code": "web.not_permitted",
        "status": 403,
        "title": "没有权限",
        "detail": "当前登录的身份不能使用这个功能。",
        "hint": "请用有权限的工号或机构密钥。",
        "remedy": "请返回首页；如有疑问请拨打 12393。",
    }


@pytest.mark.parametrize(
    ("path", "back", "words"),
    [
        ("/nowhere", "/", "请返回首页重新查找"),
        ("/tillage", "/", "请返回首页重新查找"),
        ("/till/nowhere", "/till", "回到收款台"),
        ("/console/nowhere", "/console", "回到经办首页"),
        ("/unit/nowhere", "/unit", "回到单位首页"),
    ],
)
async def test_whoever_finds_no_page_is_told_what_to_do_where_they_work(
    client: httpx.AsyncClient, path: str, back: str, words: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert words in answer.text
    assert "接口" not in answer.text
    assert f'<a class="weui-btn weui-btn_primary" href="{back}">返回</a>' in answer.text


@pytest.mark.parametrize(("path", "words"), [("/things/xyz", "返回首页"), ("/till/things/xyz", "回到收款台")])
async def test_half_a_link_leads_to_no_page(client: httpx.AsyncClient, path: str, words: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text
    assert words in answer.text
    assert "thing_id" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/api/things/xyz", "thing_id"),
        ("POST", "/things/xyz", "thing_id"),
        ("GET", "/things/0a1b?page=x", "page"),
    ],
)
async def test_anything_else_malformed_is_named(client: httpx.AsyncClient, method: str, path: str, field: str) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 400
    assert f"字段 {field} 缺失或格式不对" in answer.text


async def test_a_system_that_finds_nothing_gets_a_problem_document(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (answer.json()["code"], answer.json()["hint"]) == ("web.not_found", "请核对接口地址。")


async def test_a_failure_keeps_its_values_to_itself(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await client.get("/api/fails")
    assert answer.status_code == 500
    assert SECRET not in answer.text
    [entry] = logs
    assert SECRET not in str(entry)
    assert entry["kind"] == "ValueError"
    assert entry["number"] in answer.json()["detail"]


@pytest.mark.parametrize("body", ['{"amount": "X' + SECRET + '"}', "{}", "[", '"' + SECRET + '"'])
async def test_malformed_input_is_refused_without_repeating_it(client: httpx.AsyncClient, body: str) -> None:
    with capture_logs() as logs:
        answer = await client.post("/api/takes", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "web.malformed_request"
    assert SECRET not in answer.text
    assert logs == []


async def test_a_person_who_must_sign_in_is_led_there_and_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/private")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/private")


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/code", "/code"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("", "/"),
        ("/a\nb", "/"),
    ],
)
def test_only_our_own_pages_are_gone_back_to(path: str, safe: str) -> None:
    assert safe_next(path) == safe
