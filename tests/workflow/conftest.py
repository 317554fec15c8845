"""A tiny study, run once for real, on which every workflow test looks."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from filelock import FileLock

from tests import preloaded, tiny

ROOT = Path(__file__).parents[2]
TEMPLATES = [
    "A {} film.",
    "The plot is {}, and the ending was {} at all.",
    "It doesn't {} work: {}!",
    "Not {} but {} at all",
]
SECRET = "hf_aSecretOfTheTestsThatNobodyMayWrite"
MOODS = {
    "bad": ["dull", "boring", "messy"],
    "middling": ["fine", "so-so", "plain"],
    "good": ["joyful", "witty", "fun"],
}
HOSTILE = "<script>alert(1)</script> a {} film"


@dataclass(frozen=True)
class Study:
    """A folder with a config, in which snakemake can be run."""

    folder: Path
    config: dict
    project: Path = ROOT
    python: str = field(default_factory=preloaded.interpreter)

    def command(self, *arguments: str, config: dict | None = None) -> list[str]:
        """The command that runs snakemake on the config, or on a changed one."""
        path = self.folder / "study.yaml"
        path.write_text(yaml.safe_dump(config or self.config, sort_keys=False))
        command = [self.python, "-m", "snakemake", "--snakefile", str(self.project / "Snakefile")]
        return [
            *command,
            "--cores",
            "2",
            "--directory",
            str(self.folder),
            "--configfile",
            str(path),
            *arguments,
        ]

    def snakemake(self, *arguments: str, config: dict | None = None, **run) -> subprocess.CompletedProcess:
        """Run it; from inside its folder, so that no other copy of the project is found."""
        command = self.command(*arguments, config=config)
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, **run)

    def copy(self, folder: Path) -> "Study":
        """The study as it is, time stamps included, to be changed."""
        return replace(self, folder=shutil.copytree(self.folder, folder))

    def anew(self, folder: Path) -> "Study":
        """A study of the same data and config that nothing was run of."""
        shutil.copytree(self.folder / "checkpoint", folder / "checkpoint")
        shutil.copy2(self.folder / "data.csv", folder)
        return replace(self, folder=folder)

    def with_code(self, folder: Path, path: str, edit) -> "Study":
        """The study run by a copy of the project of which one file is edited."""
        parts = ["Snakefile", "distillens", "scripts", "workflow", "resources", "envs", "profiles"]
        for part in parts:
            source, target = self.project / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        file = folder / path
        before = file.read_text("utf-8")
        file.write_text(edit(before), "utf-8")
        assert file.read_text("utf-8") != before
        return replace(self, project=folder)

    def files(self) -> dict[str, bytes]:
        """The content of every table and model by its path below the results.

        Hidden ones aside, and what was measured with a clock: it is never the same twice.
        """
        results = self.folder / "results" / "tiny"
        return {
            str(path.relative_to(results)): path.read_bytes()
            for path in sorted(results.rglob("*"))
            if path.suffix in (".parquet", ".safetensors")
            and "/." not in str(path.relative_to(results.parent))
            and path.relative_to(results).parts[0] not in ("costs", "trainings")
        }

    def jobs(self, config: dict | None = None) -> list[str]:
        """What a dry run would do: ``rule value value ...``, sorted."""
        result = self.snakemake("-n", config=config)
        assert result.returncode == 0, result.stdout + result.stderr
        blocks = re.split(r"\n(?=(?:local)?rule \w+:)", result.stdout + result.stderr)
        found = []
        for block in blocks[1:]:
            name = re.match(r"(?:local)?rule (\w+):", block).group(1)
            wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
            values = [pair.partition("=")[2] for pair in wildcards.group(1).split(", ")] if wildcards else []
            found.append(" ".join([name, *values]))
        return sorted(found)

    def edited(self, path: str, value: object) -> dict:
        """The config with one value changed; ``...`` removes it."""
        # Through JSON, so that blocks that models share become copies.
        config = json.loads(json.dumps(self.config))
        *parents, last = path.split("/")
        block = config
        for key in parents:
            block = block[key]
        if value is ...:
            del block[last]
        else:
            block[last] = value
        return config


def tiny_config(folder: Path) -> dict:
    """Three classes of made-up sentences, a random encoder, two students."""
    rows = [
        {"id": f"{mood}-{number}-{word}", "text": template.format(word, word), "mood": mood}
        for mood, words in MOODS.items()
        for word in words
        for number, template in enumerate([*TEMPLATES, HOSTILE])
    ]
    pd.DataFrame(rows).to_csv(folder / "data.csv", index=False)
    tiny.bert(folder / "checkpoint")
    training = {
        "method": "fine_tune",
        "epochs": 1,
        "learning_rate": 3.0e-3,
        "batch_size": 8,
        "max_length": 32,
    }
    corpus_training = {"corpus": "text", "epochs": 1, "batch_size": 8, "block_size": 16}
    learns = {"teacher": "teacher", "training": training, "seeds": [0]}
    student = {"checkpoint": "tiny", "layers": [0], **learns}
    return {
        "study": "tiny",
        "device": "cpu",
        "backend": "onnxruntime",
        "tasks": {
            "moods": {
                "source": {"local": "data.csv"},
                "columns": {"example_id": "id", "text_a": "text", "label": "mood"},
                "labels": list(MOODS),
                "splits": {
                    "train": {"from": "all"},
                    "validation": {"from": "all", "examples": 6},
                    "test": {"from": "all", "examples": 24},
                },
                "explain": {"per_class": 3},
                "perturb": {"examples": 8},
                "probes": ["contrast", "negation", "but"],
            }
        },
        "corpora": {
            "text": {
                "source": {"local": "data.csv"},
                "splits": {"train": {"from": "all"}, "validation": {"from": "all", "examples": 10}},
            }
        },
        "checkpoints": {
            "tiny": {"local": "checkpoint"},
            "headed": {"pretrain": {**corpus_training, "method": "masked_head", "start": "tiny"}},
            "aligned": {
                "pretrain": {
                    **corpus_training,
                    "method": "attention_interchange",
                    "start": "headed",
                    "layers": [0],
                    "teacher": "headed",
                }
            },
        },
        "models": {
            "teacher": {"checkpoint": "tiny", "training": training, "seeds": [1, 2]},
            "student": student,
            "student-kd": {**student, "training": {**training, "method": "soft_logits"}},
            "student-aligned": {"checkpoint": "aligned", **learns},
        },
        "perturbations": {"character": None, "swap": None},
        "repeats": 2,
        "explainers": {"occlusion": None, "random": None},
        "probes": {
            "contrast": {"explainers": ["occlusion"], "items": 4},
            "negation": {"explainers": ["random"], "items": 4},
            "but": {"explainers": ["occlusion"]},
        },
        "published": {
            "file": "resources/published/sst5.yaml",
            "task": "moods",
            "models": {"bert": "teacher", "distilbert": "student", "kd-tinybert": "student-kd"},
            "explainers": {"shap": "occlusion", "lime": "random"},
        },
        "stability": {"explainers": ["occlusion"], "examples": 3},
        "reference": {"ladder": None},  # tests/workflow/test_ladder.py has one
        "metrics": {
            "aopc_beam": 1,
            "overlap_k": [2],
            "deletion_k": [1, 3],
            "random_draws": 2,
            "resamples": 200,
        },
    }


def small_config(folder: Path) -> dict:
    """The same with a teacher of one seed and two students, without pretraining and probes."""
    config = tiny_config(folder)
    for section in ("corpora", "probes", "published", "stability"):
        del config[section]
    del config["tasks"]["moods"]["probes"]
    for section, names in (
        ("checkpoints", ("headed", "aligned")),
        ("models", ("student-aligned",)),
        ("perturbations", ("character",)),
    ):
        for name in names:
            del config[section][name]
    config["models"]["teacher"]["seeds"] = [1]
    config["metrics"]["aopc_beam"] = 0
    return config


def finished(factory: pytest.TempPathFactory, name: str, configure) -> Study:
    """A study that is run once for all workers of a test run; nobody may change it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        config = folder / "config.json"
        if not config.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            study = Study(folder, configure(folder))
            result = study.snakemake(env={**os.environ, "HF_TOKEN": SECRET})
            assert result.returncode == 0, result.stdout + result.stderr
            config.write_text(json.dumps(study.config))
        return Study(folder, json.loads(config.read_text()))


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The tiny study, finished."""
    return finished(tmp_path_factory, "tiny", tiny_config).copy(tmp_path_factory.mktemp("study") / "copy")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The small study, finished; not to be changed."""
    return finished(tmp_path_factory, "small", small_config)
