"""A counterpart over HTTP that knows us by a shared secret: gateways for messages, the police bureau.

What is asked is signed with HMAC-SM3 over method, path, the marks of this attempt (time, nonce) and the body, each on
its line. Silence is not an answer: whether the other side has heard us is then unknown.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from yibao.core.gm import hmac_sm3


class NoAnswer(Exception):
    """The counterpart was silent, or could not be reached."""


class Partner:
    """One counterpart at one address."""

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        url: str,
        secret: bytes,
        app_id: str = "yibao",
        timeout_seconds: float = 5,
    ) -> None:
        """Take the address without the path; `timeout_seconds` bounds a whole attempt."""
        self.secret = secret
        self._client = client
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._timeout_seconds = timeout_seconds

    async def post(self, path: str, body: bytes, *, marks: Mapping[str, str]) -> httpx.Response:
        """Ask, and return the answer whatever its status; `marks` are headers that are signed too.

        Raises: NoAnswer
        """
        url = self._url + path
        signed = "\n".join(("POST", urlsplit(url).path, *marks.values(), "")).encode() + body
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"YB-HMAC-SM3 {self._app_id}:{hmac_sm3(self.secret, signed).hex()}",
            **marks,
        }
        try:
            async with asyncio.timeout(self._timeout_seconds):
                # One clock only: httpx counts every read anew, so a slow drip would never end.
                return await self._client.post(url, content=body, headers=headers, timeout=None)
        except (httpx.HTTPError, TimeoutError):
            raise NoAnswer from None
