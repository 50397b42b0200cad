"""A real ComfyUI server as stories see it: what was executed for one project, what runs now, and files in its input folder."""

import json
from typing import Any

import httpx

_SECONDS = 60


class RealServer:
    """What the real server itself says about one project's prompts."""

    def __init__(self, url: str, project: str) -> None:
        self.url, self._project = url, project

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", timeout=_SECONDS).json()

    def history(self) -> dict[str, Any]:
        """Prompts of this project that were executed, by prompt id, oldest first."""
        return {prompt_id: entry for prompt_id, entry in self.get("/history").items() if self._ours(entry["prompt"])}

    def rendered(self) -> list[str]:
        """Targets of this project that were executed, in that order."""
        return [_target(entry["prompt"]) for entry in self.history().values()]

    def running(self) -> dict[str, str]:
        """What of this project runs now: prompt id → target."""
        return {item[1]: _target(item) for item in self.get("/queue")["queue_running"] if self._ours(item)}

    def waiting(self) -> list[str]:
        """Prompt ids of this project that wait."""
        return [item[1] for item in self.get("/queue")["queue_pending"] if self._ours(item)]

    def put(self, name: str, picture: bytes) -> None:
        """Lay a picture into the input folder, in the place of what has this name."""
        answer = httpx.post(
            f"{self.url}/upload/image", files={"image": (name, picture, "image/png")}, data={"overwrite": "true"}, timeout=_SECONDS
        )
        assert answer.json()["name"] == name, answer.text

    def forget(self) -> None:
        """Have it drop the results that it keeps, so that the next prompt is computed anew."""
        httpx.post(f"{self.url}/free", json={"unload_models": True, "free_memory": True}, timeout=_SECONDS).raise_for_status()

    def _ours(self, item: Any) -> bool:
        return f"{self._project}/" in json.dumps(item[3])


def _target(item: Any) -> str:
    return str(item[3]["koma"]["label"]).partition(" ")[0]
