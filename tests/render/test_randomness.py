"""Random streams: each by seed, name and sample number alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from render.randomness import stream


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_streams_depend_on_seed_name_and_index_alone(seed: int, index: int):
    first = stream(seed, "pose", index).random(4)
    stream(seed, "pose", index + 1).random(100)
    np.testing.assert_array_equal(first, stream(seed, "pose", index).random(4))
    for other in (stream(seed + 1, "pose", index), stream(seed, "view", index)):
        assert not np.array_equal(first, other.random(4))


def test_streams_of_neighbouring_samples_are_uncorrelated():
    draws = np.array([stream(0, "pose", index).random(8) for index in range(2000)])
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.08


def test_a_stream_never_changes():
    """Whoever renders a sample again in years gets the same numbers."""
    np.testing.assert_array_equal(
        stream(7, "pose", 123).integers(0, 2**32, 4), [534115890, 2491874521, 1084976380, 255070475]
    )
