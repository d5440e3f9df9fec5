"""Train the vision transformer: on small views of scenes first, then on whole scenes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from saliency.nets.demo_vit import GRID, PATCH, WIDTH, DemoViT
from training.datasets import preprocess
from training.loop import labeled_loss, run_steps
from training.patch_scenes import PatchDataset, make_patch_datasets, shuffled_batches
from training.scenes import SIDE, SceneMaker

SCENES = 20_000
BATCH_SIZE = 64
MATRIX_RATE, OTHER_RATE = 4e-3, 2e-3  # learning rates of the blocks' matrices (Muon) and of all else (AdamW)
WEIGHT_DECAY = 0.05
WARM_UP = 200  # number of steps until a stage reaches its learning rates
PATCH_WEIGHT = 2.0  # of the patches' loss, beside that of the class token


@dataclass(frozen=True)
class Stage:
    """A stage of training.

    Args:
        side: side of its views, in pixels.
        epochs: how often all views are shown.
        rate: factor of the learning rates.
    """

    side: int
    epochs: int
    rate: float = 1.0


STAGES = (Stage(48, 5), Stage(SIDE, 11, rate=0.75))


def initial_network() -> DemoViT:
    """Build the network with sines and cosines of the row and column as position embeddings."""
    net = DemoViT()
    count = WIDTH // 4
    frequencies = 1.5 / 10 ** (torch.arange(count) / count)
    rows, columns = torch.meshgrid(*(torch.arange(float(side)) for side in GRID), indexing="ij")
    angles = [axis.flatten()[:, None] * frequencies for axis in (rows, columns)]
    with torch.no_grad():
        net.positions[0, 1:] = 0.5 * torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], dim=1)
        net.class_token.normal_(0, 0.02)
    return net


def train_stage(net: DemoViT, stage: Stage, dataset: PatchDataset, rng: np.random.Generator) -> None:
    """Train on one dataset, with a warm-up and a cosine schedule of the learning rates.

    Args:
        net: the network, changed in place.
        stage: the stage.
        dataset: its views.
        rng: chooses where the views are placed in the scene, which selects the position embeddings.
    """
    batches = [(dataset, rows) for rows in shuffled_batches(dataset, stage.epochs, BATCH_SIZE)]

    def factor(done: int) -> float:
        step = done + 1
        return stage.rate * min(1.0, step / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / len(batches)))

    def loss(dataset: PatchDataset, rows: Tensor) -> Tensor:
        x = vary_colors(preprocess(dataset.pixels[rows]))
        shift = [int(rng.integers(side - x.shape[-1] // PATCH + 1)) for side in GRID]
        tokens = token_features(net, x, shift)
        whole, patches = net.fc1(tokens[:, 0]), dataset.patches[rows].long().flatten(1)
        labeled = patches >= 0
        covering = nn.functional.one_hot(patches[labeled], 11)[:, 1:].float()
        by_patch = nn.functional.binary_cross_entropy_with_logits(net.fc1(tokens[:, 1:])[labeled], covering)
        return labeled_loss(whole, dataset.labels[rows]) + PATCH_WEIGHT * by_patch

    run_steps(batches, loss, {optimizer: LambdaLR(optimizer, factor) for optimizer in _optimizers(net)})


def vary_colors(x: Tensor) -> Tensor:
    """Permute the color channels of a batch, and invert half of its images at random."""
    return x[:, torch.randperm(3)] * (torch.randint(0, 2, (len(x), 1, 1, 1)) * 2 - 1)


def token_features(net: DemoViT, x: Tensor, shift: list[int]) -> Tensor:
    """Compute the normalized tokens of views, placed in the scene.

    Args:
        net: the network.
        x: views (N, 3, side, side).
        shift: row and column of the view's first patch in the scene's 12 x 12 patches.

    Returns:
        The class token, then the patches: (N, 1 + patches, 64).
    """
    row, column, count = *shift, x.shape[-1] // PATCH
    positions = net.positions[:, 1:].unflatten(1, GRID)[:, row : row + count, column : column + count].flatten(1, 2)
    tokens = net.patches(x).flatten(2).transpose(1, 2)
    tokens = torch.cat([net.class_token.expand(len(tokens), -1, -1), tokens], dim=1)
    features: Tensor = net.norm(net.blocks(tokens + torch.cat([net.positions[:, :1], positions], dim=1)))
    return features


def _optimizers(net: DemoViT) -> list[Optimizer]:
    """Return Muon for the matrices of the blocks, and AdamW for all else; the gradient's norm is limited to 1."""
    named = dict(net.named_parameters())
    matrices = [named[name] for name in named if name.startswith("blocks") and named[name].ndim == 2]
    decaying = [named["patches.weight"], named["fc1.weight"]]
    chosen = {id(one) for one in (*matrices, *decaying)}
    others = [one for one in named.values() if id(one) not in chosen]
    muon = torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=WEIGHT_DECAY, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    groups = [{"params": decaying, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]

    def limit(*_: object) -> None:
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)

    muon.register_step_pre_hook(limit)
    return [muon, torch.optim.AdamW(groups, lr=OTHER_RATE, betas=(0.9, 0.98))]


def train_vit(seed: int) -> DemoViT:
    """Train the network from scratch; each stage has its own random seed."""
    print(f"vit: drawing {SCENES} scenes", flush=True)
    datasets = make_patch_datasets(SceneMaker("train", seed, size=2000), SCENES)
    torch.manual_seed(seed)
    net = initial_network()
    for i, stage in enumerate(STAGES):
        if i:
            torch.manual_seed(seed + i)
        print(f"vit: views of {stage.side} pixels", flush=True)
        train_stage(net, stage, datasets[stage.side], np.random.default_rng(seed + i))
    return net.eval()
