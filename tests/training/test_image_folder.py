from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mano_assets.errors import InputError
from render.manifest import Manifest
from render.manifest.reading import column_array
from training.prediction.boxes import BoxedHand, CameraFields
from training.prediction.image_folder import list_hands, upright, write_hands

ORIENTATION = 0x0112
"""The EXIF tag."""

STORED_FROM_UPRIGHT = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera's orientation turns what is seen into what is stored (TIFF 6.0, page 36)."""


def photo(folder: Path, name: str, size: tuple[int, int] = (60, 40)) -> Path:
    noise = np.random.default_rng(len(name)).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    folder.mkdir(exist_ok=True)
    Image.fromarray(noise).save(folder / name)
    return folder / name


@pytest.mark.parametrize("orientation", STORED_FROM_UPRIGHT)
def test_photographs_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    seen = Image.open(photo(tmp_path, "seen.png"))
    turn = STORED_FROM_UPRIGHT[orientation]
    stored = seen if turn is None else seen.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored.save(tmp_path / "stored.png", exif=exif)
    data, width, height = upright(tmp_path / "stored.png")
    assert (width, height) == seen.size
    with Image.open(io.BytesIO(data)) as found:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(seen))
        # What reads it next must not turn it again.
        assert orientation == 1 or ORIENTATION not in found.getexif()


def test_an_upright_file_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.webp", "a.bmp"):
        path = photo(tmp_path, name)
        assert upright(path) == (path.read_bytes(), 60, 40)


def test_damaged_images_are_found(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png"):
        path = photo(tmp_path, name, (200, 200))
        path.write_bytes(path.read_bytes()[:-4000])
        with pytest.raises(InputError, match=rf"{name}: not a readable image \("):
            upright(path)


def test_hands_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for name in ("b.jpg", "a.v2.jpg", "c.PNG", "notes.txt"):
        if name.endswith("txt"):
            (folder / name).write_text("")
        else:
            photo(folder, name)
    assert [(hand.key, hand.image.name) for hand in list_hands(folder)] == [
        ("a.v2", "a.v2.jpg"), ("b", "b.jpg"), ("c", "c.PNG"),
    ]  # fmt: skip
    boxes = [
        BoxedHand("here", name, (0, 0, float(number), 1))
        for number, name in enumerate(("c.PNG", "b.jpg", "c.PNG"))
    ]
    hands = list_hands(folder, boxes)
    assert [(hand.key, hand.boxed) for hand in hands] == [
        ("b", boxes[1]), ("c-0", boxes[0]), ("c-1", boxes[2]),
    ]  # fmt: skip
    assert [hand.key for hand in list_hands(folder / "b.jpg")] == ["b"]
    assert [hand.key for hand in list_hands(folder / "b.jpg", boxes)] == ["b"]


def test_rows_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    photo(folder, "a.png")
    photo(folder, "b.png", (80, 50))
    boxes = [
        BoxedHand("", "b.png", (1, 2, 3, 4), "right", CameraFields(70.0, 71.0, 30.0, 20.0)),
        BoxedHand("", "b.png", (-5, 6, 30, 40)),
    ]
    write_hands(tmp_path / "boxed", "photos", list_hands(folder, boxes), "left", 500.0)
    manifest = Manifest.open(str(tmp_path / "boxed"))
    table = manifest.table("images")
    assert manifest.info.name == "photos"
    assert table["side"].to_pylist() == ["right", "left"]
    np.testing.assert_array_equal(column_array(table, "box", 4), [(1, 2, 3, 4), (-5, 6, 30, 40)])
    np.testing.assert_array_equal(
        column_array(table, "camera_k", 3, 3),
        [[[70, 0, 30], [0, 71, 20], [0, 0, 1]], [[500, 0, 40], [0, 500, 25], [0, 0, 1]]],
    )
    write_hands(tmp_path / "whole", "photos", list_hands(folder))
    table = Manifest.open(str(tmp_path / "whole")).table()
    np.testing.assert_array_equal(column_array(table, "box", 4), [(0, 0, 60, 40), (0, 0, 80, 50)])
    assert table["camera_k"].null_count == 2
    assert table["side"].to_pylist() == ["right", "right"]


def test_folders_and_boxes_that_cannot_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    with pytest.raises(InputError, match=r"photos: no such folder, expected a folder of images"):
        list_hands(folder)
    folder.mkdir()
    with pytest.raises(InputError, match=r"photos: holds no image, expected \.jpg"):
        list_hands(folder)
    photo(folder, "a.png")
    with pytest.raises(InputError, match=r"^boxes\.csv, line 2: image is 'b\.png', expected the"):
        list_hands(folder, [BoxedHand("boxes.csv, line 2", "b.png", (0, 0, 1, 1))])
    with pytest.raises(InputError, match=r"a\.png: has no box in the boxes file"):
        list_hands(folder / "a.png", [BoxedHand("boxes.csv, line 2", "b.png", (0, 0, 1, 1))])
    photo(folder, "a-0.png")
    boxes = [BoxedHand("", name, (0, 0, 1, 1)) for name in ("a.png", "a.png", "a-0.png")]
    with pytest.raises(InputError, match=r"a\.png: the key 'a-0' occurs twice, expected unique"):
        list_hands(folder, boxes)
    for box, field in (((60, 0, 5, 5), "x is 60"), ((0, -6, 5, 5), "y is -6")):
        hands = list_hands(folder, [BoxedHand("boxes.csv, line 2", "a.png", box)])
        with pytest.raises(InputError, match=f"^boxes.csv, line 2: {field}, expected a box that"):
            write_hands(tmp_path / "out", "photos", hands)
    hands = list_hands(folder)
    with pytest.raises(InputError, match=r"^side: is 'both', expected one of right, left\.$"):
        write_hands(tmp_path / "out", "photos", hands, "both")
    with pytest.raises(InputError, match=r"^focal_px: is -1\.0, expected a number above 0\.$"):
        write_hands(tmp_path / "out", "photos", hands, focal_px=-1.0)
