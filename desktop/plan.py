"""The best settings for a goal: speed, answer quality or long conversations, each way judged before it is chosen."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from desktop.need import Judge, Need

DEFAULT_CONTEXT = 8192  # tokens of conversation memory when nobody chose: about 6000 words of talk
SHORT_CONTEXT = 4096  # what the default shrinks to where only that fits
SHORTEST_CONTEXT = 2048  # the shortest that is proposed
CONTEXT_STEP = 1024  # tokens by which a longest context is searched
GOALS = ("speed", "quality", "long")
KV_TYPES = ("f16", "q8_0")  # the second takes half and is hardly less exact; smaller ones are felt in the answers
AS_FAST = 1.03  # a smaller share in speed is not worth a shorter memory
MUCH_LONGER = 1.2  # so much more context is worth the smaller form of conversation memory


@dataclass(frozen=True)
class Wish:
    """What a person chose; None leaves it to the plan. goal: "speed", "quality", "long"; None is the balance between them."""

    context: int | None = None
    kv_type: str | None = None
    gpu_layers: int | None = None
    goal: str | None = None
    load_mode: str | None = None


def choose(judge: Judge, wish: Wish) -> Need:
    """The best way to open the model that grants the wish."""
    context, kv_type, gpu_layers, goal = wish.context, wish.kv_type, wish.gpu_layers, wish.goal
    most = judge.shape.context_length or DEFAULT_CONTEXT
    kv_types = (kv_type,) if kv_type else KV_TYPES[:1] if judge.shape.only_f16 else KV_TYPES
    if context is not None:
        contexts = [min(context, most)]
    elif goal == "long":
        return _longest(judge, most, kv_types, choose(judge, replace(wish, goal=None)), gpu_layers)
    elif goal == "speed":
        contexts = _up_to(most, (DEFAULT_CONTEXT, SHORT_CONTEXT, SHORTEST_CONTEXT))
    elif goal == "quality":
        contexts = _up_to(most, (DEFAULT_CONTEXT,))
    else:
        contexts = _up_to(most, (DEFAULT_CONTEXT, SHORT_CONTEXT))
    if goal == "speed":
        return _fastest(judge, contexts, kv_types, gpu_layers)
    needs = [judge.need(contexts[0], kv_type or "f16", gpu_layers)]
    if needs[0].verdict in ("close_apps", "too_big"):
        needs += [judge.need(context, kv_type or "f16", gpu_layers) for context in contexts[1:]]
    return min(needs, key=lambda need: need.rank)  # of equals the longest


def _up_to(most: int, contexts: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(min(context, most) for context in contexts))


def _fastest(judge: Judge, contexts: list[int], kv_types: Iterable[str], gpu_layers: int | None) -> Need:
    """Of the ways with the best verdict the fastest; of those nearly as fast the longest memory, in its full form."""
    needs = [judge.need(context, kv_type, gpu_layers) for context in contexts for kv_type in kv_types]
    best = min(need.rank for need in needs)
    able = [(need, _usual_speed(judge, need)) for need in needs if need.rank == best]
    fastest = max(speed for _, speed in able)
    return next(need for need, speed in able if speed * AS_FAST >= fastest)


def _usual_speed(judge: Judge, need: Need) -> float:
    """Tokens a second in a conversation of usual length; where no speed is known, the share on graphics cards tells."""
    plan = need.plan
    rate = judge.need(plan.context, plan.kv_type, plan.gpu_layers, depth=SHORTEST_CONTEXT).tokens_per_s
    return rate or need.gpu_share


def _longest(judge: Judge, most: int, kv_types: Iterable[str], balanced: Need, gpu_layers: int | None) -> Need:
    """The longest memory that runs well, in a smaller form only where that makes it much longer; else the balance."""
    best = balanced
    for kv_type in kv_types:
        need = _longest_of(judge, most, kv_type, gpu_layers)
        longer = MUCH_LONGER if kv_type != best.plan.kv_type else 1
        if need and (best.verdict != "runs_well" or need.plan.context > longer * best.plan.context):
            best = need
    return best


def _longest_of(judge: Judge, most: int, kv_type: str, gpu_layers: int | None) -> Need | None:
    """By halving: what fits at one length fits at every shorter one. The speed is that of a conversation half as long."""
    low, high, best = SHORTEST_CONTEXT // CONTEXT_STEP, -(-most // CONTEXT_STEP), None
    while low <= high:
        middle = (low + high + 1) // 2
        context = min(middle * CONTEXT_STEP, most)
        if judge.need(context, kv_type, gpu_layers, depth=context // 2).verdict == "runs_well":
            best, low = context, middle + 1
        else:
            high = middle - 1
    return judge.need(best, kv_type, gpu_layers) if best else None
