"""The prompts that llama.cpp makes of its own chat templates: `python -m tests.engine.prompts LLAMA_SERVER` writes them down.

Needs a llama-server of the version that llama-cpp-python brings; no test runs it.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from desktop.engine import Message
from desktop.engine.thinking import switched
from tests.engine import models

FOLDER = Path(__file__).parent / "templates"
EXPECTED = FOLDER / "expected.json"
BOS, EOS = "<|im_start|>", "<|im_end|>"  # of the model that the server has open
TALKS = {
    "question": [Message("user", "What is a fjord?")],
    "talk": [
        Message("system", "You are brief.\nAnd kind."),
        Message("user", "What is a fjord?"),
        Message("assistant", "An arm of the sea.\n\n- long\n- narrow"),
        Message("user", '  Where "is" one? {{ 7 * 7 }} <é>  '),
    ],
    "thoughts": [
        Message("user", "Is 91 a prime?"),
        Message("assistant", "No, 91 = 7 × 13.", thinking="Let me see.\n\n7 × 13 is 91."),
        Message("user", "And 97?"),
    ],
}


def sources() -> dict[str, str]:
    """All templates by their names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.jinja"))}


def main(server: str) -> None:
    """Ask the server about every template and every conversation, once with thinking and once without."""
    prompts: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = models.write(Path(folder) / "m.gguf", models.WORDS)
        for name, source in sources().items():
            with _running(server, model, FOLDER / f"{name}.jinja") as address:
                prompts[name] = dict(_asked(address, source)) if address else {}
            print(f"{name}: {len(prompts[name])} prompts")
    made = {"date": datetime.now().date().isoformat(), "prompts": prompts}
    EXPECTED.write_text(json.dumps(made, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def _asked(address: str, source: str) -> Iterator[tuple[str, str]]:
    for name, talk in TALKS.items():
        for thinking in (True, False):
            kwargs = {"preserve_reasoning": False, **switched(source, thinking)}  # else it overrules what the template says
            request = {"messages": [_plain(message) for message in talk], "chat_template_kwargs": kwargs}
            answer = httpx2.post(f"{address}/apply-template", json=request, timeout=30)
            if answer.status_code == 200:
                yield f"{name}, {'thinking' if thinking else 'not thinking'}", answer.json()["prompt"]


def _plain(message: Message) -> dict[str, Any]:
    thoughts = {"reasoning_content": message.thinking} if message.thinking else {}
    return {"role": message.role, "content": message.text, **thoughts}


@contextmanager
def _running(server: str, model: Path, template: Path) -> Iterator[str]:
    """The address of a server with this template; "" where it does not want it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server, "-m", str(model), "--port", str(port), "-c", "512", "-t", "1", "-np", "1", "--no-warmup", "--jinja"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, "--chat-template-file", str(template)], **quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                if httpx2.get(f"{address}/health").status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield address if process.poll() is None else ""
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
