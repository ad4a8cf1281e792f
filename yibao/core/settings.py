"""What differs from one installation to the next, read once from the environment at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class SettingsInvalid(Exception):
    """An environment variable has a value that the platform cannot start with."""


@dataclass(frozen=True)
class Settings:
    """The settings of one installation; `docs/howto/settings.md` explains each.

    `database_url` empty means the embedded PostgreSQL under `home`.
    """

    home: Path  # YIBAO_HOME: keys, embedded database, page assets. The project's `.yibao` by default.
    database_url: str = ""  # YIBAO_DATABASE_URL: an existing server, as a member of the role yibao_app.
    owner_database_url: str = ""  # YIBAO_OWNER_DATABASE_URL: who migrates it; the same user when empty.
    host: str = "127.0.0.1"  # YIBAO_HOST
    port: int = 0  # YIBAO_PORT: 0 takes a free one below 32768.
    public_url: str = ""  # YIBAO_PUBLIC_URL: https://… in production, which makes cookies Secure.
    sms_url: str = ""  # YIBAO_SMS_URL: the SMS gateway; without one, messages are only logged as unsent.
    sms_secret: str = field(default="", repr=False)  # YIBAO_SMS_SECRET
    channels_url: str = ""  # YIBAO_CHANNELS_URL: the gateway for messages inside channels.
    channels_secret: str = field(default="", repr=False)  # YIBAO_CHANNELS_SECRET
    police_url: str = ""  # YIBAO_POLICE_URL: the police bureau's photo service.
    police_secret: str = field(default="", repr=False)  # YIBAO_POLICE_SECRET
    unionpay_url: str = ""  # YIBAO_UNIONPAY_URL: the real-name service of UnionPay.
    unionpay_keys: str = ""  # YIBAO_UNIONPAY_KEYS: the folder with our key and its certificate.

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in `environ`; SettingsInvalid names the variable that is wrong."""
    try:
        port = int(environ.get("YIBAO_PORT", "0"))
    except ValueError:
        raise SettingsInvalid("YIBAO_PORT 应为端口号（整数）") from None
    if not 0 <= port <= 65535:
        raise SettingsInvalid("YIBAO_PORT 应在 0 到 65535 之间")
    if environ.get("YIBAO_POLICE_URL") and not environ.get("YIBAO_POLICE_SECRET"):
        raise SettingsInvalid("设了 YIBAO_POLICE_URL 就要设 YIBAO_POLICE_SECRET")
    return Settings(
        home=Path(environ.get("YIBAO_HOME", Path(__file__).parents[2] / ".yibao")).absolute(),
        database_url=environ.get("YIBAO_DATABASE_URL", ""),
        owner_database_url=environ.get("YIBAO_OWNER_DATABASE_URL", ""),
        host=environ.get("YIBAO_HOST", "127.0.0.1"),
        port=port,
        public_url=environ.get("YIBAO_PUBLIC_URL", ""),
        sms_url=environ.get("YIBAO_SMS_URL", ""),
        sms_secret=environ.get("YIBAO_SMS_SECRET", ""),
        channels_url=environ.get("YIBAO_CHANNELS_URL", ""),
        channels_secret=environ.get("YIBAO_CHANNELS_SECRET", ""),
        police_url=environ.get("YIBAO_POLICE_URL", ""),
        police_secret=environ.get("YIBAO_POLICE_SECRET", ""),
        unionpay_url=environ.get("YIBAO_UNIONPAY_URL", ""),
        unionpay_keys=environ.get("YIBAO_UNIONPAY_KEYS", ""),
    )
