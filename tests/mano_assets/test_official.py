import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse
from made_up_mano import (
    CH,
    SELECT,
    csc,
    dump,
    instance,
    left_of,
    mano_content,
    random_arrays,
    write_mano,
)

from mano_assets.building.official import left_record, load_official
from mano_assets.errors import InputError
from mano_assets.hand import HandConfig, build_hand

ARRAYS = random_arrays()


def pickled(kind: str) -> bytes:
    content = mano_content(ARRAYS)
    if kind == "python 2":
        return dump(content)
    if kind == "python 3, protocol 2":
        return dump(content, python2=False)
    content |= {"shapedirs": ARRAYS["shapedirs"][..., :10]}
    content |= {"J_regressor": sparse.csr_matrix(ARRAYS["J_regressor"])}
    return dump(content, protocol=4, python2=False)


@pytest.mark.parametrize("kind", ["python 2", "python 3, protocol 2", "python 3, plain"])
def test_arrays_come_back_exactly(tmp_path: Path, kind: str):
    loaded = load_official(write_mano(tmp_path, pickled(kind)))
    for key, array in ARRAYS.items():
        expected = array[..., :10] if key == "shapedirs" else array
        np.testing.assert_array_equal(loaded[key], expected, err_msg=key)
    assert loaded["f"].dtype == np.uint32
    assert loaded["bs_type"] == "lrotmin"
    assert loaded["forearm"].shape == (778,)
    assert not loaded["forearm"].any()


def test_the_stream_names_what_the_licensed_file_names():
    stream = dump(mano_content(ARRAYS))
    for name in (b"chumpy.ch\nCh", b"chumpy.reordering\nSelect", b"scipy.sparse.csc\ncsc_matrix"):
        assert name in stream
    assert b"_codecs" not in stream


HOSTILE = {
    "os.system": b"cos\nsystem\n(S'touch {}'\ntR.",
    "posix.system": b"cposix\nsystem\n(S'touch {}'\ntR.",
    "builtins.eval": b'cbuiltins\neval\n(S\'open("{}","w")\'\ntR.',
    "__builtin__.getattr": b"c__builtin__\ngetattr\n(cos\nsystem\nS'__call__'\ntR(S'touch {}'\ntR.",
    "subprocess.Popen": b"(S'touch {}'\nisubprocess\nPopen\n.",
    "numpy.load": b"cnumpy\nload\n(S'{}'\ntR.",
    "numpy.memmap": b"cnumpy\nmemmap\n(S'{}'\nS'uint8'\nS'w+'\nI0\n(I1\nttR.",
    "numpy.ndarray.tofile": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "numpy.core.multiarray.fromfile": b"cnumpy.core.multiarray\nfromfile\n(S'{}'\ntR.",
    "copy_reg._reconstructor": b"ccopy_reg\n_reconstructor\n(cos\nsystem\nS'touch {}'\nNtR.",
    "chumpy.ch.ChLambda": b"cchumpy.ch\nChLambda\n(S'touch {}'\ntR.",
    "scipy.sparse.load_npz": b"cscipy.sparse\nload_npz\n(S'{}'\ntR.",
}


@pytest.mark.parametrize("refused", HOSTILE)
def test_anything_else_is_refused_by_name_and_not_run(tmp_path: Path, refused: str):
    marker = tmp_path / "ran"
    stream = HOSTILE[refused].replace(b"{}", str(marker).encode())
    path = write_mano(tmp_path / "mano", stream)
    with pytest.raises(InputError) as raised:
        load_official(path)
    expected = f"{path}: holds {refused}, expected nothing but arrays and sparse matrices."
    assert str(raised.value) == expected
    assert not marker.exists()


def test_a_hostile_object_among_the_arrays_leaves_no_hand(tmp_path: Path):
    class Hostile:
        def __reduce__(self):
            import os

            return os.mkdir, (str(tmp_path / "ran"),)

    content = mano_content(ARRAYS)
    content["v_template"] = instance(CH, {"x": [Hostile()]})
    write_mano(tmp_path / "mano", content)
    config = HandConfig(source="mano", mano_dir=tmp_path / "mano")
    with pytest.raises(InputError, match=r"holds posix\.mkdir, expected nothing but arrays"):
        build_hand(config, cache=tmp_path / "cache")
    assert not (tmp_path / "ran").exists()
    assert not list((tmp_path / "cache").glob("hands/*"))


def test_arguments_and_states_of_admitted_names_do_nothing(tmp_path: Path):
    marker = tmp_path / "ran"
    touching = f"touch {marker}".encode()
    streams = [
        # Calling and building an admitted class, on its instance and on itself.
        b"cchumpy.ch\nCh\n(S'%b'\ntR." % touching,
        b"cchumpy.ch\nCh\n)R}S'__class__'\ncnumpy\ndtype\nsb.",
        b"cchumpy.ch\nCh\n}S'__setstate__'\nS'%b'\nsb." % touching,
        b"cnumpy.core.multiarray\n_reconstruct\n}S'__call__'\nS'%b'\nsb." % touching,
        b"c_codecs\nencode\n(S'%b'\nS'rot13'\ntR." % touching,
        b"cnumpy\ndtype\n(S'O'\ntR.",
    ]
    for stream in streams:
        with pytest.raises(
            InputError, match=r"expected (a dict of MANO's arrays|a pickle of arrays)"
        ):
            load_official(write_mano(tmp_path / "mano", stream))
    assert not marker.exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, share: float):
    whole = dump(mano_content(ARRAYS))
    path = write_mano(tmp_path, whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"MANO_RIGHT\.pkl: damaged, expected a pickle"):
        load_official(path)


def recursive() -> object:
    select = instance(SELECT, {"idxs": np.arange(3)})
    select.a = select
    return select


def beyond_the_vertices() -> np.ndarray:
    triangles = ARRAYS["f"].copy()
    triangles[7, 1] = 778
    return triangles


def not_finite(key: str) -> np.ndarray:
    array = ARRAYS[key].copy()
    array.flat[0] = np.nan
    return array


WRONG = {
    "missing": (
        "posedirs",
        None,
        r"posedirs is missing, expected .* \[778, 3, 135\]",
    ),
    "shape": ("weights", np.zeros((778, 15)), r"weights has shape \[778, 15\], .* \[778, 16\]"),
    "text": ("hands_mean", "flat", r"hands_mean cannot be read, .* \[45\] \(it is a str\)"),
    "objects": ("J", np.full((16, 3), None), r"J cannot be read, .* \[16, 3\] \(its type is O8\)"),
    "not finite": ("J", not_finite("J"), r"J has shape .* expected .* all finite"),
    "a state that is no dict": ("J", instance(CH, {"y": 1}), r"J cannot be read, .* \('x'\)"),
    "recursion": ("shapedirs", recursive(), "shapedirs cannot be read, .* recursion"),
    "a row that is not there": (
        "J_regressor",
        csc(ARRAYS["J_regressor"], _shape=(15, 778)),
        r"J_regressor cannot be read, .* \[16, 778\]",
    ),
    "a vertex that is not there": ("f", beyond_the_vertices(), "f names a vertex .* 0 to 777"),
    "tree": (
        "kintree_table",
        np.stack([np.zeros(16, int), np.arange(16)]),
        "kintree_table holds another tree, expected MANO's 16 joints",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_array_is_named(tmp_path: Path, case: str):
    key, value, message = WRONG[case]
    content = mano_content(ARRAYS)
    del content[key]
    if value is not None:
        content[key] = value
    path = write_mano(tmp_path, content)
    with pytest.raises(InputError, match=f"MANO_RIGHT.pkl: {message}") as raised:
        load_official(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert str(raised.value).endswith(".")


def write_both(folder: Path, left: dict[str, np.ndarray]) -> tuple[Path, Path]:
    right_path = write_mano(folder, mano_content(ARRAYS))
    return right_path, write_mano(folder, mano_content(left), "LEFT")


@pytest.mark.parametrize("faulty", [True, False])
def test_the_left_file_is_compared_with_the_mirrored_right_one(tmp_path: Path, faulty: bool):
    paths = write_both(tmp_path, left_of(ARRAYS, faulty))
    record = left_record(*paths)
    right_sha256, left_sha256 = (hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert record == {
        "right_sha256": right_sha256,
        "left": {
            "sha256": left_sha256,
            "has_sign_fault": faulty,
            "template_difference_m": 0.0,
            "shapedirs_difference_m": 0.0,
        },
    }
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize("faulty", [True, False])
def test_differences_of_the_left_file_are_recorded(tmp_path: Path, faulty: bool):
    left = left_of(ARRAYS, faulty)
    for key, changed_m in (("v_template", 0.003), ("shapedirs", 0.0001)):
        left[key] = left[key].copy()
        left[key][7, 2] += changed_m
    record = left_record(*write_both(tmp_path, left))["left"]
    assert record["has_sign_fault"] == faulty
    assert record["template_difference_m"] == pytest.approx(0.003)
    assert record["shapedirs_difference_m"] == pytest.approx(0.0001)


def test_the_left_file_may_be_absent(tmp_path: Path):
    right_path = write_mano(tmp_path, mano_content(ARRAYS))
    record = left_record(right_path, tmp_path / "MANO_LEFT.pkl")
    right_sha256 = hashlib.sha256(right_path.read_bytes()).hexdigest()
    assert record == {"right_sha256": right_sha256, "left": None}


def test_the_left_file_is_read_as_carefully(tmp_path: Path):
    right_path = write_mano(tmp_path, mano_content(ARRAYS))
    marker = tmp_path / "ran"
    touching = f"touch {marker}".encode()
    wrong = mano_content(left_of(ARRAYS, True)) | {"weights": np.zeros((778, 15))}
    for content, message in (
        (b"cos\nsystem\n(S'%b'\ntR." % touching, "holds os.system, expected nothing but arrays"),
        (dump(mano_content(ARRAYS))[:5000], "damaged, expected a pickle"),
        (wrong, r"weights has shape \[778, 15\], expected numbers of shape \[778, 16\]"),
    ):
        left_path = write_mano(tmp_path, content, "LEFT")
        with pytest.raises(InputError, match=rf"MANO_LEFT\.pkl: {message}"):
            left_record(right_path, left_path)
    assert not marker.exists()


def test_files_of_the_other_side_are_refused(tmp_path: Path):
    left = mano_content(left_of(ARRAYS, True))
    with pytest.raises(InputError, match=r"MANO_RIGHT\.pkl: J is .* expected MANO's right hand"):
        load_official(write_mano(tmp_path, left))
    loaded = load_official(write_mano(tmp_path, left, "LEFT"), "left")
    np.testing.assert_array_equal(loaded["v_template"], ARRAYS["v_template"] * [-1, 1, 1])
    right_path = write_mano(tmp_path, mano_content(ARRAYS))
    swapped = write_mano(tmp_path, mano_content(ARRAYS), "LEFT")
    with pytest.raises(InputError, match=r"MANO_LEFT\.pkl: J is .* expected MANO's left hand"):
        left_record(right_path, swapped)
