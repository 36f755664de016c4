"""What all rooms' tests share: the free hand, built once into the user's cache."""

from pathlib import Path

import pytest

from mano_assets.hand import Hand, HandConfig, build_hand, load_hand


@pytest.fixture(scope="session")
def hand_folder() -> Path:
    return build_hand(HandConfig())


@pytest.fixture(scope="session")
def hand(hand_folder: Path) -> Hand:
    return load_hand(hand_folder)
