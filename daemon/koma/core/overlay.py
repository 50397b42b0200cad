"""Overlays: mappings laid over one another, weakest first, with a memory of where each field came from.

A later layer wins field by field; mappings are merged, lists are replaced whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Layer(NamedTuple):
    """One source of fields: which document, the path inside it, and the fields."""

    file: str
    part: int
    path: str
    fields: Mapping[str, Any]


Origins = dict[str, tuple[str, int, str]]  # resolved field path -> (file, document index, path in that document)


def overlay(layers: Iterable[Layer], keys: Sequence[str] | None = None, origins: Origins | None = None, prefix: str = "") -> dict[str, Any]:
    """Merge layers, weakest first. With `origins`, note where each leaf came from under `prefix`."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.fields.items():
            if value is None or (keys is not None and key not in keys):
                continue
            merge(merged, key, value)
            if origins is not None:
                _note(origins, f"{prefix}{key}", value, layer, f"{layer.path}{key}")
    return merged


def merge(merged: dict[str, Any], key: str, value: Any) -> None:
    """Lay one field over what is there; a mapping is merged and copied, so that no layer is ever changed."""
    old = merged.get(key)
    if type(value) is dict:
        merged[key] = {**old, **value} if type(old) is dict else dict(value)
    else:
        merged[key] = value


def _note(origins: Origins, name: str, value: Any, layer: Layer, path: str) -> None:
    if type(value) is dict:
        for key, inner in value.items():
            _note(origins, f"{name}.{key}", inner, layer, f"{path}.{key}")
    else:
        origins[name] = (layer.file, layer.part, path)


_NESTED = frozenset({dict, list, tuple})


def flatten(values: Any, prefix: str = "") -> dict[str, Any]:
    """Flat field path → leaf. Items of lists that carry an `id` are addressed by it, others by their index."""
    flat: dict[str, Any] = {}
    _flatten(values, prefix, flat)
    return flat


def _flatten(value: Any, path: str, flat: dict[str, Any]) -> None:
    kind = type(value)
    if kind is dict:
        prefix = f"{path}." if path else ""
        for key, inner in value.items():
            if type(inner) in _NESTED:
                _flatten(inner, f"{prefix}{key}", flat)
            else:
                flat[f"{prefix}{key}"] = inner
    elif (kind is list or kind is tuple) and value and type(value[0]) is dict:
        for number, inner in enumerate(value):
            _flatten(inner, f"{path}.{inner.get('id', number)}", flat)
    else:
        flat[path] = list(value) if kind is tuple else value
