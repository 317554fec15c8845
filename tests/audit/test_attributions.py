"""Attributions: the package and an independent implementation say the same, a thousand cases each."""

import math

import numpy as np
import pytest

from distillens.data.text import Example
from distillens.metrics import agreement as ag
from distillens.metrics import probes, stability, word_shifts
from distillens.metrics.edit_rates import extent
from distillens.metrics.short_tokens import short, short_share
from tests.audit import answers, attributions
from tests.audit.cases import CASES, generator, one_attribution, pair_of, same

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("metric", ag.METRICS)
def test_agreement(metric):
    for number in range(CASES):
        a, b, k = pair_of(generator(f"agreement {metric}", number), 9)
        k = k if ag.METRICS[metric].at_k else None
        with np.errstate(all="ignore"):
            found = ag.agreements([a], [b], [(metric, k)])[0, 0]
        same(found, attributions.agreement(metric, a.tolist(), b.tolist(), k), (number, a, b, k))


@pytest.mark.parametrize("metric", ag.METRICS)
def test_chance_levels(metric):
    for number in range(CASES):
        a, b, k = pair_of(
            generator(f"chance {metric}", number), 4 if metric in ("pearson", "spearman") else 5
        )
        k = k if ag.METRICS[metric].at_k else None
        expected = attributions.chance(metric, a.tolist(), b.tolist(), k)
        if math.isnan(expected):  # undefined, so nobody asks for its chance
            continue
        with np.errstate(all="ignore"):
            same(ag.chances([a], [b], [(metric, k)])[0, 0], expected, (number, a, b, k))


def test_shares_and_shifts_of_words():
    for number in range(CASES):
        rng = generator("shares", number)
        values = one_attribution(rng, int(rng.integers(1, 8)))
        members = rng.random(len(values)) < 0.4
        found, expected = word_shifts.shares(values), attributions.shares(values.tolist())
        assert found == pytest.approx(expected, nan_ok=True), (number, values)
        same(word_shifts.of_group([found], [members])[0], attributions.group_share(expected, members), number)


def test_shifts():
    for number in range(CASES):
        rng = generator("shifts", number)
        n = int(rng.integers(3, 10))
        teachers, students = (
            rng.random((int(rng.integers(1, 4)), n)),
            rng.random((int(rng.integers(1, 4)), n)),
        )
        students[rng.random(students.shape) < 0.1] = np.nan
        own = rng.integers(0, len(teachers), len(students)).tolist() if rng.random() < 0.5 else None
        found = word_shifts.shift(students, teachers, 0.95, learned_from=own)
        kept = [i for i in range(n) if not np.isnan(students[:, i]).any()]
        assert found["n"] == len(kept)
        if len(kept) < 5:  # of fewer texts nothing is said but their number
            assert np.isnan(found["shift"])
            continue
        pairs = [[[row[i] - other[i] for i in kept] for other in teachers] for row in students]
        expected = answers.mean_of_runs(pairs, own)
        same(found["shift"], sum(expected) / len(kept), number)


def test_shares_behind_a_cue():
    for number in range(CASES):
        rng = generator("cue", number)
        n = int(rng.integers(1, 9))
        values, at = one_attribution(rng, n), int(rng.integers(0, n + 1))
        cue, after = np.arange(n) == at, np.arange(n) > at
        with np.errstate(all="ignore"):
            same(
                probes.post_cue_ratio(values, cue, after),
                attributions.post_cue_ratio(values.tolist(), cue, after),
                number,
            )
        same(
            probes.post_cue_share(cue, after),
            attributions.post_cue_share(cue.tolist(), after.tolist()),
            number,
        )


def test_stability_on_the_words_that_are_still_there():
    for number in range(CASES):
        rng = generator("stability", number)
        before = rng.choice(list("abcd"), rng.integers(0, 8)).tolist()
        after = [w if rng.random() < 0.7 else "x" for w in before if rng.random() < 0.9] + ["y"] * int(
            rng.integers(0, 2)
        )
        pairs = stability.aligned(before, after)
        assert pairs == attributions.aligned(before, after), (number, before, after)
        values = rng.integers(-2, 3, len(before)).astype(float), rng.normal(size=len(after))
        found = stability.stability(*values, pairs)
        left = [values[0][i] for i, _ in pairs], [values[1][j] for _, j in pairs]
        for metric, value in zip(stability.METRICS, found, strict=True):
            expected = attributions.agreement(metric, *left, None) if len(pairs) > 1 else math.nan
            same(value, expected, (number, metric))


def test_edit_rates():
    for number in range(CASES):
        rng = generator("edits", number)
        words = ["".join(rng.choice(list("abc"), rng.integers(1, 5))) for _ in range(int(rng.integers(1, 7)))]
        at, edits, changed = 0, [], list(words)
        for i, word in enumerate(words):
            if rng.random() < 0.4:
                changed[i] = "".join(rng.choice(list("abc"), rng.integers(1, 6)))
                edits.append({"segment": 0, "start": at, "before": word, "after": changed[i]})
            at += len(word) + 1
        found = extent(Example("1", " ".join(words)), edits)
        assert found.edited_words == len(edits) and found.words == len(words)
        assert found.edited_characters == sum(attributions.distance(e["before"], e["after"]) for e in edits)
        assert found.characters == max(len(" ".join(words)), len(" ".join(changed)))


def test_short_tokens():
    for number in range(CASES):
        rng = generator("short", number)
        words = ["".join(rng.choice(list("ab!"), rng.integers(1, 5))) for _ in range(int(rng.integers(1, 7)))]
        places, at = [], 0
        for word in words:
            at += int(rng.integers(0, 2))
            places.append((0, at, at + len(word)))
            at += len(word)
        flags = short(words, places)
        for i, word in enumerate(words):
            joined = i > 0 and places[i - 1][2] == places[i][1] and words[i - 1][-1] != "!" and word[0] != "!"
            assert flags[i] == (joined or len(word) < 3)
        k, order = int(rng.integers(1, 8)), rng.permutation(len(words)).tolist()
        expected = sum(flags[i] for i in order[:k]) / k if k <= len(words) else math.nan
        same(short_share(flags, order, k), expected, number)
