"""Agreement of two attribution vectors."""

import itertools
import sys

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import cosine_similarity

from distillens.metrics import agreement as ag
from distillens.provenance import ROOT

# A sentence of four words under two models.
A, B = np.array([4.0, -3, 1, 0]), np.array([3.0, 1, -2, 0])

RNG = np.random.default_rng(0)
MANY = [(RNG.normal(size=n), RNG.normal(size=n)) for n in RNG.integers(6, 30, size=40)]


@pytest.mark.parametrize(
    ("metric", "k", "value"),
    [
        ("cosine", None, 7 / np.sqrt(364)),  # (4*3 - 3*1 - 1*2) / sqrt(26 * 14)
        ("pearson", None, 6 / np.sqrt(325)),  # both have mean 1/2: (7 - 4/4) / sqrt((26 - 1)(14 - 1))
        ("spearman", None, 0.2),  # ranks 4132, 4312: 1 - 6 (4 + 4) / (4 * 15)
        ("kendall", None, 0.0),  # of 6 pairs the 3 with the first word agree, the others do not
        ("overlap", 1, 1.0),  # both name the first word
        ("overlap", 2, 0.5),  # {1, 2} and {1, 3}
        ("jaccard", 1, 1.0),
        ("jaccard", 2, 1 / 3),  # 1 of {1, 2, 3}
        ("overlap_corrected", 1, 1.0),  # (1 - 1/4) / (1 - 1/4)
        ("overlap_corrected", 2, 0.0),  # (1/2 - 2/4) / (1 - 2/4)
        ("sign_agreement", 1, 1.0),  # 4 and 3 are both positive
        ("sign_agreement", 2, 0.5),
    ],
)
def test_four_words_by_hand(metric, k, value):
    assert ag.agreements([A], [B], [(metric, k)])[0, 0] == pytest.approx(value)


def test_sign_agreement_needs_the_same_sign():
    assert ag.sign_agreement(A, A * [1, -1, 1, 1], 2) == 0.5
    assert ag.sign_agreement(A, -A, 2) == 0


@pytest.mark.parametrize(("metric", "k"), ag.grid([1, 3]))
def test_a_model_agrees_with_itself_and_in_any_order_of_words(metric, k):
    for a, b in MANY:
        order = RNG.permutation(len(a))
        one, other, self, reverse = ag.agreements([a, a[order], a, b], [b, b[order], a, a], [(metric, k)])[0]
        assert other == pytest.approx(one, abs=1e-12)
        assert reverse == pytest.approx(one, abs=1e-12)
        assert self == pytest.approx(1)
        assert -1 <= one <= 1


@pytest.mark.parametrize("k", [1, 2, 3])
def test_jaccard_and_sign_agreement_never_exceed_overlap(k):
    for a, b in MANY:
        assert ag.jaccard(a, b, k) <= ag.overlap(a, b, k) + 1e-12
        assert ag.sign_agreement(a, b, k) <= ag.overlap(a, b, k)
        o = ag.overlap(a, b, k) * k
        assert ag.jaccard(a, b, k) == pytest.approx(o / (2 * k - o))


def test_scale_does_not_matter():
    for a, b in MANY[:5]:
        for scale in (1e-200, 1e200):
            assert ag.cosine(a * scale, b) == pytest.approx(ag.cosine(a, b))
            assert ag.pearson(a * scale, b) == pytest.approx(ag.pearson(a, b))


@pytest.mark.parametrize("metric", ["cosine", "pearson", "spearman", "kendall"])
def test_the_smallest_and_the_largest_numbers_are_numbers(metric):
    function = ag.METRICS[metric].function
    a, b = np.array([1.0, 2, 3]), np.array([1.0, 3, 2])
    for tiny, huge in ((a * 5e-324, b), (a * 5e-324, b * 5e307), (a * 5e307, -b * 5e307)):
        assert function(tiny, huge) == pytest.approx(function(a, b) * np.sign(huge[0]))


def test_stock_libraries_say_the_same():
    for a, b in MANY:
        # Rounded values have ties, which ranks share.
        for x, y in ((a, b), (a.round(), b.round())):
            assert ag.cosine(x, y) == pytest.approx(cosine_similarity([x], [y])[0, 0])
            assert ag.pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic)
            assert ag.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
            assert ag.kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        top = [np.isin(np.arange(len(x)), np.argsort(-np.abs(x))[:3]) for x in (a, b)]
        assert ag.jaccard(a, b, 3) == pytest.approx(jaccard_score(*top))


def test_ties_share_the_last_places():
    # |2| = |-2| compete for one place: half of the time it is the word that b names.
    assert ag.overlap([2, -2, 1, 0], [5, 1, 0, 0], 1) == 0.5
    assert ag.jaccard([2, -2, 1, 0], [5, 1, 0, 0], 1) == 0.5
    assert ag.jaccard([1, 1], [1, 0], 1) == ag.chance_jaccard(2, 1) == 0.5
    # Where all tie, agreement is chance.
    assert ag.overlap(np.ones(6), np.ones(6), 3) == pytest.approx(0.5)
    assert ag.overlap_corrected(np.ones(6), A[[0, 1, 2, 3, 2, 3]], 3) == pytest.approx(0)


@pytest.mark.parametrize(
    ("metric", "of_sets"),
    [(ag.overlap, lambda x, y: len(x & y) / 3), (ag.jaccard, lambda x, y: len(x & y) / len(x | y))],
)
def test_a_metric_of_ties_is_the_mean_over_all_ways_to_break_them(metric, of_sets):
    def tops(x, k):
        sizes = np.abs(x)
        best = sorted(sizes, reverse=True)[:k]
        return [t for t in itertools.combinations(range(len(x)), k) if sorted(sizes[list(t)])[::-1] == best]

    rng = np.random.default_rng(1)
    for _ in range(30):
        a, b = rng.integers(-2, 3, size=(2, 7)) + 0.0
        if a.any() and b.any():
            ways = list(itertools.product(tops(a, 3), tops(b, 3)))
            mean = np.mean([of_sets(set(x), set(y)) for x, y in ways])
            assert metric(a, b, 3) == pytest.approx(mean)


@pytest.mark.parametrize(("metric", "k"), ag.grid([2]))
@pytest.mark.parametrize("nothing", [np.zeros(4), np.array([1, np.nan, 0, 2]), np.array([1, np.inf, 0, 2])])
def test_what_says_nothing_agrees_with_nothing(metric, k, nothing):
    assert np.isnan(ag.agreements([nothing, A], [A, nothing], [(metric, k)])).all()


@pytest.mark.parametrize("metric", ["pearson", "spearman", "kendall"])
def test_correlations_of_equal_values_are_undefined(metric):
    # 0.1 is not exact: a rounded mean must not turn into a correlation.
    assert np.isnan(ag.METRICS[metric].function(np.full(6, 0.1), np.arange(6)))
    assert ag.cosine(np.full(6, 0.1), np.full(6, 0.1)) == pytest.approx(1)


@pytest.mark.parametrize("metric", [name for name, metric in ag.METRICS.items() if metric.at_k])
def test_short_texts_have_no_top_k(metric):
    n = [len(x) for x in (A, A[:3], A[:1], A[:0])]
    found = ag.agreements([A[:i] for i in n], [B[:i] for i in n], [(metric, 2)])
    assert np.isnan(found[0]).tolist() == [False, True, True, True]


def test_different_numbers_of_words_are_an_error():
    with pytest.raises(ValueError, match="example number 1 has 4 words in one model and 3 in the other"):
        ag.agreements([A, A], [B, B[:3]], ag.grid([1]))
    with pytest.raises(ValueError, match="same words"):
        ag.cosine(A, B[:3])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("metric", ag.METRICS)
def test_chance_is_the_mean_over_all_orders(metric, ties):
    a, b = np.array([4.0, -3, 1, 0.5, 2]), np.array([3.0, 1, -2, 0.2, 1.5])
    if ties:
        a, b = np.array([2.0, -2, 1, 0, 1]), np.array([3.0, 3, 3, 0, 1])
    k = 2 if ag.METRICS[metric].at_k else None
    orders = [np.array(order) for order in itertools.permutations(b)]
    every = ag.agreements([a] * len(orders), orders, [(metric, k)])
    assert ag.chances([a], [b], [(metric, k)])[0, 0] == pytest.approx(every.mean(), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "k", "value"), [(8, 5, 0.471), (12, 5, 0.279), (20, 5, 0.155), (40, 5, 0.073), (8, 3, 0.259)]
)
def test_chance_of_jaccard_is_the_published_one(n, k, value):
    assert ag.chance_jaccard(n, k) == pytest.approx(value, abs=5e-4)


def test_thousands_of_examples_are_computed_together():
    calls = []

    def count(frame, event, _):
        calls[-1] += event == "call" and frame.f_code.co_filename == ag.__file__

    for copies in (1, 50):
        a, b = ([RNG.normal(size=n) for n in range(3, 60)] * copies for _ in range(2))
        calls.append(0)
        sys.setprofile(count)
        found = ag.agreements(a, b, ag.grid([3, 5, 10]))
        sys.setprofile(None)
        assert found.shape == (16, 57 * copies)
    assert 0 < calls[0] == calls[1], "as many as there are lengths"


def test_a_metric_needs_its_chance_level():
    with pytest.raises(TypeError, match="chance"):
        ag.AgreementMetric(function=ag.cosine, label="cosine", meaning="")


def test_the_documents_list_every_metric():
    root = ROOT
    pages = [path.read_text("utf-8") for path in (root / "README.md", *sorted((root / "docs").glob("*.md")))]
    sections = [" ".join(section.split()).lower() for page in pages for section in page.split("\n#")]
    names = [name.replace("_", " ") for name in ag.METRICS]
    assert any(all(name in section for name in names) for section in sections)
