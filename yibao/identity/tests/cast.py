"""What the tests of this room share beside fixtures: sample secrets, and how a refusal is expected."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from yibao.core.refusal import Refusal

PASSWORD = "landscape7"
PAY_PASSWORD = "827364"
CERT_NO = "11010519491231002X"  # The sample of GB 11643, which nobody holds.
DEVICE = "own phone"


@contextmanager
def refused(kind: type[Refusal], *, personal: tuple[str, ...] = (), **facts: object) -> Iterator[None]:
    """Expect exactly this refusal with these facts, in whole texts that hold nothing `personal`."""
    with pytest.raises(Refusal) as caught:
        yield
    refusal = caught.value
    assert type(refusal) is kind
    assert refusal.facts == facts
    texts = [str(refusal), repr(refusal), refusal.title, refusal.detail_text, refusal.hint_text, refusal.remedy_text]
    assert all(texts)
    assert refusal.__cause__ is None
    for secret in personal:
        assert not any(secret in text for text in texts)


def wrong(code: str) -> str:
    """Return another code than this one."""
    return f"{(int(code) + 1) % 10**6:06d}"
