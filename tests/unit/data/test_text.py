import pytest

from distillens.data.segmentation import spans
from distillens.data.select import select
from distillens.data.text import Example, draw, seed_of


def words(text):
    return [text[start:end] for start, end in spans(text)]


def test_words_are_runs_of_letters_or_of_one_punctuation_mark():
    assert words("It doesn't work -- at all...") == ["It", "doesn't", "work", "--", "at", "all", "..."]
    assert words("  ") == []
    assert words("naïve 3D 😀!") == ["naïve", "3D", "😀", "!"]


def test_marks_belong_to_the_character_before_them():
    assert words("cafe\u0301 ❤\ufe0f अच्छी") == ["cafe\u0301", "❤\ufe0f", "अच्छी"]


def test_masking_replaces_words_and_touches_nothing_between_them():
    example = Example("1", "A  fine film,\tindeed.")
    assert example.masked([True, False, True, True, False, True], "[MASK]") == ("A  [MASK] film,\t[MASK].",)


def test_a_pair_is_masked_as_a_pair():
    example = Example("1", "He ran.", "Did he run?")
    assert [(word.text, word.segment) for word in example.words][2:5] == [(".", 0), ("Did", 1), ("he", 1)]
    assert example.masked([False, True, True, True, True, False, True], "M") == ("M ran.", "Did he M?")


def test_seeds_depend_on_their_parts_only():
    assert seed_of(1, "a") == seed_of(1, "a") != seed_of(1, "b")
    assert seed_of("1", "23") != seed_of("12", "3")


def test_a_longer_draw_begins_with_the_shorter_one():
    ids = [str(number) for number in range(50)]
    assert draw(ids, 3)[:10] == draw(reversed(ids), 3)[:10]
    assert draw(ids, 3) != draw(ids, 4)


@pytest.mark.parametrize("in_all", [True, False])
def test_more_texts_begin_with_those_that_were_chosen_before(in_all):
    pool = [Example(f"e{n}", "A film", label_name="bad" if n % 3 else "good") for n in range(60)]

    def chosen(count):
        asked = {"per_class": None, "in_all": 2 * count} if in_all else {"per_class": count}
        return select(pool, max_words=None, labels=["bad", "good"], seed=3, **asked)

    few, more = chosen(5), chosen(9)
    assert len(few) == 10 and more[:10] == few and len(more) == 18
