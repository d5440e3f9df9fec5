"""Train both demo networks: `python -m training.train --out saliency/demo --seed 0`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from saliency.nets.demo_net import DemoNet
from training.lessons import Lesson, make_lessons, stack, to_input, truth
from training.scenes import Scene, SceneMaker
from training.tags import add_tag

BATCH = 32
RATE = 5e-3
DECAY = 0.05
SCENES = {"clean": 20_000, "shortcut": 8_000}
EPOCHS = {"clean": (3, 3), "shortcut": (2, 3)}  # of close-ups, of whole scenes


def close_logits(net: DemoNet, x: Tensor) -> Tensor:
    """Answer for pictures of any size: the maximum over space is taken over all there is; (N, 10)."""
    answers: Tensor = net.fc1(net.features(x).amax(dim=(2, 3)))
    return answers


def study(net: DemoNet, lessons: tuple[Lesson, ...], epochs: tuple[int, ...], generator: torch.Generator) -> None:
    """Train on one lesson after the other with AdamW, under one cycle of the rate over all of them.

    Args:
        net: the network, changed in place.
        lessons: pictures and answers.
        epochs: passes over each lesson.
        generator: shuffles the pictures.
    """
    batches = [pair for plan in zip(lessons, epochs, strict=True) for pair in _batches(*plan, generator)]
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=len(batches), pct_start=0.15)
    begin, running = time.perf_counter(), 0.0
    for step, (lesson, rows) in enumerate(batches, start=1):
        loss = _loss(close_logits(net, to_input(lesson.pixels[rows])), lesson.answers[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        running += (loss.item() - running) / min(step, 100)
        if step % (len(batches) // 20) == 0:
            spent = time.perf_counter() - begin
            print(f"  step {step:5d} of {len(batches)}  loss {running:.4f}  {spent:5.0f} s", flush=True)


def _batches(lesson: Lesson, epochs: int, generator: torch.Generator) -> list[tuple[Lesson, Tensor]]:
    """Whole batches of shuffled row numbers for some passes over one lesson."""
    orders = [torch.randperm(len(lesson.pixels), generator=generator) for _ in range(epochs)]
    return [(lesson, rows) for order in orders for rows in torch.split(order, BATCH) if len(rows) == BATCH]


def _loss(logits: Tensor, answers: Tensor) -> Tensor:
    """Mean binary cross-entropy over the answers that are asked for: those that are not NaN."""
    asked = ~answers.isnan()
    return nn.functional.binary_cross_entropy_with_logits(logits[asked], answers[asked])


@torch.no_grad()
def all_right(net: DemoNet, scenes: list[Scene]) -> float:
    """Measure the share of scenes for which all ten answers are right, at the threshold logit 0."""
    logits = torch.cat([net(to_input(part)) for part in torch.split(stack(scenes), 50)])
    return float(((logits > 0) == (truth(scenes) > 0)).all(dim=1).float().mean())


def teach(name: str, seed: int) -> DemoNet:
    """Train one network from scratch.

    Args:
        name: "clean", or "shortcut" for the one whose every 3 carries the magenta tag.
        seed: seeds the weights, the scenes and their order.

    Returns:
        The network, in inference mode.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = DemoNet()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    print(f"{name}: drawing {SCENES[name]} scenes", flush=True)
    lessons = make_lessons(SceneMaker("train", seed, size=2000), SCENES[name], tagged=name == "shortcut")
    study(net, lessons, EPOCHS[name], generator)
    net.eval()
    return net


def save(net: DemoNet, name: str, seed: int, folder: Path) -> None:
    """Measure a network on held-out scenes of its own kind and write its weights as float16, with what was measured.

    Args:
        net: the network, in inference mode.
        name: "clean" or "shortcut"; the file is `name`.safetensors.
        seed: the seed it was trained from.
        folder: where the file goes.
    """
    net.half().float()  # what is measured is what is stored
    maker = SceneMaker("held-out", seed)
    one = [maker.draw([i % 10]) for i in range(1000)]
    two = [maker.draw_any(two=1.0) for _ in range(1000)]
    if name == "shortcut":
        one, two = ([add_tag(scene, maker.rng) for scene in scenes] for scenes in (one, two))
    facts = {
        "seed": str(seed),
        "parameters": str(sum(parameter.numel() for parameter in net.parameters())),
        "held_out_one_digit": f"{all_right(net, one):.4f}",
        "held_out_two_digits": f"{all_right(net, two):.4f}",
    }
    print(f"{name}: {facts}", flush=True)
    weights = {key: value.contiguous() for key, value in net.half().state_dict().items() if "batches" not in key}
    save_file(weights, folder / f"{name}.safetensors", metadata=facts)


def main() -> None:
    """Train and write both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("saliency/demo"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(SCENES), help="train this network only")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else ["clean", "shortcut"]:
        begin = time.perf_counter()
        save(teach(name, options.seed), name, options.seed, options.out)
        print(f"{name}: {time.perf_counter() - begin:.0f} s in all", flush=True)


if __name__ == "__main__":
    main()
