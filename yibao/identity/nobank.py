"""What stands in for the bank where UnionPay is not connected."""

from datetime import datetime

import structlog

from yibao.identity.refusals import BankNotConnected
from yibao.identity.unionpay import Verdict

_log = structlog.get_logger(__name__)


class NoBank:
    """RealNameByBank that agrees to nothing and says so. For development only."""

    def __init__(self) -> None:
        _log.warning("unionpay.not_connected", note="no real name can be proved by a bank; for development only")

    async def verify(
        self, *, order_id: str, name: str, cert_type: str, cert_no: str, bank_card: str, phone: str, at: datetime
    ) -> Verdict:
        raise BankNotConnected
