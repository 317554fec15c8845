"""What ``--config KEY=VALUE`` says, with the types that it would have in a file.

Snakemake reads values in braces or brackets, and words such as ``true`` and ``null``, as text alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Reads no dates: what looks like one is a name."""

    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def retype(config: dict[str, Any], entries: Sequence[str]) -> None:
    """Give values of the command line their types, in place.

    Parameters
    ----------
    config : dict
        The config, into which Snakemake has merged the entries. What it has not taken from them stays.
    entries : sequence of str
        ``KEY=VALUE``.

    Raises
    ------
    ValueError
        If an entry is none, as Snakemake says it.

    Examples
    --------
    >>> config = {"seed": 8, "mirror": "null", "perturb": {"examples": "10", "words": "3"}}
    >>> retype(config, ["seed=8", "mirror=null", "perturb={examples: 10}"])
    >>> config
    {'seed': 8, 'mirror': None, 'perturb': {'examples': 10, 'words': '3'}}
    """
    from snakemake.cli import parse_config  # takes a second, which only those who say --config wait

    for entry in entries:
        key, _, text = entry.partition("=")
        try:
            meant = yaml.load(text.strip("'\""), _Loader)
        except yaml.YAMLError:
            continue  # a text to Snakemake, too
        _retype(config, parse_config([entry]), {key: meant})


def _retype(config: dict[Any, Any], said: Mapping[str, Any], meant: Mapping[Any, Any]) -> None:
    for name, value in meant.items():
        key = name if name in said else str(name)
        if key not in said or key not in config:
            continue
        if all(isinstance(one, Mapping) for one in (config[key], said[key], value)):
            _retype(config[key], said[key], value)
        # Of what is no text Snakemake knows the type: it reads 1e-5 as a number, which YAML does not.
        elif config[key] == said[key] and isinstance(said[key], (str, list)):
            if key != name:
                del config[key]
            config[name] = value
