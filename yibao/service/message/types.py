from datetime import datetime

from msgspec import Struct


class Told(Struct, frozen=True):
    """The words of a message, and the page that shows more; empty where there is none.

    What touches who may use the credential goes to the phone by SMS too: whoever holds a stolen session cannot hide it.
    """

    title: str
    body: str
    href: str = ""
    by_sms: bool = False


class Message(Struct, frozen=True):
    """A message in its person's list. `read_at` is empty while it is new to them."""

    title: str
    body: str
    href: str
    created_at: datetime
    read_at: datetime | None
    ways: tuple[str, ...] = ()  # in which it went out besides the app: sms, or the code of a channel
