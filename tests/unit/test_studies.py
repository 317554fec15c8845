"""The committed studies: no page is older than its kept tables would give, none has a text or a dead link."""

import re
import shutil

import pytest

from distillens import tables
from distillens.data.repeats import in_folder
from distillens.provenance import ROOT
from docs import studies

STUDIES = sorted(path.parent for path in studies.STUDIES.glob("*/index.html"))
KEPT = studies.kept()
BUILT = ("index.html", "summary.md", "verdict.json", "study.yaml", "tables/*", "figures/*", "published/*")


def made(folder):
    """The content of all that is built; the page without the release that made it."""
    paths = [path for name in BUILT for path in folder.glob(name)]
    content = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    content["index.html"] = re.sub(rb"(?s)<dt>Made by</dt>.*?</dl>", b"", content["index.html"])
    return content


@pytest.mark.parametrize("folder", KEPT, ids=lambda path: path.name)
def test_the_page_of_a_kept_study_is_what_its_tables_give_today(folder, tmp_path):
    again = tmp_path / folder.name
    shutil.copytree(folder / "kept", again / "kept")
    studies.build(again)
    committed, today = made(folder), made(again)
    names = committed.keys() | today.keys()
    assert {name for name in names if committed.get(name) != today.get(name)} == set()


@pytest.mark.parametrize("folder", KEPT, ids=lambda path: path.name)
def test_no_text_is_kept(folder):
    for path in (folder / "kept").rglob("*.parquet"):
        kind = tables.kind_of(path)
        assert kind not in ("explanations", "predictions", "deletions", "curves")
        if kind == "examples":
            texts = tables.read(path, kind)["text_a"].to_pylist()
            assert all(re.fullmatch(r"text \d+", text) for text in texts)


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_links_to_files_beside_a_page_lead_somewhere(folder):
    page = (folder / "index.html").read_text("utf-8")
    links = {link for link in re.findall(r'href="([^"#:]+)"', page) if "{" not in link and "${" not in link}
    assert {link for link in links if not (folder / link).exists()} == set()


def test_every_page_can_be_built_again_and_a_study_without_one_is_said_to_have_none():
    text = (ROOT / "docs/results/README.md").read_text("utf-8")
    without = text.partition("**Without a page.**")[2].partition(" were made")[0]
    assert STUDIES == KEPT
    folders = {path.parent for path in studies.STUDIES.glob("*/README.md")}
    assert {path.name for path in folders - set(KEPT)} == set(re.findall(r"`([\w-]+)`", without))


def test_texts_that_are_alike_are_alike_in_what_is_kept_whatever_split_they_are_in(tmp_path):
    (tmp_path / "results/report").mkdir(parents=True)
    (tmp_path / "results/report/study.yaml").write_text("{tasks: {films: {}}, models: {}, explainers: {}}")
    (tmp_path / "results/data/films").mkdir(parents=True)
    for split, texts in (("test", ["A film", "A play"]), ("train", ["A song", "a  film"])):
        rows = [{"example_id": text, "text_a": text} for text in texts]
        tables.write(tmp_path / f"results/data/films/{split}.parquet", "examples", rows, {"task": "films"})
    folder = studies.keep(tmp_path / "results", tmp_path / "committed") / "kept/data/films"
    (said,) = in_folder("films", folder)
    assert said.startswith(
        "films: 1 of 2 texts of test are in train, too (the first is example '0', in train '1')."
    )
    assert "film" not in str([tables.read(path, "examples").to_pylist() for path in folder.iterdir()])


def test_an_unfinished_study_is_not_kept(tmp_path):
    with pytest.raises(SystemExit, match="has no report"):
        studies.keep(tmp_path / "results", tmp_path / "kept")
