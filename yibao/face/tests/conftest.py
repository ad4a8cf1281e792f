"""The engine, loaded once for a run: it has no state besides its nets."""

import pytest

from yibao.face import models
from yibao.face.tests.warp import HOME
from yibao.face.vision import OpenCvEngine


@pytest.fixture(scope="session")
def engine() -> OpenCvEngine:
    return OpenCvEngine(models.ensure(HOME))
