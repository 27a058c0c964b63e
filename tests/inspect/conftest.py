"""A zoo of small networks that compile in a second."""

import pytest
from small_zoo import small_zoo

from lin_ft.zoo import load_zoo


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield small_zoo(tmp_path_factory.mktemp("small_zoo"), patch)


@pytest.fixture(scope="session")
def models(zoo_folder):
    return load_zoo(zoo_folder)
