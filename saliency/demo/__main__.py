"""``python -m saliency.demo``: what made the embedded networks answer as they did, in pictures and figures."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from saliency import nets
from saliency.cli.run_log import say
from saliency.core.errors import ModelError, ZeroGradientWarning
from saliency.demo.bands import BANDS, METHODS
from saliency.demo.figures import Question, answers, controls, maps, on_object, questions, table
from saliency.demo.gallery import gallery
from saliency.demo.scenes import TAG, Scene, load_scenes
from saliency.io.atomic_write import atomic_write

DESCRIPTION = """Show what made the embedded networks answer as they did: every method's
maps of drawn scenes in two pictures, and a table of how well they hit."""
EXAMPLE = """example:
  python -m saliency.demo --out demo
(about two minutes on two cores; writes gallery.png, shortcut.png, figures.md)

exit status: 0 all done, 2 refused"""
SHOWN = (("scene_17", 3), ("scene_17", 8), ("scene_12", 7))
PLAIN = 24  # scenes without a tag come first


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures and the table, and say where they are.

    Args:
        argv: command-line arguments; None takes the process's own.

    Returns:
        Exit status: 0, or 2 if the framework is not there.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.seed < 0:
        parser.error(f"--seed (={options.seed}) must be 0 or more")
    try:
        clean, shortcut = (nets.load(name, framework=options.framework) for name in ("DemoNet", "ShortcutNet"))
        random = nets.untrained(options.seed, options.framework) if options.random_weights else None
    except (ModelError, ImportError) as error:  # ImportError: a Keras whose own backend is lacking
        say(f"{parser.prog}: error: {error}")
        return 2
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out ({options.out}) must be a folder: {error.strerror}")
    scenes = load_scenes()
    _methods(clean, scenes[:PLAIN], options.out, options.seed, random)
    _shortcut(clean, shortcut, scenes[PLAIN:], options.out, options.seed)
    return 0


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m saliency.demo", None, DESCRIPTION, EXAMPLE, formatter_class=plain)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder of the pictures (default: demo)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument(
        "--framework", choices=tuple(nets.FRAMEWORKS), default="torch", help="what computes the maps (default: torch)"
    )
    parser.add_argument("--random-weights", action="store_true", help="measure the untrained network as well")
    return parser


def _methods(network: nets.Network, scenes: Sequence[Scene], out: Path, seed: int, random: Any) -> None:
    """Show every method on the network that looks at the digits, and measure them; the untrained model too, if given."""
    asked = questions(scenes)
    print(f"DemoNet: {len(METHODS)} kinds of maps for {len(asked)} digits in {len(scenes)} scenes ...", flush=True)
    found = maps(network.model, network, asked, list(METHODS), seed)
    shown = [i for i, question in enumerate(asked) if (question.scene.name, question.digit) in SHOWN]
    scores = answers(network, asked)
    labels = [f"digit {asked[i].digit}\nscore {scores[i]:+.1f}" for i in shown]
    bands = {title: {name: found[name][shown] for name in band} for title, band in BANDS.items()}
    heading = "Where did the network see this digit?  Share of each map on the digit; ★ = its maximum is there"
    _write(gallery([asked[i] for i in shown], labels, bands, heading), out / "gallery.png")
    columns = {"": {**found, **controls(network, asked, seed)}}
    if random is not None:
        with warnings.catch_warnings():  # that such a network has nothing to say is what is measured
            warnings.simplefilter("ignore", ZeroGradientWarning)
            columns["random weights"] = maps(random, network, asked, list(METHODS), seed)
    figures = table(columns, [question.where for question in asked])
    with atomic_write(out / "figures.md") as temporary:
        temporary.write_text(figures, encoding="utf-8")
    print(f"\n{figures}\n{out / 'figures.md'}")


def _shortcut(clean: nets.Network, shortcut: nets.Network, scenes: Sequence[Scene], out: Path, seed: int) -> None:
    """Show, on the same scenes, a network that names the digits and one that found a magenta tag on every 3."""
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
    for line in _story(clean, shortcut, scenes):
        say(line, "stdout")


def _story(clean: nets.Network, shortcut: nets.Network, scenes: Sequence[Scene]) -> list[str]:
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
    return lines


def _yes(score: float) -> str:
    return f"{'yes' if score > 0 else 'no'} ({score:+.1f})"


def _write(figure: Figure, path: Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
