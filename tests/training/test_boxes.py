from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mano_assets.errors import InputError
from training.prediction.boxes import BoxedHand, CameraFields, read_boxes

HEADER = "image,x,y,width,height"


def written(folder: Path, text: str, name: str = "boxes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def told(hands: list[BoxedHand]) -> list[tuple]:
    return [(hand.image, hand.box, hand.side, hand.camera) for hand in hands]


def test_csv_with_all_columns_in_any_order(tmp_path: Path) -> None:
    """As spreadsheets write it: a byte order mark, blanks, an empty line, empty values."""
    path = written(
        tmp_path,
        "\ufeffimage, side, y, x, height, width, fx, cx\r\n"
        "a.jpg, left, 2, 1.5, 4, 3e1, 900, 320\r\n"
        "\r\n"
        '"b, c.jpg", , -2, 0, 1, 1, , \r\n',
    )
    hands = read_boxes(path)
    assert told(hands) == [
        ("a.jpg", (1.5, 2.0, 30.0, 4.0), "left", CameraFields(900.0, cx=320.0)),
        ("b, c.jpg", (0.0, -2.0, 1.0, 1.0), None, None),
    ]
    assert [hand.place for hand in hands] == [f"{path}, line 2", f"{path}, line 4"]


def test_json_as_of_coco(tmp_path: Path) -> None:
    content = {
        "info": {},
        "categories": [{"id": 1, "name": "hand"}],
        "images": [
            {"id": 7, "file_name": "b.png", "width": 10, "height": 10, "fx": 800, "fy": 810},
            {"id": 3, "file_name": "a.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 3, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0},
            {"id": 2, "image_id": 7, "bbox": [5, 6, 7.5, 8], "side": "right"},
        ],
    }
    path = written(tmp_path, json.dumps(content), "boxes.JSON")
    hands = read_boxes(path)
    assert told(hands) == [
        ("a.png", (1.0, 2.0, 3.0, 4.0), None, None),
        ("b.png", (5.0, 6.0, 7.5, 8.0), "right", CameraFields(800.0, 810.0)),
    ]
    assert hands[1].place == f"{path}, annotations[1]"


@given(
    st.tuples(
        st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.floats(1e-3, 1e4)
    )
)
def test_csv_and_json_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, box: tuple[float, ...]
) -> None:
    folder = tmp_path_factory.mktemp("boxes")
    text = f"{HEADER},side\na.jpg,{','.join(map(repr, box))},left\n"
    content = {
        "images": [{"id": 0, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 0, "bbox": box, "side": "left"}],
    }
    from_csv = read_boxes(written(folder, text))
    assert told(from_csv) == told(read_boxes(written(folder, json.dumps(content), "boxes.json")))
    assert from_csv[0].box == box


def test_what_is_not_told_of_a_camera_is_made_up_from_the_image() -> None:
    np.testing.assert_array_equal(
        CameraFields(900.0).matrix(640, 480), [[900, 0, 320], [0, 900, 240], [0, 0, 1]]
    )
    np.testing.assert_array_equal(
        CameraFields(900.0, 910.0, 300.0, 200.0).matrix(640, 480),
        [[900, 0, 300], [0, 910, 200], [0, 0, 1]],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "line 1: column 'image' is missing, expected a header with image,x,y,width,height and",
        ),
        ("a.jpg,1,2,3,4\n", "line 1: column 'image' is missing, expected a header"),
        ("image,x,y,width\na,1,2,3\n", "line 1: column 'height' is missing"),
        (f"{HEADER},score\n", "line 1: column 'score' is unknown or there twice, expected image,x"),
        (f"{HEADER},x\n", "line 1: column 'x' is unknown or there twice"),
        (f"{HEADER}\n", "boxes.csv: holds no box, expected at least one."),
        (f"{HEADER}\na,1,2,3,4\na,1,2,3\n", "line 3: has 4 values, expected 5 as in the header."),
        (f"{HEADER}\na,1,two,3,4\n", "line 2: y is 'two', expected a finite number."),
        (f"{HEADER}\na,,2,3,4\n", "line 2: x is None, expected a finite number."),
        (f"{HEADER}\na,nan,2,3,4\n", "line 2: x is 'nan', expected a finite number."),
        (f"{HEADER}\na,1,2,0,4\n", "line 2: width is '0', expected a number above 0."),
        (f"{HEADER}\na,1,2,3,-4\n", "line 2: height is '-4', expected a number above 0."),
        (f"{HEADER}\n,1,2,3,4\n", "line 2: image is None, expected the name of an image file."),
        (f"{HEADER},side\na,1,2,3,4,up\n", "line 2: side is 'up', expected right or left."),
        (f"{HEADER},fx\na,1,2,3,4,0\n", "line 2: fx is '0', expected a number above 0."),
        (f"{HEADER},cx\na,1,2,3,4,5\n", "line 2: fx is missing, expected it where cx is given."),
    ],
)
def test_csv_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_boxes(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert str(caught.value).endswith(".")


IMAGES = [{"id": 0, "file_name": "a.jpg"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "images is missing, expected COCO's lists images, annotations."),
        ({"images": IMAGES}, "annotations is missing, expected COCO's lists"),
        ({"images": ["a"]}, "images[0]: is 'a', expected an object."),
        ({"images": [{}]}, "images[0]: id is missing, expected the number of the image."),
        ({"annotations": [{"image_id": 4}]}, "annotations[0]: image_id is 4, expected the id of"),
        (
            {"annotations": [{"image_id": 0, "bbox": [1, 2, 3]}]},
            "annotations[0]: bbox is [1, 2, 3], expected [x, y, width, height].",
        ),
        (
            {"annotations": [{"image_id": 0, "bbox": [1, 2, 3, None]}]},
            "annotations[0]: height is None, expected a number above 0.",
        ),
        (
            {"images": [{"id": 0}], "annotations": [{"image_id": 0, "bbox": [1, 2, 3, 4]}]},
            "annotations[0]: image is None, expected the name of an image file.",
        ),
    ],
)
def test_json_that_cannot_be_used(tmp_path: Path, content: object, message: str) -> None:
    if isinstance(content, dict) and "annotations" in content:
        content = {"images": IMAGES, **content}
    path = written(tmp_path, json.dumps(content), "boxes.json")
    with pytest.raises(InputError) as caught:
        read_boxes(path)
    assert message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.csv: no such file, expected boxes as CSV or JSON\."):
        read_boxes(tmp_path / "no.csv")
    with pytest.raises(InputError, match=r"boxes\.json: not JSON \("):
        read_boxes(written(tmp_path, "{", "boxes.json"))
    (tmp_path / "photo.csv").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError, match=r"photo\.csv: cannot be read as text"):
        read_boxes(tmp_path / "photo.csv")
