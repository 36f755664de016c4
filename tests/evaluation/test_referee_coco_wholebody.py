"""COCO-WholeBody's hands: the official example's values, and pycocotools on made-up crowds."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluation.referees.coco_wholebody import HAND_SIGMAS, score_hands

NAMES = [
    "ap",
    "ap50",
    "ap75",
    "ap_medium",
    "ap_large",
    "ar",
    "ar50",
    "ar75",
    "ar_medium",
    "ar_large",
]


def by_pycocotools(content: dict, results: list[dict], side: str) -> dict[str, float]:
    """The hand's keypoints and score put where pycocotools looks for the body's."""
    hand = f"{side}hand"
    truth, found = COCO(), COCO()
    with contextlib.redirect_stdout(io.StringIO()):
        truth.dataset = {
            **content,
            "annotations": [
                {**person, "keypoints": person[f"{hand}_kpts"],
                 "num_keypoints": int((np.array(person[f"{hand}_kpts"])[2::3] > 0).sum())}
                for person in content["annotations"]
            ],
        }  # fmt: skip
        truth.createIndex()
        kept = []
        for result in results:
            if not (np.array(result[f"{hand}_kpts"])[2::3] > 0).any():
                continue
            body = np.array(result["keypoints"])
            (left, top), (right, bottom) = (
                (reduce(body[0::3]), reduce(body[1::3])) for reduce in (np.min, np.max)
            )
            box = result.get("bbox") or [left, top, right - left, bottom - top]
            kept.append(
                {"image_id": result["image_id"], "category_id": result["category_id"],
                 "keypoints": result[f"{hand}_kpts"], "bbox": box,
                 "score": result.get(f"{hand}_score", result["score"])}
            )  # fmt: skip
        found = truth.loadRes(kept)
        judge = COCOeval(truth, found, "keypoints")
        judge.params.kpt_oks_sigmas = HAND_SIGMAS
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return dict(zip(NAMES, judge.stats.tolist(), strict=True))


def read(folder: Path, name: str):
    return json.loads((folder / f"example_{name}.json").read_text())


@pytest.mark.parametrize(
    ("results", "side", "ap", "ar"),
    [
        ("pred_with_part_scores", "left", 0.563, 0.575),
        ("pred_with_part_scores", "right", 0.535, 0.562),
        ("pred_no_part_scores", "left", 0.549, 0.575),
        ("pred_no_part_scores", "right", 0.498, 0.562),
    ],
)
def test_the_official_example(samples: Path, results: str, side: str, ap: float, ar: float) -> None:
    folder = samples / "coco_wholebody_eval_example"
    content, found = read(folder, "wholebody_val"), read(folder, results)
    scores = score_hands(content["annotations"], found, side)
    assert round(scores["ap"], 3) == ap
    assert round(scores["ar"], 3) == ar
    assert scores == pytest.approx(by_pycocotools(content, found, side), abs=1e-12)


def made_up(random: np.random.Generator, num_images: int) -> tuple[dict, list[dict]]:
    """Persons of all sizes side by side, some without a hand, some crowds; results near them."""
    persons, results = [], []
    for image in range(num_images):
        for _ in range(random.integers(0, 5)):
            size = random.choice([15.0, 60.0, 200.0])
            corner = random.uniform(0, 150, 2)
            hand = corner + random.uniform(0, size, (21, 2))
            v = random.choice([0, 0.3, 1, 2], 21) * (random.random() < 0.8)
            box = [*corner.tolist(), size, size]
            persons.append(
                {"id": len(persons) + 1, "image_id": image, "category_id": 1, "bbox": box,
                 "area": float(size**2 * random.uniform(0.3, 1)),
                 "iscrowd": int(random.random() < 0.1),
                 "lefthand_kpts": np.column_stack([hand, v]).ravel().tolist()}
            )  # fmt: skip
            for _ in range(random.integers(0, 4)):
                noise = random.choice([0, 0.004, 0.01, 0.03, 0.3]) * size
                guess = hand + random.normal(0, 1, (21, 2)) * noise
                visible = np.full(21, float(random.random() < 0.9))
                result = {
                    "image_id": image, "category_id": 1,
                    "keypoints": random.uniform(0, size, 51).tolist(),
                    "lefthand_kpts": np.column_stack([guess, visible]).ravel().tolist(),
                    # Few values: ties must be broken alike.
                    "score": float(random.integers(0, 5)) / 4,
                    "lefthand_score": float(random.integers(0, 5)) / 4,
                    "bbox": box,
                }  # fmt: skip
                results.append(result)
    content = {"images": [{"id": n} for n in range(num_images)], "annotations": persons,
               "categories": [{"id": 1, "name": "person"}]}  # fmt: skip
    return content, results


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num_images=st.integers(1, 8), parts=st.booleans())
def test_equals_pycocotools(seed: int, num_images: int, parts: bool) -> None:
    random = np.random.default_rng(seed)
    content, results = made_up(random, num_images)
    # More than the twenty that count of one image.
    results += [result for result in results if result["image_id"] == 0] * 4
    if not parts:
        results = [{k: v for k, v in r.items() if k != "lefthand_score"} for r in results]
    if not any((np.array(r["lefthand_kpts"])[2::3] > 0).any() for r in results):
        return  # pycocotools cannot read an empty list
    scores = score_hands(content["annotations"], results, "left")
    assert list(scores) == NAMES
    assert scores == pytest.approx(by_pycocotools(content, results, "left"), abs=1e-12)


def test_no_results_score_nothing() -> None:
    content, _ = made_up(np.random.default_rng(1), 6)
    scores = score_hands(content["annotations"], [], "left")
    assert scores["ap"] == scores["ar"] == 0
    assert score_hands([], [], "left")["ap"] == -1
