"""The pages say what is true: generated ones are fresh, configs in them are valid, links lead somewhere."""

import re
import tomllib

import pytest
import yaml

from distillens import tables
from distillens.config.validate import complete
from distillens.provenance import DOCUMENTATION, ROOT
from docs import generate

PAGES = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def name(page):
    return str(page.relative_to(ROOT))


def yaml_blocks(page):
    """The YAML in a page, without the indentation of a list that it stands in."""
    for indent, language, text in FENCED.findall(page.read_text("utf-8")):
        if language == "yaml":
            yield yaml.safe_load(re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize(("page", "most"), [("README.md", 1000), ("ARCHITECTURE.md", 700)])
def test_the_front_pages_fit_on_a_page(page, most):
    assert len((ROOT / page).read_text("utf-8").split()) <= most


@pytest.mark.parametrize("page", ["config.md", "tables.md"])
def test_generated_pages_are_fresh(page):
    assert (ROOT / "docs" / page).read_text("utf-8") == generate.pages()[page], (
        f"docs/{page}: run `make docs`"
    )


def test_every_table_and_column_is_described_and_nothing_else():
    known = generate.described()
    assert set(known["kinds"]) == set(tables.SCHEMAS)
    for kind, schema in tables.SCHEMAS.items():
        own = known["kinds"][kind]["columns"]
        assert set(own) <= set(schema.names), kind
        ends = {column for column in schema.names if generate.base_of(column) in schema.names}
        assert set(schema.names) - ends <= {*own, *known["common"]}, kind


def test_the_files_of_tables_are_those_that_the_rules_write():
    rules = "".join(path.read_text("utf-8") for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    written = set(re.findall(r'"<results>/([^"]+\.parquet)"', rules))
    kinds = generate.described()["kinds"].values()
    assert {path for about in kinds for path in about["files"]} == written
    made_by = " ".join(rule for about in kinds for rule in about["files"].values())
    names = set(re.findall(r"^ *(?:rule (\w+):|use rule \w+ as (\w+))", rules, flags=re.MULTILINE))
    known = {one or other for one, other in names}
    assert set(re.findall(r"\b[a-z]+_[a-z_]+\b", made_by)) <= known


def test_every_key_of_the_config_has_a_meaning():
    missing = [
        f"{block['title']} {entry['name']}"
        for block in generate.blocks()
        for entry in block["entries"]
        if not entry["meaning"]
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings_that_are_there(page):
    missing = []
    for file, heading in re.findall(
        r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", FENCED.sub("", page.read_text("utf-8"))
    ):
        target = page if not file else page.parent / file
        if "://" not in file and not target.exists():
            missing.append(file)
        elif heading and heading not in headings(target):
            missing.append(f"{file}#{heading}")
    assert missing == []


def headings(page):
    found = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return {generate.anchor(heading) for heading in found}


def test_every_config_in_the_readme_is_a_whole_study():
    configs = list(yaml_blocks(ROOT / "README.md"))
    assert configs
    for config in configs:
        assert complete(config)["study"]


TASK = {
    "source": {"local": "reviews.csv"},
    "columns": {"text_a": "text", "label": "label"},
    "labels": ["bad", "good"],
    "splits": {split: {"from": "all"} for split in ("train", "validation", "test")},
}
TEACHER = {"checkpoint": {"local": "teacher"}, "training": "none"}


@pytest.mark.parametrize("page", [page for page in PAGES if list(yaml_blocks(page))], ids=name)
def test_parts_of_configs_in_the_pages_are_valid(page):
    for part in yaml_blocks(page):
        # A page may show a part of a task only.
        tasks = {name: own if "source" in own else {**TASK, **own}
                 for name, own in part.get("tasks", {"reviews": {}}).items()}  # fmt: skip
        around = {"study": "example", "checkpoints": {"bert": {"local": "bert"}}}
        whole = {"explainers": {"shap": None}, **around, **part, "tasks": tasks}
        assert complete({**whole, "models": {"teacher": TEACHER, **part.get("models", {})}})


def test_the_citation_names_the_version_and_the_licence_of_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])


def test_the_command_points_to_the_documentation_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION
