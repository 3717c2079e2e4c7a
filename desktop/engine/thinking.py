"""How model families think, as their chat templates show it: the tags around thoughts and answer, and the switch for it."""

import re
from typing import Any

# how model families fence their thinking: opening and closing tag
TAGS = {
    "<think>": "</think>",  # DeepSeek, Qwen, GLM, SmolLM, Granite, MiniMax M2, Nemotron ...
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "◁think▷": "◁/think▷",  # Kimi
    "[THINK]": "[/THINK]",  # Mistral
    "<think:opensource>": "</think:opensource>",  # Hunyuan 3
    "<seed:think>": "</seed:think>",  # ByteDance Seed
    "<mm:think>": "</mm:think>",  # MiniMax M3
    "<|START_THINKING|>": "<|END_THINKING|>",  # Cohere
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
    "<|begin_of_thought|>": "<|end_of_thought|>",  # OpenThinker
    "<|channel>thought": "<channel|>",  # Gemma 4
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss
    "<|think|>": "<|end|>",  # Solar
    " to=self<|message|>": "<|eom|>",  # Muse
    "<|open|>think<|sep|>": "<|close|>think<|sep|>",  # Kimi K3
}
# words that a template writes itself before the thinking; in an answer they are only words
LEADS = {"Here are my reasoning steps:": "[BEGIN FINAL RESPONSE]"}  # Apriel
# what may stand before an answer and belongs to neither, and what then ends the answer
BEFORE_ANSWER = {
    "<|START_RESPONSE|>": "<|END_RESPONSE|>",
    "<|START_TEXT|>": "<|END_TEXT|>",
    "<|begin_of_solution|>": "<|end_of_solution|>",
    "<|open|>response<|sep|>": "<|close|>response<|sep|>",
    "<|channel|>final": "<|end|>",
    "<|channel|>commentary": "<|end|>",
    "<|content|>": "<|end|>",
    " to=user<|message|>": "<|eom|>",
}
# the same where it also could be the answer itself: only after thoughts
AFTER_THOUGHTS = {"<response>": "</response>", "<answer>": "</answer>"}
# what stands between two such parts
BETWEEN = ("<|start|>assistant", "<|begin|>assistant", "<|message|>", " to=assistant", "<|close|>message<|sep|>", *TAGS.values())
# special tokens that have to be spelled out for all these to be seen
TAG_TOKENS = tuple(
    sorted(
        {
            token
            for mark in (*TAGS.items(), *BEFORE_ANSWER.items(), *AFTER_THOUGHTS.items(), (*BETWEEN,))
            for token in re.findall(r"<[^<>]+>|\[/?THINK\]|◁/?think▷", "".join(mark))
        }
    )
)


def opened(prompt: str) -> str | None:
    """The closing tag to wait for when a template has already opened the thinking at the end of the prompt."""
    end = prompt.rstrip()
    return next((closing for opening, closing in {**TAGS, **LEADS}.items() if end.endswith(opening)), None)


def switched(source: str, thinking: bool) -> dict[str, Any]:
    """What a template has to be told so that its model thinks, or not: each maker has another word for it."""
    words: dict[str, Any] = {
        "enable_thinking": thinking,
        "thinking": thinking,  # DeepSeek V3, Granite, Kimi K3
        "reasoning": thinking,  # Cohere
        "thinking_mode": "enabled" if thinking else "disabled",  # MiniMax M3
    }
    if not thinking:
        words["thinking_budget"] = 0  # Seed
    if "no_think" in source:  # Hunyuan 3
        words["reasoning_effort"] = "high" if thinking else "no_think"
    elif '"minimal"' in source and not thinking:  # Solar
        words["reasoning_effort"] = "minimal"
    return words
