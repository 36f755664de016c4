from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass
from scipy.signal import convolve2d
from scipy.special import softmax

from mano_assets.skeleton import HAND21
from training.codecs import (
    GaussianHeatmap,
    SoftArgmax,
    bone_lengths,
    expected_position,
    inside,
)

PLACES = st.floats(0.0, 1.0)


@given(st.sampled_from([(16, 4.0), (24, 4.0), (64, 2.0)]), st.floats(0.5, 3.0), PLACES, PLACES)
def test_heatmap_round_trip_within_a_quarter_cell(shape, sigma, x, y) -> None:
    """Half a cell in the outermost ones: there is no neighbour to compare with."""
    map_size, stride = shape
    codec = GaussianHeatmap(map_size, stride, sigma)
    cells = torch.tensor([[[x, y]]], dtype=torch.float64) * map_size
    error = (codec.decode(codec.encode(cells * stride)) / stride - cells).abs()
    at_edge = (cells < 1) | (cells > map_size - 1)
    assert (error <= torch.where(at_edge, 0.5, 0.25) + 1e-9).all()


@given(
    st.sampled_from([(24, 4.0), (32, 8.0), (64, 2.0)]),
    st.floats(0.6, 2.0),
    PLACES,
    PLACES,
    st.floats(0.1, 5.0),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_dark_round_trip(shape, sigma, x, y, height, dtype) -> None:
    """Away from the border by what a Gaussian and its smoothing reach; whatever its height."""
    map_size, stride = shape
    codec = GaussianHeatmap(map_size, stride, sigma, "dark")
    margin = 5 * sigma
    cells = torch.tensor([[[x, y]]], dtype=dtype) * (map_size - 2 * margin) + margin
    decoded = codec.decode(height * codec.encode(cells * stride))
    assert decoded.dtype == dtype
    assert (decoded / stride - cells).abs().max() < 1e-3


def quarter_by_loop(grid: np.ndarray) -> np.ndarray:
    """Cells (column, row), as Newell et al. 2016, section 3.3 say it."""
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    height, width = grid.shape
    cells = np.array([column, row], dtype=float) + 0.5
    if 0 < column < width - 1:
        cells[0] += 0.25 * np.sign(grid[row, column + 1] - grid[row, column - 1])
    if 0 < row < height - 1:
        cells[1] += 0.25 * np.sign(grid[row + 1, column] - grid[row - 1, column])
    return cells


def dark_by_loop(grid: np.ndarray, sigma: float) -> np.ndarray | None:
    """Zhang et al. 2020, equations 4 to 10, on one map; None where the step is not to be used."""
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    if not (2 <= column < grid.shape[1] - 2 and 2 <= row < grid.shape[0] - 2):
        return None
    reach = np.arange(-np.ceil(3 * sigma), np.ceil(3 * sigma) + 1)
    kernel = np.exp(-(reach[:, None] ** 2 + reach[None] ** 2) / (2 * sigma**2))
    smooth = convolve2d(grid, kernel / kernel.sum(), mode="same")
    log = np.log(np.maximum(smooth, 1e-10))
    by_row, by_column = np.gradient(log)
    (row_row, row_column), (_, column_column) = np.gradient(by_row), np.gradient(by_column)
    hessian = np.array(
        [
            [column_column[row, column], row_column[row, column]],
            [row_column[row, column], row_row[row, column]],
        ]
    )
    if np.linalg.eigvalsh(hessian).max() >= 0:
        return None
    step = -np.linalg.solve(hessian, [by_column[row, column], by_row[row, column]])
    return None if np.abs(step).max() > 1 else np.array([column, row]) + 0.5 + step


@given(st.integers(0, 2**31), st.floats(0.0, 0.5), st.sampled_from([1.0, 1.5, 2.0]))
def test_decoding_of_noisy_maps_equals_a_loop_over_them(seed, noise, sigma) -> None:
    """Two images of three joints; peaks anywhere, at the edge too, and maps of noise alone."""
    rng = np.random.default_rng(seed)
    quarter = GaussianHeatmap(20, 4.0, sigma)
    joints = torch.from_numpy(rng.uniform(-4, 84, (2, 3, 2)))
    maps = quarter.encode(joints) + torch.from_numpy(rng.normal(0, noise, (2, 3, 20, 20)))
    found = quarter.decode(maps).numpy() / 4
    dark = GaussianHeatmap(20, 4.0, sigma, "dark").decode(maps).numpy() / 4
    for index in np.ndindex(2, 3):
        expected = quarter_by_loop(maps[index].numpy())
        np.testing.assert_allclose(found[index], expected)
        refined = dark_by_loop(maps[index].numpy(), sigma)
        np.testing.assert_allclose(dark[index], expected if refined is None else refined, atol=1e-6)


def test_dark_beats_the_quarter_on_a_noisy_map() -> None:
    rng = np.random.default_rng(0)
    joints = torch.from_numpy(rng.uniform(40, 216, (1, 500, 2)))
    errors = {}
    for decoding in ("quarter", "dark"):
        codec = GaussianHeatmap(64, 4.0, 2.0, decoding)
        maps = codec.encode(joints) + 0.02 * torch.from_numpy(
            np.random.default_rng(1).normal(size=(1, 500, 64, 64))
        )
        errors[decoding] = (codec.decode(maps) - joints).norm(dim=-1).mean()
    assert errors["dark"] < 0.25 * errors["quarter"]


@pytest.mark.parametrize("decoding", ["quarter", "dark"])
def test_maps_of_nothing_decode_to_a_cell(decoding) -> None:
    """Flat, negative, tiny and half-precision maps have no dome, yet a place."""
    codec = GaussianHeatmap(8, 4.0, 1.0, decoding)
    for maps in (torch.zeros(1, 1, 8, 8), -torch.ones(1, 1, 8, 8), torch.full((1, 1, 8, 8), 1e-30)):
        for dtype in (torch.float32, torch.bfloat16):
            decoded = codec.decode(maps.to(dtype))
            assert ((decoded >= 0) & (decoded <= 32)).all()
    two = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]])
    assert GaussianHeatmap(2, 16.0, 0.5, decoding).decode(two).tolist() == [[[24.0, 8.0]]]


def test_dark_leaves_a_peak_in_a_hollow_alone() -> None:
    """A lone high cell within a wall: once smoothed there is no maximum to step to."""
    rows, columns = torch.meshgrid(torch.arange(17), torch.arange(17), indexing="ij")
    distance = ((rows - 8) ** 2 + (columns - 8) ** 2).sqrt()
    maps = torch.where((distance > 1.5) & (distance < 4), 0.9, 0.0) + 0.002 * columns
    maps[8, 8] = 1.0
    quarter = GaussianHeatmap(17, 4.0, 1.5).decode(maps[None, None])
    assert torch.equal(GaussianHeatmap(17, 4.0, 1.5, "dark").decode(maps[None, None]), quarter)


def test_heatmap_follows_pixel_centres() -> None:
    codec = GaussianHeatmap(map_size=16, stride=4.0, sigma=1.0)
    maps = codec.encode(torch.tensor([[[4 * 6.5, 4 * 9.5]]]))
    assert maps[0, 0, 9, 6] == 1.0
    assert maps.max() == 1.0
    assert codec.decode(maps)[0, 0].tolist() == [26.0, 38.0]


@given(st.floats(-40, 100), st.floats(-40, 100), st.floats(0.5, 3.0))
def test_heatmap_of_any_joint_is_the_gaussian_at_the_cells_centres(x, y, sigma) -> None:
    """Of joints outside too: what reaches inside, and finite however far."""
    codec = GaussianHeatmap(16, 4.0, sigma)
    joints = torch.tensor([[[x, y], [1e6, -1e6]]], dtype=torch.float64)
    maps = codec.encode(joints).numpy()
    for row, column in [(0, 0), (0, 15), (7, 3), (15, 9)]:
        square = (4 * (column + 0.5) - x) ** 2 + (4 * (row + 0.5) - y) ** 2
        expected = np.exp(-square / (2 * (4 * sigma) ** 2))
        np.testing.assert_allclose(maps[0, 0, row, column], expected, atol=1e-12)
    assert not maps[0, 1].any()


@given(st.sampled_from([(2, 16.0), (16, 4.0), (64, 2.0)]), st.floats(0.05, 50.0), PLACES, PLACES)
def test_soft_argmax_round_trip(shape, beta, x, y) -> None:
    """Exact between the centres of the outermost cells; others come back from those centres."""
    map_size, stride = shape
    codec = SoftArgmax(map_size, stride, beta)
    joints = torch.tensor([[[x, y]]], dtype=torch.float64) * map_size * stride
    reachable = joints.clamp(0.5 * stride, (map_size - 0.5) * stride)
    scores = codec.encode(joints)
    assert scores.isfinite().all()
    assert (codec.decode(scores) - reachable).abs().max() < 1e-6
    assert (codec.decode(codec.encode(joints.float())) - reachable).abs().max() < 1e-3 * stride


@pytest.mark.parametrize("beta", [0.3, 1.0, 50.0])
def test_soft_argmax_is_the_centre_of_mass_of_the_softmax(beta) -> None:
    scores = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    ours = SoftArgmax(8, 4.0, beta).decode(torch.from_numpy(scores)).numpy()
    for index in np.ndindex(2, 3):
        row, column = center_of_mass(softmax(beta * scores[index]))
        np.testing.assert_allclose(ours[index], [4 * (column + 0.5), 4 * (row + 0.5)])


def test_soft_argmax_passes_gradients() -> None:
    """The derivative of an expectation: beta times probability times distance from the mean."""
    codec = SoftArgmax(5, 4.0, beta=3.0)
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(1, 1, 5, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    x = codec.decode(scores)[0, 0, 0]
    x.backward()
    columns = 4 * (np.arange(5) + 0.5)
    share = softmax(3.0 * scores.detach().numpy()[0, 0])
    assert scores.grad is not None
    np.testing.assert_allclose(scores.grad[0, 0], 3.0 * share * (columns - x.item()), atol=1e-12)


def test_expected_position_is_the_centre_of_mass() -> None:
    maps = np.random.default_rng(0).random((2, 3, 8, 10))
    maps /= maps.sum((2, 3), keepdims=True)
    ours = expected_position(torch.from_numpy(maps), stride=4.0).numpy()
    for index in np.ndindex(2, 3):
        row, column = center_of_mass(maps[index])
        np.testing.assert_allclose(ours[index], [4 * (column + 0.5), 4 * (row + 0.5)])


def test_inside() -> None:
    joints = torch.tensor([[[0.0, 32.0], [-0.1, 5.0], [5.0, 32.1], [3.0, 4.0]]])
    assert inside(joints, 32).tolist() == [[1.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize("missing", [0, 5])
def test_bone_lengths_follow_the_skeleton(missing: int) -> None:
    joints = torch.zeros(21, 3)
    joints[missing, 0] = 1.0
    touched = [bone for bone in HAND21.bones if missing in bone]
    assert bone_lengths(joints).sum() == len(touched)
