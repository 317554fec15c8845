"""The map of models, and the buckets of texts."""

import numpy as np
import pytest

from distillens.metrics.buckets import buckets
from distillens.metrics.projection import project


def test_distances_on_the_map_are_those_of_the_cosines():
    # Unit vectors at 0, 60 and 120 degrees: cosines 1/2, 1/2 and -1/2; two dimensions hold them.
    angles = np.radians([0, 60, 120])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[1], [5], [0.2]]
    points, clouds = project([[vector] for vector in vectors])
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    assert squared == pytest.approx(np.array([[0, 1, 3], [1, 0, 1], [3, 1, 0]]), abs=1e-9)
    assert clouds[:, 0] == pytest.approx(points)


def test_a_point_is_the_mean_of_its_cloud_and_points_are_centred():
    rng = np.random.default_rng(0)
    values = [[rng.normal(size=3 + text) for text in range(6)] for _ in range(4)]
    points, clouds = project(values)
    assert clouds.shape == (4, 6, 2)
    assert clouds.mean(axis=1) == pytest.approx(points)
    assert points.sum(axis=0) == pytest.approx([0, 0], abs=1e-9)


def test_models_that_agree_lie_in_one_place():
    same = [np.array([1.0, 2.0]), np.array([0.5, -1.0, 2.0])]
    points, _ = project([same, same, same])
    assert points == pytest.approx(np.zeros((3, 2)))


def test_a_text_in_which_a_model_says_nothing_is_left_out():
    a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    points, clouds = project([[a, a], [b, np.zeros(2)]])
    assert np.isnan(clouds[:, 1]).all() and not np.isnan(clouds[:, 0]).any()
    assert ((points[0] - points[1]) ** 2).sum() == pytest.approx(2)
    points, _ = project([[a], [np.zeros(2)]])
    assert np.isnan(points).all()


def test_the_eight_buckets_of_three_models():
    right = {
        "bert": np.array([1, 0, 1, 0, 0, 1, 0, 1], bool),
        "dbert": np.array([1, 0, 0, 1, 0, 1, 1, 0], bool),
        "kd": np.array([1, 0, 0, 0, 1, 0, 1, 1], bool),
    }
    found = buckets(right)
    assert list(found) == [
        "all_correct",
        "bert+dbert",
        "bert+kd",
        "dbert+kd",
        "only_bert",
        "only_dbert",
        "only_kd",
        "all_wrong",
    ]
    assert {name: np.flatnonzero(flags).tolist() for name, flags in found.items()} == {
        "all_correct": [0],
        "all_wrong": [1],
        "only_bert": [2],
        "only_dbert": [3],
        "only_kd": [4],
        "bert+dbert": [5],
        "dbert+kd": [6],
        "bert+kd": [7],
    }


def test_every_text_is_in_one_bucket():
    rng = np.random.default_rng(1)
    right = {name: rng.random(50) < 0.5 for name in "abcd"}
    found = buckets(right)
    assert len(found) == 16
    assert (np.sum(list(found.values()), axis=0) == 1).all()


def test_of_many_models_texts_are_split_by_how_many_are_right():
    flags = [[1, 0, 1], [1, 0, 0], [1, 0, 1], [1, 0, 0], [1, 0, 1], [1, 0, 1]]
    found = buckets({name: np.array(row, bool) for name, row in zip("abcdef", flags, strict=True)})
    assert list(found)[:3] == ["all_correct", "5_of_6_correct", "4_of_6_correct"]
    assert list(found)[-1] == "all_wrong" and len(found) == 7
    of = {name: np.flatnonzero(flags).tolist() for name, flags in found.items() if flags.any()}
    assert of == {"all_correct": [0], "4_of_6_correct": [2], "all_wrong": [1]}
