"""Anticipated failures: what happened, what to do now, whom to ask.

A refusal is part of the product. Every class below `Refusal` has a stable `code` (`room.full_phrase`), texts in
Chinese for people and an HTTP status for machines; `docs/reference/errors.md` is generated from the classes. A refusal
never carries personal data: its facts are amounts, counts, times and names of public things.
"""

from typing import ClassVar


class Refusal(Exception):
    """An anticipated failure with a stable code and a remedy.

    `detail` and `remedy` may name facts in braces (`{left}`), which the raiser passes as keywords.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 409
    title: ClassVar[str]  # What happened, short: 「医保码已过期」.
    detail: ClassVar[str] = ""  # The facts of this case: 「医保码每 60 秒更换一次」.
    hint: ClassVar[str] = ""  # What the institution's staff or system can do.
    remedy: ClassVar[str]  # What the person should do now.

    catalogue: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        code = cls.__dict__.get("code")
        if code is None:
            return
        if code in Refusal.catalogue:
            raise TypeError(f"refusal code {code} is taken by {Refusal.catalogue[code].__qualname__}")
        Refusal.catalogue[code] = cls

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(f"{self.code}: {self.title}")

    @property
    def detail_text(self) -> str:
        return self.detail.format(**self.facts)

    @property
    def remedy_text(self) -> str:
        return self.remedy.format(**self.facts)

    @property
    def hint_text(self) -> str:
        return self.hint.format(**self.facts)
