"""A classifier in an ONNX file, as Optimum and SetFit write it; in full precision, fp16 or int8.

Beside it, or in the folder above (Optimum's ``onnx/model.onnx``), lies its tokenizer; ``config.json`` there
has the names of its outputs (``id2label``). Inputs and outputs go by name.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distillens.config.onnx_weights import weights_beside
from distillens.models.errors import ModelError
from distillens.models.tokenizer import Encoder, EncodingError
from distillens.provenance import digest, versions

OPTIONS = {
    "file": {"type": "string", "description": "The ONNX file."},
    "tokenizer": {
        "type": ["string", "null"],
        "default": None,
        "description": "Folder of its tokenizer; null for the file's own, or the one above.",
    },
    "output": {
        "type": ["string", "null"],
        "default": None,
        "description": "Output that is read; null for logits, probabilities, or the only one that can be.",
    },
    "gives": {
        "enum": ["logits", "probabilities", None],
        "default": None,
        "description": "What the output is; null goes by the graph: probabilities where a softmax or "
        "sigmoid ends it.",
    },
    "max_length": {
        "type": ["integer", "null"],
        "minimum": 8,
        "default": None,
        "description": "Longest input in pieces; null for the tokenizer's own.",
    },
    "at_once": {"type": "integer", "minimum": 1, "default": 16, "description": "Most texts of one batch."},
}
SHORT = "file"
SAYS = "Instead of a checkpoint: an ONNX file that is asked."
PATHS = ("file", "tokenizer")
TOKENIZED = True

_INPUTS = ("input_ids", "token_type_ids", "attention_mask")
_OUTPUTS = ("logits", "probabilities", "output_probability")
_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
_PASSING = ("Cast", "Identity")
_BEHIND_PADDING = ("camembert", "mpnet", "longformer", "luke", "ibert", "data2vec-text", "esm")


class OnnxFile:
    """An ONNX classifier; see `distillens.models.backends.Backend`."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        import onnxruntime

        self._file, self._spec = Path(spec["file"]), spec
        if not self._file.is_file():
            raise ModelError(f"onnx: no file {self._file}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # so that sums have one order
        try:
            self._session = onnxruntime.InferenceSession(
                self._file, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            said = str(error).strip().partition("\n")[0]
            raise ModelError(f"onnx: {self._file} cannot be opened: {said}; export it again") from error
        self._types = self._inputs()
        self._folder = self._tokenizer_folder()
        self._settings = _read(self._folder / "config.json")
        self.encoder = self._reads_with()
        self.mask = self.encoder.mask
        self._output = self._chosen_output()
        self.ends = _ending(self._file, self._output)
        self.gives = spec["gives"] or ("logits" if self.ends is None else "probabilities")
        self.labels = self._names()
        self.at_once = 1 if isinstance(self._batch, int) else spec["at_once"]

    def answers(self, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
        """What the graph's output says, padded on the right."""
        batch = self.encoder.pad(self.encoder.encode(texts))
        if isinstance(self._length, int):
            batch = {name: self._filled(name, values) for name, values in batch.items()}
        given = {name: batch[name].astype(kind) for name, kind in self._types.items()}
        return self._session.run([self._output], given)[0].astype(np.float64)

    def identity(self) -> dict[str, Any]:
        """Digests of the graph, of weights that it keeps beside itself, and of the tokenizer."""
        return {
            "onnx_sha256": digest(self._file, *weights_beside(self._file)),
            "tokenizer_sha256": digest(self._folder / "tokenizer.json"),
            "output": self._output,
            "gives": self.gives,
            "max_length": self.encoder.max_length,
            "versions": versions("onnxruntime", "tokenizers"),
        }

    def _inputs(self) -> dict[str, type]:
        types = {}
        for one in self._session.get_inputs():
            if one.name not in _INPUTS or one.type not in _TYPES:
                raise ModelError(
                    f"onnx: {self._file} takes an input {one.name!r} ({one.type}), which is not known; it "
                    f"must take {', '.join(_INPUTS)} only, as whole numbers"
                )
            types[one.name] = _TYPES[one.type]
            if one.name == "input_ids":
                self._batch, self._length = one.shape
        if "input_ids" not in types:
            raise ModelError(f"onnx: {self._file} has no input input_ids; it must take pieces of a tokenizer")
        return types

    def _tokenizer_folder(self) -> Path:
        named = self._spec["tokenizer"]
        places = [Path(named)] if named else [self._file.parent, self._file.parent.parent]
        for place in places:
            if (place / "tokenizer.json").is_file():
                return place
        raise ModelError(
            f"onnx: no tokenizer.json in {' or '.join(map(str, places))}; name its folder (tokenizer: DIR)"
        )

    def _reads_with(self) -> Encoder:
        try:
            encoder = Encoder(self._folder, set(self._types))
        except (EncodingError, OSError, ValueError) as error:
            raise ModelError(f"onnx: {error}") from error
        lacking = sorted(set(self._types) - set(encoder.inputs))
        if lacking:
            # The tokenizer gives them all the same; it was only not said that the model takes them.
            encoder.inputs = [name for name in _INPUTS if name in self._types]
        limits = [encoder.max_length, self._spec["max_length"], _positions(self._settings)]
        limits.append(self._length if isinstance(self._length, int) else None)
        return encoder.shortened(min(limit for limit in limits if limit))

    def _chosen_output(self) -> str:
        outputs = {one.name: one for one in self._session.get_outputs()}
        named = self._spec["output"]
        if named is not None and named not in outputs:
            raise ModelError(f"onnx: {self._file} has no output {named!r}; there are: {', '.join(outputs)}")
        fitting = [name for name, one in outputs.items() if one.type in _FLOATS and len(one.shape) == 2]
        known = [name for name in _OUTPUTS if name in fitting]
        if named is None and not known and len(fitting) != 1:
            raise ModelError(
                f"onnx: {self._file}: which of its outputs ({', '.join(outputs)}) are scores of classes is "
                "not known; say it (output: NAME)"
            )
        return named or (known or fitting)[0]

    def _names(self) -> tuple[str, ...] | None:
        said = self._settings.get("id2label") or {}
        if said:
            return tuple(str(said[number]) for number in sorted(said, key=int))
        labels = _read(self._folder / "config_setfit.json").get("labels")
        return tuple(map(str, labels)) if labels else None

    def _filled(self, name: str, values: np.ndarray) -> np.ndarray:
        """A batch as long as a graph of a fixed length takes it."""
        room = self._length - values.shape[1]
        filler = self.encoder.pad_id if name == "input_ids" else 0
        return np.pad(values, ((0, 0), (0, room)), constant_values=filler)


def open(spec: Mapping[str, Any], labels: Sequence[str]) -> OnnxFile:
    """Open the file and its tokenizer.

    Raises
    ------
    ModelError
        If either is missing or cannot be used, or it takes unknown inputs.

    Examples
    --------
    >>> open({"file": "nowhere.onnx"}, ["bad", "good"])
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: onnx: no file nowhere.onnx
    """
    model = OnnxFile(spec)
    if model.labels is not None and len(model.labels) not in (len(labels) or 1, 1):
        raise ModelError(
            f"onnx: {spec['file']} has {len(model.labels)} outputs ({', '.join(model.labels)}), the task "
            f"{len(labels) or 1}; give a model of this task"
        )
    return model


def _ending(file: Path, output: str) -> str | None:
    """What ends a graph: ``softmax``, ``sigmoid`` (of one output), ``sigmoids`` (of each); None: nothing."""
    import onnx

    graph = onnx.load(file, load_external_data=False).graph
    made_by = {name: node for node in graph.node for name in node.output}
    node = made_by.get(output)
    while node is not None and node.op_type in _PASSING:
        node = made_by.get(node.input[0])
    if node is None or node.op_type not in ("Softmax", "Sigmoid", "Normalizer", "LinearClassifier"):
        return None
    if node.op_type != "Sigmoid":
        return "softmax"
    shape = next(one for one in graph.output if one.name == output).type.tensor_type.shape
    return "sigmoid" if shape.dim[-1].dim_value == 1 else "sigmoids"


def _positions(settings: Mapping[str, Any]) -> int | None:
    """How many pieces a model has places for; those of RoBERTa and its kin begin behind that of padding."""
    places = settings.get("max_position_embeddings")
    behind = "roberta" in str(settings.get("model_type")) or settings.get("model_type") in _BEHIND_PADDING
    return places - (settings.get("pad_token_id") or 0) - 1 if places and behind else places


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise ModelError(f"onnx: {path} is not JSON ({error}); save it again") from error
