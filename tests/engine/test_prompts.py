"""Our prompts are those of llama.cpp, for its own chat templates: see templates/README.md."""

import json
from datetime import datetime

import pytest

from desktop.engine.template import Template
from tests.engine import prompts

EXPECTED = json.loads(prompts.EXPECTED.read_text(encoding="utf-8"))
TODAY = datetime.fromisoformat(EXPECTED["date"])  # some templates tell it
# where we differ, and why
EXCEPT = {
    "fireworks-ai-llama-3-firefunction-v2": "it works with a list of functions only; such a file gets the common template",
    "unsloth-mistral-Devstral-Small-2507, thoughts": "llama.cpp takes it for a Ministral, and loses the whole answer",
}


@pytest.mark.parametrize("name", sorted(prompts.sources().keys() - EXCEPT))
def test_prompts_are_those_of_llama_cpp(name: str) -> None:
    template = Template(prompts.sources()[name], prompts.BOS, prompts.EOS, name, lambda: TODAY)
    assert len(EXPECTED["prompts"][name]) == 2 * len(prompts.TALKS)
    for case, expected in EXPECTED["prompts"][name].items():
        talk, how = case.split(", ")
        if f"{name}, {talk}" not in EXCEPT:
            assert template.render(prompts.TALKS[talk], how == "thinking") == expected, case
