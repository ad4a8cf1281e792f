from datetime import datetime

from msgspec import Struct


class Told(Struct, frozen=True):
    """The words of a message, and the page that shows more; empty where there is none."""

    title: str
    body: str
    href: str = ""


class Message(Struct, frozen=True):
    """A message in its person's list. `read_at` is empty while it is new to them."""

    title: str
    body: str
    href: str
    created_at: datetime
    read_at: datetime | None
