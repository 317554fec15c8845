"""Owen values and trees are those of the stock library, to the last bit."""

import numpy as np
import pytest
import shap
from shap.maskers._text import partition_tree

from distillens.attribution.owen import owen_values
from distillens.attribution.word_tree import partition

WORDS = ["good", "bad", "##ly", "'", "t", "s", "(", ")", ",", ".", "!", "?", "but", "and", "[MASK]", "film"]


def names(seed, most=30):
    draw = np.random.default_rng(seed)
    return draw.choice(WORDS, draw.integers(2, most)).tolist()


@pytest.mark.parametrize("seed", range(40))
def test_trees_are_those_of_shap_s_text_masker(seed):
    np.testing.assert_array_equal(partition(names(seed)), partition_tree(names(seed), []))


class Masker(shap.maskers.Masker):
    """Hands on the mask; the tree is given."""

    immutable_outputs = True

    def __init__(self, links):
        self.links, self.shape = links, (1, len(links) + 1)

    def __call__(self, keep, *_):
        return (keep[None],)

    def clustering(self, *_):
        return self.links


def game(leaves, seed):
    """Outputs that hang on words, pairs and on nothing but chance."""
    draw = np.random.default_rng(seed)
    single, paired = draw.normal(size=(leaves, 3)), draw.normal(size=(leaves, leaves, 3))
    # Whole numbers make many gains equal, so that the order is drawn.
    single, paired = (single, paired) if seed % 2 else (single.round(), paired.round())

    def outputs(keep):
        keep = np.asarray(keep, dtype=float)
        return np.einsum("ri,io->ro", keep, single) + np.einsum("ri,rj,ijo->ro", keep, keep, paired)

    return outputs


def walked(links, outputs, max_evals, seed):
    base, whole = outputs(np.array([[False] * (len(links) + 1), [True] * (len(links) + 1)]))
    walk, answers, asked = owen_values(links, base, whole, max_evals, seed), None, []
    while True:
        try:
            keep = walk.send(answers)
        except StopIteration as end:
            return *end.value, asked
        answers = outputs(keep)
        asked.append(keep)


@pytest.mark.parametrize("max_evals", [5, 10, 37, 100, 20000])
@pytest.mark.parametrize("seed", range(6))
def test_values_and_what_is_asked_are_those_of_shap_s_partition_explainer(seed, max_evals):
    links = partition(names(seed, most=14))
    links[:, 2] = links[:, 3] / (len(links) + 1)
    leaves, given = len(links) + 1, []
    outputs = game(leaves, seed)
    stock = shap.PartitionExplainer(lambda keep: given.append(keep.copy()) or outputs(keep), Masker(links))
    np.random.seed(seed)
    row = stock.explain_row(
        np.arange(leaves), max_evals=max_evals, main_effects=False, error_bounds=False, outputs=None,
        silent=True, batch_size=1 << 30,
    )  # fmt: skip
    values, evals, _, asked = walked(links, outputs, max_evals, seed)
    np.testing.assert_array_equal(np.concatenate(given[2:]), np.concatenate(asked))
    np.testing.assert_array_equal(values, row["values"])
    assert evals == stock.last_eval_count


def test_values_are_exact_with_just_as_many_evaluations_as_they_need():
    links = partition(names(1, most=14))
    outputs = game(len(links) + 1, 1)
    values, needed, cut, _ = walked(links, outputs, 20000, seed=1)
    same, evals, cut_there, _ = walked(links, outputs, needed + 2, seed=1)
    assert not cut and not cut_there and evals == needed
    np.testing.assert_allclose(same, values, rtol=0, atol=1e-12)
    fewer, _, cut_short, _ = walked(links, outputs, needed, seed=1)
    assert cut_short and np.abs(fewer - values).max() > 1e-3
