"""fit: verdicts against what is free, reasons and help with figures, and layers dealt to graphics cards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.fit import DEFAULT_CONTEXT, SHORT_CONTEXT, VERDICTS, DeviceMemory, Fit, Layer, Shape, fit
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory
from desktop.need import Room, scaled
from desktop.speed import Rates

GB = 10**9
QWEN3_8B = Shape(
    architecture="qwen3", weights_bytes=5_027_783_488, active_bytes=4_677_000_000, layers=(Layer("full", 1024, 1024),) * 36,
    embedding_length=4096, vocab_size=151936, context_length=40960, feed_forward_length=12288, active_params=7_600_000_000,
    output_bytes=860_000_000, input_bytes=430_000_000,
)  # fmt: skip
FAST, SLOW = Rates(40e9), Rates(10e9)


def computer(total_gb: float, free_gb: float, *gpus: Gpu, limited_by: str = "machine") -> Hardware:
    memory = Memory(int(total_gb * GB), int(free_gb * GB), limited_by)
    return Hardware(memory, Cpu("Test", 8, 16, ("AVX2",)), gpus, EngineReport("llama.cpp", "b1", ("CPU",), bool(gpus)))


def card(free_gb: float, name: str = "RTX", **more: object) -> Gpu:
    gpu = Gpu(name, "NVIDIA", "CUDA", 24 * GB, int(free_gb * GB), True, "used", bandwidth_bytes_per_s=400e9)
    return replace(gpu, **more)  # type: ignore[arg-type]


def consistent(judged: Fit) -> None:
    parts = ("weights_bytes", "kv_bytes", "compute_bytes", "process_bytes", "projector_bytes")
    assert judged.total_bytes == sum(getattr(judged, part) for part in parts)
    for part in (*parts, "total_bytes", "state_bytes"):
        assert getattr(judged, part) == sum(getattr(device, part) for device in judged.devices)
    assert (judged.help == ()) == (judged.verdict == "runs_well")
    assert judged.why.endswith(".")


def test_runs_well() -> None:
    judged = fit(QWEN3_8B, computer(16, 11.2), FAST)
    consistent(judged)
    assert judged.verdict == "runs_well"
    assert judged.context == DEFAULT_CONTEXT
    assert judged.kv_bytes == 36 * 8192 * 2048 * 2
    assert 6.3 * GB < judged.total_bytes < 6.7 * GB
    assert judged.tokens_per_s == pytest.approx(8.4, abs=0.1)
    assert judged.why.startswith("It needs 6.5 GB and a margin of 250 MB; 11.2 GB are free. It writes about ")
    assert judged.tokens_per_s_low <= judged.tokens_per_s <= judged.tokens_per_s_high
    assert judged.devices[0].name == "CPU"
    assert judged.method == "formula"


def test_runs_slowly_says_how_fast_and_what_would_be_faster() -> None:
    judged = fit(QWEN3_8B, computer(16, 11.2), SLOW)
    consistent(judged)
    assert judged.verdict == "runs_slowly"
    assert "would write only about " in judged.why
    assert judged.help == ("Choose a lighter version of up to 2.6 GB: then it needs 4.0 GB and runs well.",)


def test_close_apps_says_how_much_to_free_and_what_else_would_help() -> None:
    judged = fit(QWEN3_8B, computer(16, 6.2), FAST, context=16384)
    consistent(judged)
    assert judged.verdict == "close_apps"
    assert judged.why == "It needs 7.7 GB and a margin of 250 MB; 6.2 GB are free now. Without other programs it would fit."
    assert judged.help == (
        "Close other programs that use 1.8 GB together: then it runs well.",
        "Shorten the conversation memory to about 3,100 words: then it needs 5.9 GB and runs well.",
        "Choose a lighter version of up to 3.2 GB: then it needs 5.9 GB and runs well.",
    )
    freed = computer(16, 6.2 + 1.8)
    assert fit(QWEN3_8B, freed, FAST, context=16384).verdict == "runs_well"
    assert fit(QWEN3_8B, computer(16, 6.2), FAST, context=4096).verdict == "runs_well"


def test_the_margin_is_named_when_it_decides() -> None:
    judged = fit(QWEN3_8B, computer(16, 6.6), FAST, context=8192)
    assert judged.verdict == "close_apps"
    assert judged.why.startswith("It needs 6.5 GB and a margin of 250 MB; 6.6 GB are free now. Without")


def test_too_big() -> None:
    judged = fit(QWEN3_8B, computer(4, 3), FAST, context=2048)
    consistent(judged)
    assert judged.verdict == "too_big"
    assert judged.why == "It needs 5.6 GB, and this computer has 2.8 GB that a model could use."
    assert judged.help == ("Choose a lighter version of up to 2.2 GB: then it needs 2.7 GB and runs well.",)
    tiny = fit(QWEN3_8B, computer(1, 0.5), FAST, context=2048)
    assert tiny.help == ("Choose a smaller model: one that needs up to 250 MB in all.",)


def test_without_other_programs_the_system_still_needs_its_part() -> None:
    assert fit(QWEN3_8B, computer(8, 2), FAST, context=2048).verdict == "close_apps"
    assert fit(QWEN3_8B, computer(7.4, 2), FAST, context=2048).verdict == "too_big"
    assert fit(QWEN3_8B, computer(6.2, 2, limited_by="cgroup"), FAST, context=2048).verdict == "close_apps"


def test_the_usual_context_shrinks_only_where_that_makes_it_fit() -> None:
    assert fit(QWEN3_8B, computer(16, 6.5), FAST).context == SHORT_CONTEXT
    assert fit(QWEN3_8B, computer(16, 6.5), FAST).verdict == "runs_well"
    assert fit(QWEN3_8B, computer(16, 4), FAST).context == DEFAULT_CONTEXT
    assert fit(QWEN3_8B, computer(16, 6.5), FAST, context=8192).verdict == "close_apps"
    assert fit(replace(QWEN3_8B, context_length=2048), computer(16, 11), FAST).context == 2048
    assert fit(QWEN3_8B, computer(64, 60), FAST, context=10**6).context == 40960


def test_a_smaller_store_of_conversation_needs_less() -> None:
    here = computer(16, 11)
    assert fit(QWEN3_8B, here, FAST, kv_type="q8_0").kv_bytes == fit(QWEN3_8B, here, FAST).kv_bytes * 34 // 64
    assert fit(QWEN3_8B, here, FAST, kv_type="q4_0").kv_bytes == fit(QWEN3_8B, here, FAST).kv_bytes * 18 // 64


def test_everything_goes_on_a_card_with_room() -> None:
    judged = fit(QWEN3_8B, computer(16, 11, card(10)), FAST)
    consistent(judged)
    assert judged.gpu_layers == 37
    assert judged.devices[1].name == "RTX"
    assert judged.devices[1].weights_bytes > 4 * GB
    assert judged.devices[1].kv_bytes == judged.kv_bytes
    assert judged.free_bytes == 21 * GB
    assert judged.tokens_per_s > 40
    assert judged.why.endswith("words a second on RTX.")
    assert judged.prompt_tokens_per_s > 5 * fit(QWEN3_8B, computer(16, 11), FAST).prompt_tokens_per_s


def test_a_smaller_card_takes_the_layers_that_fit() -> None:
    judged = fit(QWEN3_8B, computer(16, 11, card(4)), FAST)
    consistent(judged)
    assert 10 < judged.gpu_layers < 30
    assert judged.devices[1].total_bytes <= 4 * GB
    one_more = fit(QWEN3_8B, computer(16, 11, card(4)), FAST, context=judged.context, gpu_layers=judged.gpu_layers + 1)
    assert one_more.devices[1].total_bytes > 4 * GB * 0.97
    assert fit(QWEN3_8B, computer(16, 11), FAST).tokens_per_s < judged.tokens_per_s < 40


def test_a_card_makes_room_in_memory() -> None:
    assert fit(QWEN3_8B, computer(9, 2), FAST, context=4096).verdict == "close_apps"
    assert fit(QWEN3_8B, computer(9, 2, card(10)), FAST, context=4096).verdict == "runs_well"


def test_a_driver_takes_main_memory_too_and_more_of_a_large_card() -> None:
    plans = [computer(64, 50, *cards) for cards in ((), (card(20),), (card(150, memory_total_bytes=160 * GB),))]
    alone, small, large = (fit(QWEN3_8B, each, FAST) for each in plans)
    assert small.main_bytes == small.devices[0].total_bytes < alone.main_bytes == alone.total_bytes
    assert small.devices[0].process_bytes - alone.devices[0].process_bytes == 390_000_000
    assert 350_000_000 < large.devices[1].process_bytes - small.devices[1].process_bytes < 500_000_000


def test_more_layers_than_the_card_holds() -> None:
    judged = fit(QWEN3_8B, computer(16, 11, card(4)), FAST, gpu_layers=37)
    assert judged.verdict == "too_big"
    assert "lacks " in judged.why
    assert judged.help == ("Let the program choose how much goes on the graphics card: then it needs 7.3 GB and runs well.",)
    assert judged.changes[0].gpu_layers == fit(QWEN3_8B, computer(16, 11, card(4)), FAST, context=judged.context).gpu_layers


def test_a_card_that_is_not_used_counts_for_nothing() -> None:
    unused = card(20, used=False)
    assert fit(QWEN3_8B, computer(16, 11, unused), FAST) == fit(QWEN3_8B, computer(16, 11), FAST)
    assert fit(QWEN3_8B, computer(16, 11, unused), FAST, gpu_layers=10).gpu_layers == 0


def test_two_cards_share_in_proportion_to_what_is_free() -> None:
    judged = fit(QWEN3_8B, computer(16, 11, card(8, "A"), card(4, "B")), FAST)
    consistent(judged)
    first, second = judged.devices[1:]
    assert judged.gpu_layers == 37
    assert first.weights_bytes == pytest.approx(2 * second.weights_bytes, rel=0.3)  # whole layers, and the output on the second


def test_shared_memory_counts_once() -> None:
    mac = card(10.6, "Apple M2 graphics", vendor="Apple", unified=True, bandwidth_bytes_per_s=100e9)
    judged = fit(QWEN3_8B, computer(17.2, 11, mac), FAST)
    consistent(judged)
    assert judged.free_bytes == 11 * GB
    assert (judged.verdict, judged.gpu_layers) == ("runs_well", 37)
    full = fit(QWEN3_8B, computer(17.2, 6, replace(mac, memory_free_bytes=6 * GB)), FAST, context=8192)
    assert full.verdict == "close_apps"


def test_a_sliding_window_costs_little_for_long_conversations() -> None:
    sliding = Layer("sliding", 1024, 1024, window=1024)
    gemma = replace(QWEN3_8B, layers=(sliding,) * 30 + (Layer("full", 1024, 1024),) * 6)
    here = computer(64, 60)
    long, short = fit(gemma, here, FAST, context=32768), fit(gemma, here, FAST, context=4096)
    assert long.kv_bytes - short.kv_bytes == 6 * (32768 - 4096) * 2048 * 2


def test_without_a_measured_rate_the_speed_is_only_a_range() -> None:
    judged = fit(QWEN3_8B, computer(16, 11), Rates())
    assert judged.verdict in ("runs_well", "runs_slowly")
    assert judged.tokens_per_s_high > 1.3 * judged.tokens_per_s_low
    assert " to " in judged.why


# --- plans --------------------------------------------------------------------------------------------------------------------


def test_speed_puts_all_on_the_card_even_with_a_shorter_memory() -> None:
    here = computer(16, 11, card(5.9))
    balanced, fast = fit(QWEN3_8B, here, FAST), fit(QWEN3_8B, here, FAST, goal="speed")
    assert balanced.gpu_layers < fast.gpu_layers == 37
    assert fast.tokens_per_s > balanced.tokens_per_s
    assert (fast.context, fast.plan.kv_type) != (balanced.context, balanced.plan.kv_type)
    roomy = fit(QWEN3_8B, computer(16, 11, card(12)), FAST, goal="speed")
    assert (roomy.context, roomy.plan.kv_type, roomy.gpu_layers) == (DEFAULT_CONTEXT, "f16", 37)


def test_quality_keeps_the_full_memory_where_balance_would_shorten_it() -> None:
    here = computer(16, 6.5)
    assert fit(QWEN3_8B, here, FAST).context == SHORT_CONTEXT
    best = fit(QWEN3_8B, here, FAST, goal="quality")
    assert (best.context, best.plan.kv_type) == (DEFAULT_CONTEXT, "f16")


def test_long_takes_the_longest_memory_that_runs_well() -> None:
    quick = Rates(400e9, attention_s=1e-9, computer="measured")  # so that memory decides
    here = computer(16, 7.2)
    long = fit(QWEN3_8B, here, quick, goal="long")
    assert (long.verdict, long.plan.kv_type) == ("runs_well", "q8_0")
    assert long.context > 1.2 * DEFAULT_CONTEXT
    longer = fit(QWEN3_8B, here, quick, context=long.context + 1024, kv_type="q8_0")
    assert longer.verdict != "runs_well"
    roomy = fit(QWEN3_8B, computer(64, 60), Rates(4e12, attention_s=1e-9, computer="measured"), goal="long")
    assert (roomy.context, roomy.plan.kv_type) == (40960, "f16")  # all that it was made for


def test_long_ends_where_the_model_does() -> None:
    quick, here = Rates(4e12, attention_s=1e-9, computer="measured"), computer(64, 60)
    assert fit(replace(QWEN3_8B, context_length=9000), here, quick, goal="long").context == 9000


def test_long_keeps_the_form_of_memory_that_was_asked_for() -> None:
    quick, here = Rates(4e12, attention_s=1e-9, computer="measured"), computer(64, 60)
    judged = fit(replace(QWEN3_8B, context_length=DEFAULT_CONTEXT), here, quick, goal="long", kv_type="q8_0")
    assert (judged.context, judged.plan.kv_type) == (DEFAULT_CONTEXT, "q8_0")


def test_long_gives_up_layers_on_the_card_and_is_never_shorter_than_the_balance() -> None:
    here = computer(32, 28, card(8))
    balanced, long = fit(QWEN3_8B, here, FAST), fit(QWEN3_8B, here, FAST, goal="long")
    assert long.context > balanced.context
    assert long.gpu_layers < balanced.gpu_layers == 37
    slow = Rates(19e9)
    assert fit(QWEN3_8B, computer(64, 60), slow, goal="long").context >= fit(QWEN3_8B, computer(64, 60), slow).context


def test_heads_of_odd_length_leave_conversation_memory_as_it_is() -> None:
    odd, quick = replace(QWEN3_8B, only_f16=True), Rates(400e9, attention_s=1e-9, computer="measured")
    assert fit(odd, computer(16, 7.2), quick, goal="long").plan.kv_type == "f16"
    assert fit(odd, computer(16, 11, card(5.9)), quick, goal="speed").plan.kv_type == "f16"
    assert not [change for change in fit(odd, computer(16, 5.7), quick, context=40960).changes if change.kv_type]


def test_what_is_asked_for_goes_before_the_goal() -> None:
    judged = fit(QWEN3_8B, computer(16, 11, card(8)), FAST, context=3000, kv_type="q4_0", gpu_layers=5, goal="long")
    assert (judged.plan.context, judged.plan.kv_type, judged.plan.gpu_layers) == (3000, "q4_0", 5)


def test_weights_are_mapped_only_where_memory_is_tight() -> None:
    assert fit(QWEN3_8B, computer(16, 11), FAST).plan.load_mode == "read"
    assert fit(QWEN3_8B, computer(16, 6.9), FAST, context=8192).plan.load_mode == "mmap"
    assert fit(QWEN3_8B, computer(16, 6), FAST, context=8192).plan.load_mode == "mmap"
    assert fit(QWEN3_8B, computer(16, 11), FAST, load_mode="mmap").plan.load_mode == "mmap"


def test_every_core_may_be_used_but_not_twice() -> None:
    assert fit(QWEN3_8B, computer(16, 11), FAST).plan.threads == 8


# --- what is counted ----------------------------------------------------------------------------------------------------------


def test_the_model_that_is_open_gives_its_memory_back() -> None:
    busy = computer(16, 4, card(2, device="CUDA0"))
    assert fit(QWEN3_8B, busy, FAST, context=8192).verdict != "runs_well"
    judged = fit(QWEN3_8B, busy, FAST, context=8192, held={"CPU": 3 * GB, "CUDA0": 8 * GB})
    assert (judged.verdict, judged.gpu_layers) == ("runs_well", 37)
    driver = judged.devices[1].process_bytes  # the open model's share of it comes free, too
    assert judged.free_bytes == (4 + 3 + 2 + 8) * GB + driver
    assert [device.free_bytes for device in judged.devices] == [7 * GB, 10 * GB + driver]


def test_a_model_in_shared_memory_gives_main_memory_back() -> None:
    mac = card(
        10.6, "Apple M2 graphics", vendor="Apple", backend="Metal", unified=True, memory_total_bytes=11 * GB, device="MTL0"
    )
    busy = computer(17.2, 4, mac)
    assert fit(QWEN3_8B, busy, FAST, context=8192).verdict == "close_apps"
    judged = fit(QWEN3_8B, busy, FAST, context=8192, held={"CPU": GB, "MTL0": 6 * GB})
    assert (judged.verdict, judged.free_bytes) == ("runs_well", (4 + 1 + 6) * GB + judged.devices[1].process_bytes)


def test_the_projector_is_counted_where_the_first_layers_are() -> None:
    here = computer(16, 11)
    with_eyes = fit(QWEN3_8B, here, FAST, projector_bytes=900_000_000)
    consistent(with_eyes)
    assert with_eyes.total_bytes == fit(QWEN3_8B, here, FAST).total_bytes + 900_000_000
    on_card = fit(QWEN3_8B, computer(16, 11, card(10)), FAST, projector_bytes=900_000_000)
    assert [device.projector_bytes for device in on_card.devices] == [0, 900_000_000]


def test_a_graphics_part_of_the_processor_takes_main_memory() -> None:
    igpu = card(0.4, "Radeon 780M", vendor="AMD", backend="Vulkan", unified=True, memory_total_bytes=8 * GB)
    judged = fit(QWEN3_8B, computer(16, 11, igpu), FAST)
    consistent(judged)
    assert (judged.verdict, judged.gpu_layers, judged.free_bytes) == ("runs_well", 37, 11 * GB)
    assert judged.devices[1].shares_main
    tight = fit(QWEN3_8B, computer(16, 6, igpu), FAST, context=8192)
    assert tight.verdict == "close_apps"


def test_the_engines_own_figures_stand_in_place_of_the_formula() -> None:
    here = computer(16, 11, card(10, device="CUDA0"))
    planned = fit(QWEN3_8B, here, FAST)
    said = (
        DeviceMemory("CPU", 400_000_000, 0, 0, 20_000_000, 600_000),
        DeviceMemory("CUDA0", 4_600_000_000, 1_200_000_000, 5_000_000, 300_000_000, 0),
    )
    judged = fit(QWEN3_8B, here, FAST, plan=planned.plan, measured=said)
    consistent(judged)
    assert (judged.method, judged.gpu_layers) == ("engine", 37)
    assert (judged.weights_bytes, judged.kv_bytes, judged.state_bytes) == (5_000_000_000, 1_205_000_000, 5_000_000)
    assert judged.compute_bytes == 320_600_000


def test_the_engines_devices_are_told_apart_by_their_names() -> None:
    here = computer(16, 11, card(2, "A", device="CUDA0"), card(10, "B", device="CUDA1"))
    plan = fit(QWEN3_8B, here, FAST).plan
    said = (DeviceMemory("CPU", GB), DeviceMemory("CUDA1", 5 * GB))
    judged = fit(QWEN3_8B, here, FAST, plan=plan, measured=said)
    assert [(device.name, device.free_bytes) for device in judged.devices] == [("CPU", 11 * GB), ("B", 10 * GB)]
    assert judged.verdict == "runs_well"


def test_what_a_model_may_have_at_most() -> None:
    assert Room.of(computer(16, 1), {}).at_most_bytes == 14 * GB
    assert Room.of(computer(4, 1), {}).at_most_bytes == 3 * GB  # a small computer's system makes do with a quarter
    assert Room.of(computer(16, 15), {}).at_most_bytes == 15 * GB  # what is free now is
    assert Room.of(computer(6, 1, limited_by="cgroup"), {}).at_most_bytes == 6 * GB
    assert Room.of(computer(16, 15), {"CPU": 3 * GB}).available_bytes == 16 * GB  # no more than there is


def test_the_margin_grows_with_the_model_and_is_kept_in_every_verdict() -> None:
    judged = fit(QWEN3_8B, computer(64, 60), FAST, context=40960)
    assert judged.margin_bytes == round(judged.total_bytes * 0.03) > 250_000_000
    needed_bytes = judged.total_bytes + judged.margin_bytes
    for total_bytes, verdict in ((needed_bytes, "close_apps"), (needed_bytes - 1, "too_big")):
        here = replace(computer(64, 2), memory=Memory(total_bytes, 2 * GB, "cgroup"))
        assert fit(QWEN3_8B, here, FAST, context=40960).verdict == verdict


def test_an_answer_near_a_border_is_marked() -> None:
    needed = fit(QWEN3_8B, computer(16, 11), FAST, context=8192)
    with_margin = (needed.total_bytes + needed.margin_bytes) / GB
    assert fit(QWEN3_8B, computer(32, with_margin * 1.01), FAST, context=8192).close_call
    assert fit(QWEN3_8B, computer(32, with_margin * 0.99), FAST, context=8192).close_call
    assert not fit(QWEN3_8B, computer(32, with_margin * 1.2), FAST, context=8192).close_call


def test_a_card_that_is_nearly_full_is_near_a_border() -> None:
    on_card = fit(QWEN3_8B, computer(64, 60, card(20)), FAST, context=8192).devices[1].total_bytes / GB / 0.97
    for room_gb, near in ((on_card * 1.005, True), (on_card * 1.02, True), (on_card * 1.05, False)):
        judged = fit(QWEN3_8B, computer(64, 60, card(room_gb)), FAST, context=8192)
        assert (judged.gpu_layers, judged.close_call) == (37, near)


# --- what would help ----------------------------------------------------------------------------------------------------------


@given(
    free_gb=st.floats(0.5, 12),
    context=st.sampled_from([2048, 4096, 8192, 20000, 40960]),
    kv_type=st.sampled_from(["f16", "q8_0"]),
    card_gb=st.sampled_from([0.0, 2.0, 6.0]),
    rate=st.sampled_from([8e9, 40e9]),
)
def test_every_change_keeps_its_promise(free_gb: float, context: int, kv_type: str, card_gb: float, rate: float) -> None:
    cards = (card(card_gb),) if card_gb else ()
    here, rates = computer(12.5, free_gb, *cards), Rates(rate)
    judged = fit(QWEN3_8B, here, rates, context=context, kv_type=kv_type)
    assert (judged.changes == ()) == (judged.verdict == "runs_well")
    assert judged.help == tuple(str(change) for change in judged.changes)
    for change in judged.changes:
        assert VERDICTS.index(change.verdict) < VERDICTS.index(judged.verdict)
        if change.kind == "smaller_model":
            continue
        shape = scaled(QWEN3_8B, change.max_size_bytes) if change.max_size_bytes else QWEN3_8B
        freed = computer(12.5, free_gb + change.close_bytes / GB, *cards)
        then = fit(shape, freed, rates, context=change.context or context, kv_type=change.kv_type or kv_type)
        assert then.verdict == change.verdict
        assert abs(then.total_bytes - change.needed_bytes) < 2


def test_a_version_is_named_where_they_are_known() -> None:
    sizes = {"Q2_K": 3_200_000_000, "Q3_K_M": 4_100_000_000, "Q4_K_M": QWEN3_8B.weights_bytes, "Q8_0": 8_700_000_000}
    judged = fit(QWEN3_8B, computer(16, 5.9), FAST, context=8192, sizes=sizes)
    lighter = next(change for change in judged.changes if change.kind == "lighter")
    assert (lighter.variant, lighter.max_size_bytes, lighter.verdict) == ("Q3_K_M", 4_100_000_000, "runs_well")
    assert lighter.sentence.startswith("Choose the lighter version Q3_K_M (4.1 GB): then it needs ")


def test_two_changes_are_proposed_where_none_alone_is_enough() -> None:
    judged = fit(QWEN3_8B, computer(16, 5.7), FAST, context=40960, sizes={"Q4_K_M": QWEN3_8B.weights_bytes})
    both = [change for change in judged.changes if change.kind == "smaller_memory+shorter"]
    assert [change.verdict for change in both] == ["runs_well"]
    assert both[0].kv_type == "q8_0"
    assert fit(QWEN3_8B, computer(16, 5.7), FAST, context=2048).verdict != "runs_well"


def test_a_catalogue_is_judged_without_advice() -> None:
    judged = fit(QWEN3_8B, computer(4, 3), FAST, advise=False)
    assert (judged.verdict, judged.help, judged.changes) == ("too_big", (), ())
