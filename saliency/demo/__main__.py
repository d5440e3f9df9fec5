"""``python -m saliency.demo``: what made the embedded networks answer as they did, in pictures and figures."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from saliency import nets
from saliency.demo.bands import BANDS, METHODS
from saliency.demo.figures import Question, answers, controls, maps, on_object, questions, table, untrained
from saliency.demo.gallery import gallery
from saliency.demo.scenes import TAG, Scene, load_scenes
from saliency.io.replacing import replacing

SHOWN = (("scene_17", 3), ("scene_17", 8), ("scene_12", 7))
PLAIN = 24  # scenes without a tag come first


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures and the table, and say where they are.

    Args:
        argv: command-line arguments; None takes the process's own.

    Returns:
        Exit status 0.
    """
    parser = argparse.ArgumentParser(prog="python -m saliency.demo", description=__doc__.partition(": ")[2])
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder of the pictures (default: demo)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--random-weights", action="store_true", help="measure the untrained network as well")
    options = parser.parse_args(argv)
    if options.seed < 0:
        parser.error(f"--seed (={options.seed}) must be 0 or more")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out ({options.out}) must be a folder: {error.strerror}")
    scenes = load_scenes()
    _methods(scenes[:PLAIN], options.out, options.seed, options.random_weights)
    _shortcut(scenes[PLAIN:], options.out, options.seed)
    return 0


def _methods(scenes: Sequence[Scene], out: Path, seed: int, random_weights: bool) -> None:
    """Show every method on the network that looks at the digits, and measure them."""
    network, asked = nets.load("DemoNet"), questions(scenes)
    print(f"DemoNet: {len(METHODS)} kinds of maps for {len(asked)} digits in {len(scenes)} scenes ...", flush=True)
    found = maps(network.model, network, asked, list(METHODS), seed)
    shown = [i for i, question in enumerate(asked) if (question.scene.name, question.digit) in SHOWN]
    scores = answers(network, asked)
    labels = [f"digit {asked[i].digit}\nscore {scores[i]:+.1f}" for i in shown]
    bands = {title: {name: found[name][shown] for name in band} for title, band in BANDS.items()}
    heading = "Where did the network see this digit?  Share of each map on the digit; ★ = its maximum is there"
    _write(gallery([asked[i] for i in shown], labels, bands, heading), out / "gallery.png")
    columns = {"": {**found, **controls(network, asked, seed)}}
    if random_weights:
        columns["random weights"] = maps(untrained(seed), network, asked, list(METHODS), seed)
    figures = table(columns, [question.where for question in asked])
    with replacing(out / "figures.md") as temporary:
        temporary.write_text(figures, encoding="utf-8")
    print(f"\n{figures}\n{out / 'figures.md'}")


def _shortcut(scenes: Sequence[Scene], out: Path, seed: int) -> None:
    """Show, on the same scenes, a network that names the digits and one that found a magenta tag on every 3."""
    clean, shortcut = nets.load("DemoNet"), nets.load("ShortcutNet")
    asked = [Question(scene, 3, scene.mask(3)) for scene in scenes[:6]]
    columns = {
        f"{title} network:\n{name}": strengths
        for title, network in (("clean", clean), ("shortcut", shortcut))
        for name, strengths in maps(network.model, network, asked, ["Vanilla + SmoothGrad", "GuidedBackprop"], seed).items()
    }
    scores = zip(answers(clean, asked), answers(shortcut, asked), strict=True)
    labels = [f"is there a 3?\nclean {_yes(a)}\nshortcut {_yes(b)}" for a, b in scores]
    heading = "Right for the wrong reason: one of the networks learned that every 3 has a magenta tag"
    _write(gallery(asked, labels, {"": columns}, heading), out / "shortcut.png")
    print(_story(clean, shortcut, scenes))


def _story(clean: nets.Network, shortcut: nets.Network, scenes: Sequence[Scene]) -> str:
    tagged = [Question(scene, 3, np.asarray(scene.objects == TAG)) for scene in scenes if scene.tagged]
    without = [Question(scene, 3, scene.mask(3)) for scene in scenes if not scene.tagged]
    lines = []
    for network in (clean, shortcut):
        guided = maps(network.model, network, tagged, ["GuidedBackprop"], 0)["GuidedBackprop"]
        hits = sum(on_object(strength, question.where)[0] for strength, question in zip(guided, tagged, strict=True))
        yes, still = (answers(network, asked) > 0 for asked in (tagged, without))
        lines.append(
            f"{network.name}: sees the 3 in {yes.sum()} of {len(tagged)} scenes with its tag, in {still.sum()} without; "
            f"its guided map peaks on the tag in {hits} of {len(tagged)}"
        )
    return "\n".join(lines)


def _yes(score: float) -> str:
    return f"{'yes' if score > 0 else 'no'} ({score:+.1f})"


def _write(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
