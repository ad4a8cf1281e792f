"""A proof by the face: one subject, one purpose, one device, once, for ten minutes (A2, A6, A7, A9)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from yibao.core.database import Tx
from yibao.core.vault import Vault
from yibao.face import PROOF_LASTS, Subject, begin, refusals, spend, typed_for
from yibao.face.actions import CHECK_LASTS
from yibao.face.tests.cast import passed

WHO = Subject("医小川", "01", "990101195803150017")


async def test_a_passed_check_gives_its_subject_once(tx: Tx, vault: Vault, at: datetime) -> None:
    check_id = await passed(tx, vault, purpose="real_name", subject=WHO, device="browser:a", at=at)
    assert await spend(tx, vault, check_id=check_id, purpose="real_name", device="browser:a", at=at) == WHO
    with pytest.raises(refusals.FaceExpired):
        await spend(tx, vault, check_id=check_id, purpose="real_name", device="browser:a", at=at)


async def test_a_check_that_has_not_passed_proves_nothing(tx: Tx, vault: Vault, at: datetime) -> None:
    check_id = await begin(tx, vault, purpose="real_name", subject=WHO, device="browser:a", back="/", at=at)
    with pytest.raises(refusals.FaceNotPassed):
        await spend(tx, vault, check_id=check_id, purpose="real_name", device="browser:a", at=at)


async def test_a_proof_is_for_its_purpose_and_device_only(tx: Tx, vault: Vault, at: datetime) -> None:
    check_id = await passed(tx, vault, purpose="real_name", subject=WHO, device="browser:a", at=at)
    with pytest.raises(refusals.FaceMissing):
        await spend(tx, vault, check_id=check_id, purpose="reset_login", device="browser:a", at=at)
    with pytest.raises(refusals.FaceMissing):
        await spend(tx, vault, check_id=check_id, purpose="real_name", device="browser:b", at=at)
    with pytest.raises(refusals.FaceMissing):
        await spend(tx, vault, check_id="0" * 32, purpose="real_name", device="browser:a", at=at)


async def test_a_proof_lasts_ten_minutes(tx: Tx, vault: Vault, at: datetime) -> None:
    check_id = await passed(tx, vault, purpose="real_name", subject=WHO, device="browser:a", at=at)
    late = at + PROOF_LASTS
    with pytest.raises(refusals.FaceExpired):
        await spend(tx, vault, check_id=check_id, purpose="real_name", device="browser:a", at=late)
    soon = late - timedelta(seconds=1)
    assert await spend(tx, vault, check_id=check_id, purpose="real_name", device="browser:a", at=soon) == WHO


async def test_what_was_typed_is_given_back_to_its_device_for_its_purpose_until_it_has_passed(
    tx: Tx, vault: Vault, at: datetime
) -> None:
    check_id = await begin(tx, vault, purpose="real_name", subject=WHO, device="browser:a", back="/", at=at)
    told: dict[str, Any] = {"check_id": check_id, "purpose": "real_name", "device": "browser:a", "at": at}
    typed = {"name": WHO.name, "cert_type": WHO.cert_type, "cert_no": WHO.cert_no}
    assert await typed_for(tx, vault, **told) == typed
    for other in (
        {"check_id": ""},
        {"check_id": "0" * 32},
        {"purpose": "reset_login"},
        {"device": "browser:b"},
        {"at": at + CHECK_LASTS},
    ):
        assert await typed_for(tx, vault, **told | other) == {}
    told["check_id"] = await passed(tx, vault, purpose="real_name", subject=WHO, device="browser:a", at=at)
    assert await typed_for(tx, vault, **told) == {}
