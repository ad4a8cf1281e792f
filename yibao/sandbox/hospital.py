"""A hospital's own web page, which signs people in and asks for what it needs with their 医保码 (B14).

It speaks to the platform as any institution's system does, with its key: ask, show the QR code, ask for the answer, use
the authorisation number once, read again while a grant lasts. Its page renews itself by `meta refresh` and needs no
script. Visits live in memory.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
from litestar import Router, get, post
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

VISITS_MAX = 200
TIMEOUT_SECONDS = 5

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class Errand:
    """What a visitor may want at the hospital's page, and what the hospital asks for it."""

    title: str
    purpose: str
    scopes: tuple[str, ...]
    days: int


ERRANDS = {
    "sign_in": Errand("登录网上服务", "登录医院网上服务", ("sign_in",), 0),
    "register": Errand("登记住院", "办理住院登记", ("identity", "insured_status"), 0),
    "follow": Errand("慢病随访", "随访期间核对参保情况", ("identity", "insured_status"), 30),
}


@dataclass
class Hospital:
    """Where the platform is and by which key it knows the hospital; both become known when the demonstration starts."""

    name: str = "示例医院"
    platform: str = ""
    key: str = field(default="", repr=False)

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Return the platform's status and answer; 0 and nothing where there was none."""
        headers = {"authorization": f"Bearer {self.key}"}
        try:
            async with httpx.AsyncClient(base_url=self.platform, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                answer = await client.request(method, path, json=body, headers=headers)
            return answer.status_code, answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return 0, {}


@dataclass
class Visit:
    """One errand at the hospital's page, and how far it has come."""

    errand: Errand
    asked: dict[str, Any]
    state: str = "pending"
    allowed: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = None
    reads: int = 0


def hospital_routes(hospital: Hospital) -> Router:
    """Return the hospital's pages, under `/hospital`."""
    visits: OrderedDict[str, Visit] = OrderedDict()

    def found(visit_id: str) -> Visit:
        if visit_id not in visits:
            raise NotFoundException
        return visits[visit_id]

    def front(refusal: dict[str, Any] | None = None) -> Template:
        return Template("hospital.html", context={"hospital": hospital, "errands": ERRANDS, "refusal": refusal})

    def keep(visit: Visit, status: int, answer: dict[str, Any]) -> None:
        if status == 200:
            visit.allowed, visit.refusal, visit.reads = answer, None, visit.reads + 1
        elif status:
            visit.refusal = answer

    @get("/")
    async def start() -> Template:
        return front()

    @post("/visits", status_code=200)
    async def begin(data: Form) -> Template | Redirect:
        errand = ERRANDS.get(data.get("errand", ""))
        if errand is None:
            raise NotFoundException
        visit_id = secrets.token_hex(8)
        status, answer = await hospital.call(
            "POST",
            "/api/authorisations",
            {"request_id": visit_id, "scopes": errand.scopes, "purpose": errand.purpose, "days": errand.days},
        )
        if status != 201:
            return front(answer or {"title": "医保平台没有应答", "remedy": "请稍后再试。"})
        visits[visit_id] = Visit(errand, answer)
        if len(visits) > VISITS_MAX:
            visits.popitem(last=False)
        return Redirect(f"/hospital/visits/{visit_id}", status_code=303)

    @get("/visits/{visit_id:str}")
    async def show(visit_id: FromPath[str]) -> Template:
        visit = found(visit_id)
        if visit.state == "pending":
            status, answer = await hospital.call("GET", f"/api/authorisations/{visit.asked['authorisation_id']}")
            if status == 200:
                visit.state = answer["state"]
                if visit.state == "allowed":
                    keep(
                        visit, *await hospital.call("POST", "/api/authorisations/check", {"auth_no": answer["auth_no"]})
                    )
        return Template("hospital_visit.html", context={"hospital": hospital, "visit": visit, "visit_id": visit_id})

    @post("/visits/{visit_id:str}/read", status_code=200)
    async def read(visit_id: FromPath[str]) -> Redirect:
        visit = found(visit_id)
        if visit.allowed is not None:
            keep(visit, *await hospital.call("POST", "/api/authorisations/read", {"token": visit.allowed["token"]}))
        return Redirect(f"/hospital/visits/{visit_id}", status_code=303)

    return Router("/hospital", route_handlers=[start, begin, show, read])
