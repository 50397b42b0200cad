"""Models of a few kilobytes, made on the spot, in the shapes of the real ones: they see what `face` and `portrait` draw, and nothing else.

- The detector finds white squares of 8 px that lie on the grid of 8 px of a 640 px picture, and calls what lies around a face of 48 px.
- The recogniser and CCIP's features are random projections of the colours of a few large cells, so equal colours give a cosine of 1.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from koma.core.models import KNOWN, LOCK, LockedModel, lock_text
from koma.measures.learned.store import Models
from koma.pixels.picture import Pixels

CANVAS = 640  # px; what the detector sees without scaling
FACE = 48  # px, side of the box that the detector gives
MARK = 8  # px
POINTS = ((-8.0, -6.0), (8.0, -6.0), (0.0, 2.0), (-6.0, 10.0), (6.0, 10.0))  # px from the mark's corner: eyes, nose, corners of the mouth
_OPSET = 17
_STRIDES = (8, 16, 32)


def detector(points: Sequence[tuple[float, float]] = POINTS, outputs: int = 9, broken: str = "") -> bytes:
    """Nine outputs as SCRFD's: score, box and points, at strides 8, 16 and 32, two anchors each; only stride 8 ever scores.

    `broken` is "nan" for scores that are no numbers.
    """
    from onnx import TensorProto, helper

    make, nodes, constants, names = helper.make_node, [], {}, []
    for stride in _STRIDES:
        gain = 12.0 if stride == _STRIDES[0] else 0.0
        weight = np.zeros((2, 3, stride, stride), np.float32)
        weight[0] = gain / (3 * stride * stride)  # mean over the cell and the channels; white is 1
        bias = np.array([-gain * 0.75 if gain else -20.0, -20.0], np.float32)
        constants |= {f"weight{stride}": weight, f"bias{stride}": bias, f"shape{stride}": np.array([-1, 1], np.int64)}
        nodes += [
            make(
                "Conv", ["input", f"weight{stride}", f"bias{stride}"], [f"logit{stride}"], strides=[stride] * 2, kernel_shape=[stride] * 2
            ),
            make("Transpose", [f"logit{stride}"], [f"last{stride}"], perm=[0, 2, 3, 1]),
            make("Reshape", [f"last{stride}", f"shape{stride}"], [f"flat{stride}"]),
            make("Sigmoid", [f"flat{stride}"], [f"score{stride}"]),
        ]
        half = np.full((1, 4), FACE / 2 / stride, np.float32)
        five = np.array(points, np.float32).reshape(1, 10) / stride
        for kind, value in (("box", half), ("points", five)):
            constants |= {f"{kind}_of{stride}": value, f"zero_{kind}{stride}": np.zeros((1, value.shape[1]), np.float32)}
            nodes += [
                make("MatMul", [f"score{stride}", f"zero_{kind}{stride}"], [f"none_{kind}{stride}"]),
                make("Add", [f"none_{kind}{stride}", f"{kind}_of{stride}"], [f"{kind}{stride}"]),
            ]
    if broken == "nan":
        nodes.append(make("Log", ["bias8"], ["logs"]))
        nodes.append(make("ReduceSum", ["logs"], ["nan"], keepdims=0))
        nodes.append(make("Add", ["score32", "nan"], ["score_nan"]))
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in _STRIDES:
            name = "score_nan" if broken == "nan" and (kind, stride) == ("score", 32) else f"{kind}{stride}"
            names.append((name, width))
    wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]) for name, width in names[:outputs]]
    return _model(nodes, constants, ["batch", 3, "height", "width"], wanted)


def recogniser(size: int = 112, length: int = 512, broken: str = "") -> bytes:
    """ArcFace's shape: colours of 4 x 4 cells through a random projection. `broken` is "zero" or "nan" for such an output."""
    return _projection(size, length, broken)


def red_and_blue() -> bytes:
    """A recogniser whose number 0 is the mean of the first channel, and number 1 that of the third: what it gets has an order."""
    weight = np.zeros((48, 512), np.float32)
    weight[:16, 0] = weight[32:, 1] = 1 / 16
    return _projection(112, 512, weight=weight)


def ccip_features(size: int = 384, length: int = 768, broken: str = "") -> bytes:
    """CCIP's shape: colours of 4 x 4 cells through a random projection."""
    return _projection(size, length, broken)


def ccip_metric(length: int = 768, wrong: bool = False) -> bytes:
    """Give half of 1 - cosine, each to each; with `wrong`, each only to the first."""
    from onnx import TensorProto, helper

    make = helper.make_node
    nodes = [
        make("LpNormalization", ["input"], ["unit"], axis=1, p=2),
        make("Transpose", ["unit"], ["turned"], perm=[1, 0]),
        make("MatMul", ["unit", "turned"], ["cosines"]),
        make("Sub", ["one", "cosines"], ["away"]),
        make("Mul", ["away", "half"], ["all"]),
        make("Slice", ["all", "start", "stop", "axis"], ["output"]) if wrong else make("Identity", ["all"], ["output"]),
    ]
    constants = {"one": np.float32(1), "half": np.float32(0.5)}
    if wrong:
        constants |= {"start": np.array([0]), "stop": np.array([1]), "axis": np.array([1])}
    out = [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", None])]
    return _model(nodes, constants, ["batch", length], out)


def _projection(size: int, length: int, broken: str = "", weight: np.ndarray | None = None) -> bytes:
    from onnx import TensorProto, helper

    make, cell = helper.make_node, size // 4
    factor = {"zero": 0.0, "nan": float("nan")}.get(broken, 1.0)
    random = np.random.default_rng(7).normal(size=(48, length)) if weight is None else weight
    nodes = [
        make("AveragePool", ["input"], ["cells"], kernel_shape=[cell, cell], strides=[cell, cell]),
        make("Flatten", ["cells"], ["colours"]),
        make("MatMul", ["colours", "weight"], ["output"]),
    ]
    out = [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", length])]
    return _model(nodes, {"weight": (random * factor).astype(np.float32)}, ["batch", 3, size, size], out)


def _model(nodes: list[Any], constants: Mapping[str, Any], shape: Sequence[Any], outputs: list[Any]) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)], outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    checker.check_model(model)
    found: bytes = model.SerializeToString()
    return found


def models_in(folder: Path, files: Mapping[str, bytes]) -> Models:
    """Write a models folder with these files, by model, each recorded with its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / KNOWN[name].file).write_bytes(data)
    locked = {
        name: LockedModel(
            name, KNOWN[name].file, sha256(data).hexdigest(), len(data), KNOWN[name].licence, KNOWN[name].commercial, "2026-11-20"
        )
        for name, data in files.items()
    }
    (folder / LOCK).write_text(lock_text(locked))
    return Models(folder)


def canvas(*faces: tuple[int, int, tuple[int, int, int]], ground: tuple[int, int, int] = (60, 60, 60)) -> Pixels:
    """640 x 640 px with a face for each (column, row, colour): a coloured square around a white mark, whose corner lies there."""
    pixels = np.full((CANVAS, CANVAS, 3), ground, np.uint8)
    for column, row, colour in faces:
        half = FACE // 2
        pixels[max(0, row - half) : row + half, max(0, column - half) : column + half] = colour
        pixels[row : row + MARK, column : column + MARK] = 255
    return pixels


def portrait(colour: tuple[int, int, int], ground: tuple[int, int, int] = (60, 60, 60), size: int = 384) -> Pixels:
    """Draw a large square of a colour on a ground: what CCIP's stand-in tells apart."""
    pixels = np.full((size, size, 3), ground, np.uint8)
    pixels[size // 4 : size * 3 // 4, size // 4 : size * 3 // 4] = colour
    return pixels
