from datetime import datetime

from msgspec import Struct

from yibao import identity


class Told(Struct, frozen=True):
    """The words of a message, and the page that shows more; empty where there is none.

    What touches who may use the credential or the account goes to the phone by SMS too: whoever holds a stolen session
    cannot hide it.
    """

    title: str
    body: str
    href: str = ""
    by_sms: bool = False


class Addressee(Struct, frozen=True):
    """In whose list a message stands, None where nobody is proved to be behind an account, and where else it goes."""

    person_id: str | None
    reach: identity.Reach | None


class Message(Struct, frozen=True):
    """A message in its person's list. `read_at` is empty while it is new to them."""

    title: str
    body: str
    href: str
    created_at: datetime
    read_at: datetime | None
    ways: tuple[str, ...] = ()  # in which it went out besides the app: a name of `WAYS`, or the code of a channel
