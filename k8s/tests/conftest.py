"""The overlays, rendered once."""

import pytest

from bundle import K8S, OVERLAYS, Bundle, render


@pytest.fixture(scope="session")
def rendered():
    return {overlay: render(K8S / "overlays" / overlay) for overlay in OVERLAYS}


@pytest.fixture(params=OVERLAYS)
def bundle(request, rendered):
    return Bundle(rendered[request.param], request.param)


@pytest.fixture
def production(rendered):
    return Bundle(rendered["production"], "production")
