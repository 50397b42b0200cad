"""Model files without any library: tiny safetensors and ONNX files, byte by byte, sound or broken on purpose."""

import json
from collections.abc import Mapping
from typing import Any


def safetensors(header: Mapping[str, Any] | None = None, data: bytes = bytes(8), *, length: int | None = None) -> bytes:
    """One tensor `weight` of two F32 values, unless a header says otherwise; `length` is what the file says of its header."""
    text = json.dumps({"weight": tensor([2], 0, 8)} if header is None else header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def varint(number: int) -> bytes:
    if number < 0x80:
        return bytes([number])
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def field(number: int, value: int | bytes) -> bytes:
    """One protobuf field: a varint, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx(*, node: bytes = b"\x22\x04Relu", initializer: bytes | None = None, opset: bool = True, note: bytes = b"") -> bytes:
    """A ModelProto whose graph has one node, one output, and an initializer where one is given."""
    graph = field(1, node) if node else b""
    graph += field(5, initializer) if initializer is not None else b""
    graph += field(12, field(1, b"out"))
    return field(1, 9) + field(2, b"koma" + note) + field(7, graph) + (field(8, field(2, 17)) if opset else b"")
