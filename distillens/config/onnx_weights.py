"""Which files an ONNX file keeps weights in, by its bytes: configs are checked where there is no onnx."""

from mmap import ACCESS_READ, mmap
from pathlib import Path

# How protobuf writes an entry of a tensor's external data: its key, then the mark of its value.
_LOCATION = b"\n\x08location\x12"


def weights_beside(file: str | Path) -> list[Path]:
    r"""The files beside an ONNX file, or below its folder, in which its graph says that tensors are.

    Only those that are there; of one that is not, whoever opens the graph says so.

    Examples
    --------
    >>> Path("weights.bin").touch()
    >>> size = Path("model.onnx").write_bytes(b"tensor\n\x08location\x12\x0bweights.bin ...")
    >>> [path.name for path in weights_beside("model.onnx")]
    ['weights.bin']
    """
    file = Path(file)
    if not file.is_file() or not file.stat().st_size:
        return []
    places = set()
    with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        start = content.find(_LOCATION)
        while start >= 0:
            start, size = _number(content, start + len(_LOCATION))
            places.add(file.parent / content[start : start + size].decode("utf-8", "replace"))
            start = content.find(_LOCATION, start)
    return sorted(place for place in places if place.is_file())


def _number(content: mmap, place: int) -> tuple[int, int]:
    """Where a protobuf's number ends, and the number: seven bits a byte, the last of which is below 128."""
    number = shift = 0
    while place < len(content):
        byte, place = content[place], place + 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return place, number
