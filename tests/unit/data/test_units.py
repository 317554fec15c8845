"""Sentences, lines and paragraphs."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distillens.data.text import Example, examples
from distillens.data.units import UNITS, noun, spans
from distillens.tables import read, write


def cut(text, unit="sentence"):
    return [text[start:end] for start, end in spans(text, unit)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Lee met Mrs. Jones in St. Paul.", "They left."],
        ["J. K. Rowling and J.R.R. Tolkien wrote it.", "So did I.", "Then it ended."],
        ["See Fig. 3 and No. 5, e.g. pp. 3-4, i.e. all of it.", "No.", "Never!"],
        ["It cost $3.50 at 9 a.m. on Monday.", "Version 2.0 is out."],
        ["“Why?” he asked.", "“Because.”", "She left."],
        ['He said: "It was bad."', "(So it was.)", "And how!"],
        ["Well... it works?!", "Yes.", "It does… Fine"],
        ["我喜欢这部电影。", "很好！", "真的？"],
        ["これは映画です。", "面白い！"],
        ["यह अच्छा है।", "वह नहीं।"],
        ["هل هذا جيد؟", "نعم."],
        ["Das ist z. B. gut, d. h. fein.", "Hr. Meier kam."],
        ["Visit example.com or mail a.b@c.de now.", "Done."],
    ],
)
def test_sentences_of_a_line(sentences):
    joined = "" if ord(sentences[0][0]) in range(0x3040, 0xA000) else " "
    assert cut(joined.join(sentences)) == sentences


def test_a_colon_goes_on_whatever_stands_before_it():
    assert cut("Great film! :-) Loved it.") == ["Great film! :-) Loved it."]


def test_a_line_ends_a_sentence_unless_the_next_goes_on_in_lower_case():
    assert cut("A heading\nThe text is wrapped\nhere. It goes\n\non") == [
        "A heading", "The text is wrapped\nhere.", "It goes", "on",
    ]  # fmt: skip


def test_web_pages_end_lines_by_tags():
    text = "Bad film.<br /><br />I left.<BR>Early, I think"
    assert cut(text) == cut(text, "line") == ["Bad film.", "I left.", "Early, I think"]
    assert cut(text, "paragraph") == ["Bad film.", "I left.<BR>Early, I think"]


def test_items_of_a_list_keep_their_numbers():
    assert cut("1. Bad plot.\n2. Worse acting.") == ["1. Bad plot.", "2. Worse acting."]


def test_lines_and_paragraphs_end_as_on_any_system():
    text = "one\r\ntwo\r\n  \r\nthree\u2028four\u2029five\rsix"
    assert cut(text, "line") == ["one", "two", "three", "four", "five", "six"]
    assert cut(text, "paragraph") == ["one\r\ntwo", "three\u2028four", "five\rsix"]


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_to_be_seen_is_no_unit(unit):
    assert spans("", unit) == spans(" \n\n \u200b\n\t", unit) == []
    assert cut("\n\n  Fun  \n\n", unit) == ["Fun"]


@pytest.mark.parametrize("unit", UNITS[1:])
def test_very_many_ends_are_as_quick_as_few(unit):
    for end in ("\n \n", "<br/>\n", ". 1", "a. ", '"a." ', ".)"):
        text = end * 20_000 + "\n\nEnd"
        assert text[slice(*spans(text, unit)[-1])] == "End"


def test_a_text_without_an_end_is_one_unit():
    assert [cut("not bad at all", unit) for unit in UNITS[1:]] == [["not bad at all"]] * 3


def test_accents_behind_a_full_stop_belong_to_it():
    assert cut("A film.\u0301 The end.") == ["A film.\u0301", "The end."]


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(string.ascii_letters + " .!?\"')(,:;3\u00e9\u3002\u6211\n"), max_size=60))
def test_units_are_in_order_apart_and_leave_out_nothing_but_blanks(text):
    for unit in UNITS[1:]:
        places = spans(text, unit)
        assert all(start < end for start, end in places)
        assert all(end <= start for (_, end), (start, _) in zip(places, places[1:], strict=False))
        left = list(text)
        for start, end in places:
            assert text[start:end] == text[start:end].strip()
            left[start:end] = [" "] * (end - start)
        assert not "".join(left).strip()


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("abcXYZ   ..!?\"')(,:;37\u00e9\u3002\u6211"), max_size=40))
def test_within_a_line_sentences_end_where_icu_ends_them_or_go_on(text):
    breaker = pytest.importorskip("icu4py.breakers").SentenceBreaker
    # ICU knows no initials, lists or quotations: ours may join, and never part.
    ends, place = set(), 0
    for sentence in breaker(text, "root"):
        place += len(sentence)
        ends.add(len(text[:place].rstrip()))
    own = {end for _, end in spans(text, "sentence")}
    assert own <= ends | {len(text.rstrip())}
    if not any(sign in text for sign in ".\"')("):
        assert {end for end in ends if text[:end].strip()} == own


def test_an_example_has_the_words_of_its_unit():
    example = Example("a", "Bad film. I left.", "Why? No.", unit="sentence")
    assert [(word.text, word.segment) for word in example.words] == [
        ("Bad film.", 0), ("I left.", 0), ("Why?", 1), ("No.", 1),
    ]  # fmt: skip
    assert example.masked([True, False, True, True], "[MASK]") == ("Bad film. [MASK]", "Why? No.")
    assert example.deleted([False, True, True, False]) == ("I left.", "Why?")


def test_a_table_says_the_unit_of_its_texts(tmp_path):
    row = {"example_id": "1", "text_a": "One. Two."}
    for told, count in (({}, 4), ({"unit": "sentence"}, 2)):
        write(tmp_path / "texts.parquet", "examples", [row], told)
        assert len(examples(read(tmp_path / "texts.parquet", "examples"))[0].words) == count


def test_nouns():
    assert [noun(unit) for unit in UNITS] == ["words", "sentences", "lines", "paragraphs"]
