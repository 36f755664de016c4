from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from training.codecs.box_coordinates import BoxCoordinates, cut_boxes

px = st.floats(-500, 500, width=32)


@given(st.tuples(px, px), st.tuples(px, px), st.floats(1, 500, width=32))
def test_decode_inverts_encode(joint, centre, side) -> None:
    box = BoxCoordinates(
        torch.tensor(centre, dtype=torch.float64), torch.tensor(side, dtype=torch.float64)
    )
    joint_px = torch.tensor(joint, dtype=torch.float64)
    assert torch.allclose(box.decode(box.encode(joint_px)), joint_px, rtol=0, atol=1e-9)
    coordinates = joint_px / 500
    assert torch.allclose(box.encode(box.decode(coordinates)), coordinates, rtol=0, atol=1e-9)


def test_edges_are_half_a_unit_from_the_centre() -> None:
    box = BoxCoordinates(torch.tensor([30.0, 50.0]), torch.tensor(20.0))
    corners = torch.tensor([[20.0, 40.0], [40.0, 60.0], [30.0, 50.0]])
    assert box.encode(corners).tolist() == [[-0.5, -0.5], [0.5, 0.5], [0.0, 0.0]]


def boxes(centres: list[list[tuple[float, float]]], sides: list[list[float]]) -> BoxCoordinates:
    return BoxCoordinates(torch.tensor(centres), torch.tensor(sides))


def test_cutting_the_whole_image_changes_nothing() -> None:
    images = torch.rand(2, 3, 16, 16)
    whole = boxes([[(8, 8)], [(8, 8)]], [[16], [16]])
    assert torch.allclose(cut_boxes(images, whole, 16), images, atol=1e-6)


def test_boxes_on_pixel_borders_are_slices_in_order() -> None:
    images = torch.rand(2, 3, 16, 12)
    places = boxes([[(4, 4), (6, 10)], [(8, 3), (10, 14)]], [[4, 4], [4, 4]])
    expected = [
        images[0, :, 2:6, 2:6],
        images[0, :, 8:12, 4:8],
        images[1, :, 1:5, 6:10],
    ]
    cut = cut_boxes(images, places, 4)
    assert torch.allclose(cut[:3], torch.stack(expected), atol=1e-6)
    # The last box hangs over the corner by none to the right and none below: also a slice.
    assert torch.allclose(cut[3], images[1, :, 12:16, 8:12], atol=1e-6)


@given(st.floats(20, 44), st.floats(20, 44), st.floats(4, 30), st.integers(3, 20))
def test_a_picture_of_its_own_coordinates_shows_where_each_pixel_was(x, y, side, size) -> None:
    """Bilinear sampling of a ramp is exact, so each pixel tells the px it was read at."""
    ramp = torch.arange(64.0) + 0.5
    image = torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64)])[None]
    box = boxes([[(x, y)]], [[side]])
    cut = cut_boxes(image, box, size)[0]
    cells = (torch.arange(size) + 0.5) / size - 0.5
    rows, columns = torch.meshgrid(cells, cells, indexing="ij")
    expected = box.decode(torch.stack([columns, rows], -1)[None].flatten(1, 2))
    assert torch.allclose(cut.flatten(1).T, expected[0], atol=1e-3)


def test_beyond_the_image_it_is_black() -> None:
    cut = cut_boxes(torch.ones(1, 1, 8, 8), boxes([[(0, 4)]], [[8]]), 8)[0, 0]
    assert (cut[:, :4] == 0).all()
    assert (cut[:, 4:] == 1).all()
