"""Where pieces without spans stand in a text."""

import pytest
from transformers import AutoTokenizer

from distillens.attribution.token_alignment import NotFoundError, locate, occurrences
from tests.families import FAMILIES, family
from tests.tiny import SENTENCES


def spans(texts, pieces):
    return [(word.segment, word.start, word.end) for word in locate(texts, pieces)]


def test_words_are_found_from_left_to_right():
    assert spans(["a film, a film"], ["a", "film", ",", "a", "film"]) == [
        (0, 0, 1),
        (0, 2, 6),
        (0, 6, 7),
        (0, 8, 9),
        (0, 10, 14),
    ]


def test_case_accents_and_tokenizers_marks_do_not_matter():
    text = ["Café society"]
    expected = [(0, 0, 4), (0, 5, 8), (0, 8, 12)]
    assert spans(text, ["cafe", "soc", "##iety"]) == expected
    assert spans(text, ["▁Café", "▁soc", "iety"]) == expected
    assert spans(text, ["Caf", "Ã©", "Ġsociety"]) == [(0, 0, 3), (0, 3, 4), (0, 5, 12)]


def test_special_tokens_and_blanks_are_empty_and_separators_end_a_segment():
    found = spans(["a film", "A plot"], ["[CLS]", "a", "▁", "film", "[SEP]", "a", "plot", "[SEP]"])
    assert found == [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 2, 6), (0, 6, 6), (1, 0, 1), (1, 2, 6), (1, 6, 6)]


def test_a_pair_that_was_cut_goes_on_behind_its_separator():
    assert spans(["a long film", "b"], ["<s>", "a", "</s>", "</s>", "b", "</s>"])[4] == (1, 0, 1)


def test_an_unknown_token_stands_for_what_lies_between_its_neighbours():
    assert spans(["so 🎬🎬 good"], ["so", "[UNK]", "good"]) == [(0, 0, 2), (0, 3, 5), (0, 6, 10)]
    assert spans(["so 🎬"], ["[CLS]", "so", "[UNK]", "[SEP]"])[2] == (0, 3, 4)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_tokens_of_every_family_are_found_where_its_tokenizer_has_them(name, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(family(name, tmp_path))
    for text in SENTENCES:
        encoded = tokenizer(text, return_offsets_mapping=True)
        tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
        found = locate([text], tokens)
        for token, (start, end), word in zip(tokens, encoded["offset_mapping"], found, strict=True):
            # SentencePiece's offsets may begin with the blank before the word.
            blanks = len(text[start:end]) - len(text[start:end].lstrip())
            if start + blanks < end and token != "▁":
                assert (word.start, word.end) == (start + blanks, end)
            else:
                assert word.start == word.end


def test_a_piece_that_is_not_there_is_named():
    with pytest.raises(NotFoundError, match="'movie' does not stand behind 'a film'"):
        locate(["a film, a plot"], ["a", "film", "movie"])


def test_all_places_of_a_word_are_found_as_it_is_written_or_else_in_any_case():
    places = [(w.segment, w.start) for w in occurrences(["The film. the end", "the"], "the")]
    assert places == [(0, 10), (1, 0)]
    assert [w.start for w in occurrences(["The film. the end"], "FILM")] == [4]
    assert occurrences(["theatre"], "the") == []
    assert [w.start for w in occurrences(["It doesn't"], "t")] == [9]
    assert [w.start for w in occurrences(["A film. A plot."], ".")] == [6, 14]
