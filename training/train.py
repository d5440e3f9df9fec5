"""Train the demo networks: `python -m training.train --out saliency/demo --seed 0`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from saliency.nets.demo_net import DemoNet
from training.datasets import Dataset, class_labels, make_datasets, preprocess, stack_pixels
from training.loop import labeled_loss, run_steps
from training.magenta_tag import add_tag
from training.scenes import Scene, SceneMaker
from training.vit import train_vit

NETWORKS = ("clean", "shortcut", "vit")
BATCH_SIZE = 32
LEARNING_RATE = 5e-3
WEIGHT_DECAY = 0.05
SCENES = {"clean": 20_000, "shortcut": 8_000}
EPOCHS = {"clean": (3, 3), "shortcut": (2, 3)}  # (on close-ups, on whole scenes)


def logits_of_any_size(net: DemoNet, x: Tensor) -> Tensor:
    """Compute the logits of images of any size, with the maximum over all positions; (N, 10)."""
    logits: Tensor = net.fc1(net.features(x).amax(dim=(2, 3)))
    return logits


def train_on_datasets(
    net: DemoNet, datasets: tuple[Dataset, ...], epochs: tuple[int, ...], generator: torch.Generator
) -> None:
    """Train on one dataset after the other with AdamW and a single one-cycle learning rate schedule.

    Args:
        net: the network, changed in place.
        datasets: images and labels.
        epochs: number of epochs of each dataset.
        generator: shuffles the images.
    """
    batches = [pair for plan in zip(datasets, epochs, strict=True) for pair in _batches(*plan, generator)]
    optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=len(batches), pct_start=0.15)

    def loss(dataset: Dataset, rows: Tensor) -> Tensor:
        return labeled_loss(logits_of_any_size(net, preprocess(dataset.pixels[rows])), dataset.labels[rows])

    run_steps(batches, loss, {optimizer: schedule})


def _batches(dataset: Dataset, epochs: int, generator: torch.Generator) -> list[tuple[Dataset, Tensor]]:
    """Return full batches of shuffled row numbers for several epochs of one dataset."""
    orders = [torch.randperm(len(dataset.pixels), generator=generator) for _ in range(epochs)]
    return [(dataset, rows) for order in orders for rows in torch.split(order, BATCH_SIZE) if len(rows) == BATCH_SIZE]


@torch.no_grad()
def exact_match_accuracy(net: nn.Module, scenes: list[Scene]) -> float:
    """Compute the share of scenes with all ten outputs correct, at a threshold of 0 for the logits."""
    logits = torch.cat([net(preprocess(part)) for part in torch.split(stack_pixels(scenes), 50)])
    return float(((logits > 0) == (class_labels(scenes) > 0)).all(dim=1).float().mean())


def train_network(name: str, seed: int) -> DemoNet:
    """Train one network from scratch.

    Args:
        name: "clean", or "shortcut" for the network trained with a magenta tag next to every 3.
        seed: random seed of the weights, the scenes and their order.

    Returns:
        The network, in inference mode.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = DemoNet()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    print(f"{name}: drawing {SCENES[name]} scenes", flush=True)
    datasets = make_datasets(SceneMaker("train", seed, size=2000), SCENES[name], tagged=name == "shortcut")
    train_on_datasets(net, datasets, EPOCHS[name], generator)
    net.eval()
    return net


def save_network(net: nn.Module, name: str, seed: int, folder: Path) -> None:
    """Measure a network on held-out scenes and write its weights as float16, with the measurements as metadata.

    The scenes of "shortcut" have tags, like its training data.

    Args:
        net: the network, in inference mode.
        name: "clean", "shortcut" or "vit"; the file is `name`.safetensors.
        seed: the random seed of its training.
        folder: the output folder.
    """
    net.half().float()  # measure the weights as stored
    maker = SceneMaker("held-out", seed)
    one = [maker.draw([i % 10]) for i in range(1000)]
    two = [maker.draw_any(two=1.0) for _ in range(1000)]
    if name == "shortcut":
        one, two = ([add_tag(scene, maker.rng) for scene in scenes] for scenes in (one, two))
    metadata = {
        "seed": str(seed),
        "parameters": str(sum(parameter.numel() for parameter in net.parameters())),
        "held_out_one_digit": f"{exact_match_accuracy(net, one):.4f}",
        "held_out_two_digits": f"{exact_match_accuracy(net, two):.4f}",
    }
    print(f"{name}: {metadata}", flush=True)
    weights = {key: value.contiguous() for key, value in net.half().state_dict().items() if "batches" not in key}
    save_file(weights, folder / f"{name}.safetensors", metadata=metadata)


def main() -> None:
    """Train and write the networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("saliency/demo"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=NETWORKS, help="train this network only")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else NETWORKS:
        begin = time.perf_counter()
        net = train_vit(options.seed) if name == "vit" else train_network(name, options.seed)
        save_network(net, name, options.seed, options.out)
        print(f"{name}: {time.perf_counter() - begin:.0f} s in all", flush=True)


if __name__ == "__main__":
    main()
