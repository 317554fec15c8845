"""What several benches need of a finished study: its config, and the settings of a task's scores."""

from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.evaluation.inputs import Settings
from distillens.report.results import Results


def study_of(results: Results) -> Study:
    """The study that results are of."""
    settings = {key: value for key, value in results.settings.items() if key != "name"}
    return Study({"study": results.settings["name"], **settings})


def score_settings(study: Study, task: str) -> Settings:
    """What the scores of a task go by, as the workflow's jobs are told."""
    return Settings(**JobParams(study).score(_Wildcards(task)))


class _Wildcards:
    """What stands for a rule's."""

    def __init__(self, task: str) -> None:
        self.task = task
