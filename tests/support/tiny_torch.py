"""Models with random weights, made on the spot in a fraction of a second, in the file forms and under the names of the real ones."""

import json
from pathlib import Path

import torch

SIZE = 32  # px
WIDTH = 16  # numbers for a picture
TINY = {
    "embed_dim": WIDTH,
    "quick_gelu": True,
    "vision_cfg": {"image_size": SIZE, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}


def register(folder: Path, name: str, **changes: object) -> str:
    """Make a tiny architecture known to open_clip by its file name, as it knows its own."""
    import open_clip

    file = folder / f"{name}.json"
    file.write_text(json.dumps({**TINY, **changes}))
    open_clip.add_model_config(file)
    return name


def clip(name: str, seed: int = 1) -> dict[str, torch.Tensor]:
    """All weights of that architecture."""
    import open_clip

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return open_clip.create_model(name).state_dict()


def head(width: int = WIDTH, seed: int = 2) -> dict[str, torch.Tensor]:
    """A linear layer from CLIP's numbers to one, as LAION's."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {"weight": torch.randn(1, width), "bias": torch.tensor([5.0])}


def alexnet(seed: int = 3) -> dict[str, torch.Tensor]:
    """The features of torchvision's AlexNet, and one name of its classifier, which nobody needs."""
    import torchvision

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        features = torchvision.models.AlexNet(num_classes=1).features.state_dict()
    return {**{f"features.{name}": tensor for name, tensor in features.items()}, "classifier.1.bias": torch.zeros(4)}


def file_of(weights: dict[str, torch.Tensor]) -> bytes:
    """Safetensors of them."""
    from safetensors.torch import save

    return save({name: tensor.contiguous() for name, tensor in weights.items()}, metadata={"format": "pt"})
