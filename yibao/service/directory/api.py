"""The directory for institutions' own systems."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from yibao.core.database import Pool
from yibao.service import directory
from yibao.web.principal import institution


@get("/items", summary="查目录：名称、拼音首字母或编码")
async def items(
    pool: Pool, q: Annotated[str, QueryParameter(min_length=1, max_length=50, description="名称、拼音首字母或编码")]
) -> list[directory.Item]:
    return await directory.search(pool, q, limit=20)


routes = [Router("/api", route_handlers=[items], guards=[institution], tags=["directory"])]
