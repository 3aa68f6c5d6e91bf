"""What all tests against real servers share."""

from __future__ import annotations

import pytest
from tests.net.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A throw-away certificate authority; its root is trusted through SSL_CERT_FILE."""
    return Authority(tmp_path_factory.mktemp("authority"))
