"""What the page says of single classes."""

import numpy as np

from distillens.metrics.classes import class_scores, confusion
from distillens.report.classes import Classes, tables_of


def test_a_confusion_is_sorted_by_the_shares_that_it_shows():
    # Of four bad texts two are taken for good, one has no answer; of so-so there is none.
    gold, given = [0, 0, 0, 0, 2], [[0, np.nan, 2, 2, 2]]
    scores, counts = class_scores(gold, given, 3, 0.95), confusion(gold, given, 3)
    classes = Classes(["bad", "so-so", "good"], {"kd": scores}, {"kd": counts}, [], {"kd": 1})
    rows = tables_of("films", classes)[-1].rows
    assert [[cell.value for cell in row[1:]] for row in rows] == [[0.25, 0, 0.5], [None] * 3, [0, 0, 1]]
    assert [row[-1].note for row in rows] == ["2.0", "", "1.0"]
