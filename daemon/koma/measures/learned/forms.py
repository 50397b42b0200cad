"""Whether a file is what its name promises: safetensors, ONNX, or a PyTorch pickle. Its shape alone is read, never a weight, never code.

Checked is what a broken or foreign file gets wrong, without the libraries of either form:

- safetensors: eight bytes with the length of a JSON header, in it a dtype, a shape and offsets for each tensor, and exactly as many bytes
  after it as the offsets cover, without a hole (https://github.com/huggingface/safetensors, "Format").
- ONNX: the fields of a protobuf ModelProto follow one another to the last byte, among them a version, operator sets, and a graph with
  nodes and an output, whose weights lie in the file itself (onnx.proto of https://github.com/onnx/onnx).
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_HEADER = 100_000_000  # bytes; what the safetensors library accepts as well

_BITS: Mapping[str, int] = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
}
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # torch.save: a zip since PyTorch 1.6, before that a pickle
_PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".bin", ".ckpt", ".pkl"})

# Fields of onnx.proto that are looked at.
_IR_VERSION, _GRAPH, _OPSET = 1, 7, 8
_NODE, _INITIALIZER, _OUTPUT = 1, 5, 12
_LOCATION, _EXTERNAL = 14, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protobuf
_LONGEST_VARINT = 10  # bytes


class WrongFormError(ValueError):
    """The file is not of that form; the text says what is wrong with it."""


def check_form(file: Path, form: str) -> None:
    """Look whether a file is `onnx` or `safetensors`. Raises WrongFormError, OSError."""
    size = file.stat().st_size
    if not size:
        raise WrongFormError("it is empty (0 bytes)")
    with file.open("rb") as stream:
        if is_pickle(file, stream.read(8)):
            raise WrongFormError("it is a PyTorch pickle, and a pickle can run code when it is read")
        stream.seek(0)
        _CHECKS[form](stream, size)


def is_pickle(file: Path, start: bytes) -> bool:
    """Whether a file is a PyTorch pickle by its name, or by its first bytes."""
    return file.suffix.lower() in _PICKLE_SUFFIXES or start.startswith(_PICKLES)


def _check_safetensors(stream: BinaryIO, size: int) -> None:
    header, room = _header(stream, size)
    spans = sorted(_span(name, entry) for name, entry in header.items() if name != "__metadata__")
    if not spans:
        raise WrongFormError("its safetensors header names no tensor")
    end = 0
    for start, stop in spans:
        if start != end:
            raise WrongFormError(f"the tensors of its safetensors header leave a hole or overlap at byte {min(start, end)}")
        end = stop
    if end != room:
        cut = "it is cut off" if end > room else "bytes follow its last tensor"
        raise WrongFormError(f"{cut}: its safetensors header names {end} bytes of tensors, and {room} are there")


def _header(stream: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """Read the header of a safetensors file; the header and how many bytes follow it."""
    length = int.from_bytes(stream.read(8), "little")
    if not 0 < length <= LONGEST_HEADER:
        raise WrongFormError("it does not begin with the length of a safetensors header")
    if length + 8 > size:
        raise WrongFormError(f"it is no safetensors, or it is cut off: {size} bytes can't hold a header of {length}")
    try:
        header = json.loads(stream.read(length))
    except (ValueError, RecursionError) as error:
        raise WrongFormError(f"its safetensors header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise WrongFormError("its safetensors header is no mapping")
    return header, size - 8 - length


def _span(name: str, entry: Any) -> tuple[int, int]:
    """Start and end of a tensor's bytes."""
    if not isinstance(entry, dict) or not _counts(entry.get("shape")) or not _counts(entry.get("data_offsets"), 2):
        raise WrongFormError(f"the tensor {name!r} of its safetensors header has no shape or no offsets")
    start, stop = entry["data_offsets"]
    bits = _BITS.get(str(entry.get("dtype")))
    if bits is None:
        raise WrongFormError(f"the tensor {name!r} has the dtype {entry.get('dtype')!r}, which is not one of {', '.join(_BITS)}")
    if stop - start != math.prod(entry["shape"]) * bits // 8:
        raise WrongFormError(f"the tensor {name!r} of shape {entry['shape']} can't fill bytes {start} to {stop}")
    return start, stop


def _counts(values: Any, length: int | None = None) -> bool:
    numbers = isinstance(values, list) and all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values)
    return numbers and length in (None, len(values))


def _check_onnx(stream: BinaryIO, size: int) -> None:
    fields = list(_fields(stream, 0, size))
    numbers = {number for number, _, _ in fields}
    if not {_IR_VERSION, _GRAPH, _OPSET} <= numbers:
        raise WrongFormError("it is no ONNX model: it has no version, no operator sets or no graph")
    _, start, end = next(field for field in fields if field[0] == _GRAPH)
    graph = list(_fields(stream, start, end))
    if not {_NODE, _OUTPUT} <= {number for number, _, _ in graph}:
        raise WrongFormError("the graph of this ONNX model has no node or no output")
    for number, first, last in graph:
        if number == _INITIALIZER and any(n == _LOCATION and value == _EXTERNAL for n, value, _ in _fields(stream, first, last)):
            raise WrongFormError("this ONNX model keeps its weights in another file: save it as one file")


def _fields(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Fields of the protobuf message in bytes start..end: number, then start and end of its bytes; of a varint its value, and 0."""
    at = start
    while at < end:
        stream.seek(at)
        tag = _varint(stream)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            yield number, _varint(stream), 0
            at = stream.tell()
        else:
            first, length = _extent(stream, wire)
            at = first + length
            if at <= end:
                yield number, first, at
    if at != end:
        raise WrongFormError(f"it is no ONNX model, or it is cut off: a part of it would end at byte {at}, and {end} are there")


def _extent(stream: BinaryIO, wire: int) -> tuple[int, int]:
    """Where the bytes of a field begin, and how many they are."""
    if wire == _BYTES:
        length = _varint(stream)
        return stream.tell(), length
    if wire in (_FIXED64, _FIXED32):
        return stream.tell(), 8 if wire == _FIXED64 else 4
    raise WrongFormError("it is no ONNX model: its bytes are no protobuf")


def _varint(stream: BinaryIO) -> int:
    value = 0
    for index in range(_LONGEST_VARINT):
        byte = stream.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << (7 * index)
        if byte[0] < 0x80:  # noqa: PLR2004  the top bit says that more follows
            return value
    raise WrongFormError("it is no ONNX model, or it is cut off")


_CHECKS = {"safetensors": _check_safetensors, "onnx": _check_onnx}
