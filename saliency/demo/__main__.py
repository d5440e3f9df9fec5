"""``python -m saliency.demo``: saliency maps of the bundled networks, as images and as a table."""

import argparse
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from saliency import nets
from saliency.cli.run_log import print_message
from saliency.core.errors import ModelError, ZeroGradientWarning
from saliency.demo.gallery import draw_gallery
from saliency.demo.gallery_methods import (
    GALLERY_SECTIONS,
    METHODS,
    TRANSFORMER_METHODS,
    TRANSFORMER_SECTIONS,
)
from saliency.demo.localization import (
    SceneTarget,
    compute_maps,
    control_maps,
    localization_scores,
    localization_table,
    scene_targets,
    target_logits,
)
from saliency.demo.scenes import TAG, Scene, load_scenes
from saliency.io.atomic_write import atomic_write

DESCRIPTION = """Compute saliency maps of the bundled networks: images with the maps of every
method, and tables of how well the maps find the digits."""
EXAMPLE = """example:
  python -m saliency.demo --out demo
(about three minutes on two cores; writes gallery.png, transformer.png,
shortcut.png, figures.md)

exit status: 0 success, 2 invalid arguments or missing framework"""
GALLERY_TARGETS = (("scene_17", 3), ("scene_17", 8), ("scene_12", 7))
PLAIN_SCENES = 24  # number of scenes without a tag, which come first


def main(argv: Sequence[str] | None = None) -> int:
    """Write the images and the table, and print their paths.

    Args:
        argv: command-line arguments; None uses the process's arguments.

    Returns:
        Exit status: 0, or 2 if the framework is not installed.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.seed < 0:
        parser.error(f"--seed (={options.seed}) must be 0 or more")
    try:
        clean, transformer, shortcut = (
            nets.load(name, framework=options.framework) for name in ("DemoNet", "DemoViT", "ShortcutNet")
        )
    except (ModelError, ImportError) as error:  # ImportError: Keras without its backend
        print_message(f"{parser.prog}: error: {error}")
        return 2
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out ({options.out}) must be a folder: {error.strerror}")
    scenes = load_scenes()
    tables = []
    for network, sections, image in ((clean, GALLERY_SECTIONS, "gallery"), (transformer, TRANSFORMER_SECTIONS, "transformer")):
        random = nets.untrained(options.seed, options.framework, network.name) if options.random_weights else None
        figure, table = _compare_methods(network, sections, scenes[:PLAIN_SCENES], options.seed, random)
        _save_figure(figure, options.out / f"{image}.png")
        tables.append(f"## {network.name}\n\n{table}")
    _save_tables("\n".join(tables), options.out / "figures.md")
    _compare_networks(clean, shortcut, scenes[PLAIN_SCENES:], options.out, options.seed)
    return 0


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m saliency.demo", None, DESCRIPTION, EXAMPLE, formatter_class=plain)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="output folder (default: demo)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument(
        "--framework", choices=tuple(nets.FRAMEWORKS), default="torch", help="framework of the networks (default: torch)"
    )
    parser.add_argument("--random-weights", action="store_true", help="include a network with random weights in the table")
    return parser


def _compare_methods(
    network: nets.Network, sections: Mapping[str, Iterable[str]], scenes: Sequence[Scene], seed: int, random: Any
) -> tuple[Figure, str]:
    """Draw and measure every method on a network; also measure the untrained model, if given."""
    methods = METHODS if network.name == "DemoNet" else TRANSFORMER_METHODS
    names, targets = [name for section in sections.values() for name in section], scene_targets(scenes)
    print(
        f"{network.name}: computing {len(names)} maps for each of {len(targets)} digits in {len(scenes)} scenes ...",
        flush=True,
    )
    maps = compute_maps(network.model, network, targets, names, seed, methods)
    rows = [i for i, target in enumerate(targets) if (target.scene.name, target.digit) in GALLERY_TARGETS]
    logits = target_logits(network, targets)
    labels = [f"digit {targets[i].digit}\nlogit {logits[i]:+.1f}" for i in rows]
    drawn = {title: {name: maps[name][rows] for name in section} for title, section in sections.items()}
    heading = "Saliency maps for one digit of a scene: share of the map on the digit; ★ = the maximum is on the digit"
    columns = {"": {**maps, **control_maps(network, targets, seed)}}
    if random is not None:
        with warnings.catch_warnings():  # zero gradients are expected of an untrained network
            warnings.simplefilter("ignore", ZeroGradientWarning)
            columns["random weights"] = compute_maps(random, network, targets, names, seed, methods)
    table = localization_table(columns, [target.object_mask for target in targets])
    return draw_gallery([targets[i] for i in rows], labels, drawn, heading), table


def _save_tables(tables: str, path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(tables, encoding="utf-8")
    print(f"\n{tables}\n{path}")


def _compare_networks(clean: nets.Network, shortcut: nets.Network, scenes: Sequence[Scene], out: Path, seed: int) -> None:
    """Draw maps, on the same scenes, of a network that recognizes digits and one that learned a magenta tag next to each 3."""
    targets = [SceneTarget(scene, 3, scene.mask(3)) for scene in scenes[:6]]
    methods = ["Vanilla + SmoothGrad", "GuidedBackprop"]
    columns = {
        f"{title} network:\n{name}": maps
        for title, network in (("clean", clean), ("shortcut", shortcut))
        for name, maps in compute_maps(network.model, network, targets, methods, seed).items()
    }
    logits = zip(target_logits(clean, targets), target_logits(shortcut, targets), strict=True)
    labels = [f"is there a 3?\nclean {_format_answer(a)}\nshortcut {_format_answer(b)}" for a, b in logits]
    heading = "Right for the wrong reason: the shortcut network learned that every 3 has a magenta tag"
    _save_figure(draw_gallery(targets, labels, {"": columns}, heading), out / "shortcut.png")
    for line in _shortcut_summary(clean, shortcut, scenes):
        print_message(line, "stdout")


def _shortcut_summary(clean: nets.Network, shortcut: nets.Network, scenes: Sequence[Scene]) -> list[str]:
    tagged = [SceneTarget(scene, 3, np.asarray(scene.objects == TAG)) for scene in scenes if scene.tagged]
    untagged = [SceneTarget(scene, 3, scene.mask(3)) for scene in scenes if not scene.tagged]
    lines = []
    for network in (clean, shortcut):
        guided = compute_maps(network.model, network, tagged, ["GuidedBackprop"], 0)["GuidedBackprop"]
        hits = sum(localization_scores(one, target.object_mask)[0] for one, target in zip(guided, tagged, strict=True))
        with_tag, without_tag = ((target_logits(network, targets) > 0).sum() for targets in (tagged, untagged))
        lines.append(
            f"{network.name} recognizes the 3 in {with_tag} of {len(tagged)} scenes with the tag and in {without_tag} of "
            f"{len(untagged)} without it; the maximum of its GuidedBackprop map is on the tag in {hits} of {len(tagged)}"
        )
    return lines


def _format_answer(logit: float) -> str:
    return f"{'yes' if logit > 0 else 'no'} ({logit:+.1f})"


def _save_figure(figure: Figure, path: Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
