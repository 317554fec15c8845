"""docs/operations.md and the SLURM profile say of the rules' memory, time and GPUs what the rules ask for."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_RULE = re.compile(r"^ *(?:use rule (?P<base>\w+) as (?P<name>\w+) with|rule (?P<own>\w+)):$", re.M)


def asked():
    """Memory in GB, hours, and whether a GPU, of each rule on the CPU; None is the profile's default."""
    rules, bases = {}, {}
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = path.read_text("utf-8")
        for start, end in pairwise([*_RULE.finditer(text), None]):
            if start["base"]:
                bases[start["name"]] = start["base"]
            else:
                rules[start["own"]] = resources(text[start.end() : end and end.start()])
    return rules | {name: rules[base] for name, base in bases.items()}


def resources(body):
    """Of the text of one rule."""
    memory = re.search(r"mem_mb=at_least\((\d+)( \+ 1000 \* WORKERS)?\)", body)
    hours = re.search(r"runtime=hours\((\d+)\)", body)
    return (
        (int(memory[1]) + (1000 if memory[2] else 0)) // 1000 if memory else 4,
        int(hours[1]) if hours else 1,
        bool(re.search(r"gpu=(GPU|gpu_of)\b", body)),
    )


@pytest.fixture(scope="module")
def rules():
    found = asked()
    assert {"explain", "distil", "compress_for_torch", "report"} <= set(found)
    return found


def test_the_table_of_resources_is_what_the_rules_ask_for(rules):
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = page.partition("| rule | memory | time | grows |")[2].partition("\n\n")[0]
    said = {
        name: (int(gigabytes), int(hours))
        for row, gigabytes, hours in re.findall(r"^\| (`.*?) \| (\d+) GB \| (\d+) h \|", table, re.M)
        for name in re.findall(r"`(\w+)`", row)
    }
    others = re.search(r"all others \| (\d+) GB \| (\d+) h", table)
    wanted = {name: (gigabytes, hours) for name, (gigabytes, hours, _) in rules.items()}
    assert said == {name: own for name, own in wanted.items() if own != (int(others[1]), int(others[2]))}


def test_the_slurm_profile_names_every_rule_with_a_gpu(rules):
    profile = (ROOT / "profiles" / "slurm" / "profile.v9+.yaml").read_text("utf-8")
    block = profile.partition("# set-resources:\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^#   (\w+):", block, re.M)) == {name for name, own in rules.items() if own[2]}
