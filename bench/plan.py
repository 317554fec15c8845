"""What is measured: each work, what it is measured against, and what it must reach."""

from dataclasses import dataclass, field, replace
from typing import Any

from distillens import registry

OUTPUT, SEED = "margin", 5


@dataclass(frozen=True)
class Side:
    """One way to do a work.

    Attributes
    ----------
    name : str
        As it stands in the tables.
    run : str
        ``ours``, or a function of `bench.peers`.
    options : dict
        What it takes beside the options of the work.
    engine : dict
        Ours: how `distillens.models.engine.Engine` differs from ONNX Runtime in full precision.
    few : int, optional
        Only so many of the sentences, because it takes too long.
    """

    name: str
    run: str
    options: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, str] = field(default_factory=dict)
    few: int | None = None


@dataclass(frozen=True)
class Work:
    """A work: its row in the table.

    Attributes
    ----------
    method : str
        An explainer, or ``predict``.
    peers : tuple of Side
        The first one is what must be beaten.
    must, aim : float, optional
        Ratio of seconds.
    difference : float, optional
        Largest difference of values that is allowed.
    sentences : str
        ``short`` (8 to 50 words), ``long`` (60 or more) or ``copies`` (perturbed copies).
    repeats : int
        Peers and ours are run in turn so many times; the median counts.
    """

    name: str
    method: str
    peers: tuple[Side, ...]
    options: dict[str, Any] = field(default_factory=dict)
    ours: Side = Side("ours", "ours")
    unit: str = "word"
    sentences: str = "short"
    must: float | None = None
    aim: float | None = None
    difference: float | None = None
    repeats: int = 1


@dataclass(frozen=True)
class Scale:
    """How much is done."""

    short: int = 32
    short_words: tuple[int, int] = (8, 50)
    long: int = 8
    long_words: tuple[int, int] = (60, 70)
    samples: int = 5000
    growth: tuple[int, ...] = (64, 1024)
    grown_from: int = 64  # fewer do not fill a batch
    growth_methods: tuple[str, ...] = ("shap", "lime", "occlusion")
    perturbed: int | None = None  # all of the split
    copies: int = 10
    predicted: int = 3000
    repeats: int = 3
    sgemm_size: int = 2048
    further_peers: bool = True


FULL = Scale()
QUICK = Scale(
    short=2,
    short_words=(3, 50),
    long=1,
    long_words=(10, 70),
    samples=100,
    growth=(2, 4),
    grown_from=2,
    growth_methods=("occlusion",),
    perturbed=3,
    copies=2,
    predicted=20,
    repeats=1,
    sgemm_size=256,
    further_peers=False,
)

# What makes a sentence cheap: to warm up, and to see how cost grows with their number.
CHEAP = {
    "shap": {"max_evals": 40},
    "lime": {"samples": 40},
    "integrated_gradients": {"steps": 2, "max_steps": 2},
}


def options_of(method: str) -> dict[str, Any]:
    """An explainer's own options, with their defaults."""
    return {
        name: schema["default"]
        for name, schema in registry.options("explainer").get(method, {}).items()
        if name != "unit"
    }


def works(scale: Scale) -> list[Work]:
    """Every work in the order of the table."""
    exact = {"max_evals": 20000}
    pipeline = Side("stock shap.Explainer(pipeline)", "shap_pipeline", few=8)
    careful = Side("stock shap.Explainer(function, batches of 64)", "shap_batched", few=8)
    careful_long = replace(careful, few=2)
    every = [
        Work("shap", "shap", (pipeline, careful), exact, unit="token", must=7.2, aim=8, difference=1e-5),
        Work(
            "shap_words",
            "shap",
            (Side("stock shap.Explainer(function, word masker)", "shap_words", few=16),),
            exact,
            difference=1e-5,
        ),
        Work(
            "shap_long",
            "shap",
            (careful_long,),
            exact,
            unit="token",
            sentences="long",
            difference=1e-5,
        ),
        Work(
            "lime",
            "lime",
            (Side("stock LimeTextExplainer, batches of 64", "lime", few=8),),
            {"samples": scale.samples},
            must=4,
            aim=6,
            difference=1e-4,
        ),
        Work(
            "integrated_gradients",
            "integrated_gradients",
            (
                Side("stock LayerIntegratedGradients, a sentence and class at a time", "captum", few=16),
                Side("the same, internal_batch_size=50", "captum", {"internal_batch_size": 50}, few=16),
            ),
            {"steps": 50, "max_steps": 50},
            must=1.55,
            aim=2,
            difference=1e-4,
        ),
        Work(
            "occlusion",
            "occlusion",
            (Side("a loop, one batch a sentence", "occlusion"),),
            difference=1e-4,
            repeats=scale.repeats,
        ),
        Work(
            "robustness",
            "predict",
            (Side("every copy, batches of 64", "predict"),),
            sentences="copies",
            difference=1e-4,
        ),
        Work(
            "bfloat16",
            "occlusion",
            (
                Side("ours in float32", "ours"),
                Side("ours in float32 by torch", "ours", engine={"backend": "torch"}),
            ),
            ours=Side("ours in bfloat16", "ours", engine={"backend": "torch", "precision": "bfloat16"}),
            repeats=scale.repeats,
        ),
    ]
    return every
