"""Commands with ``-engine ray`` on a Ray of this machine: ``python -m tests.cli.cluster_commands FOLDER``.

They run in a process of their own, because Ray forks and keeps threads. The report is a file of JSON.
"""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import ray

from saliency.cli import dnn_act, dnn_saliency, main
from saliency.io.journal import Journal
from tests.cli.saliency_command import DEMO
from tests.cluster_process import started_cluster

NAMES = [f"scene_{i:02d}.png" for i in range(18)]
LINEAR = ["-net", "tests.ray.networks:linear", "-chn", "target", "-meth", "vanilla"]
COMMANDS = {
    "figures": (dnn_saliency.main, ["-net", "DemoNet", "-layer", "fc1", "-chn", "4", "top", "-save", "h5"], "figures"),
    "activations": (dnn_act.main, ["-net", "DemoNet", "-layer", "conv6", "fc1", "-batch", "5"], "scenes.act.h5"),
    "report": (main.main, ["report", *LINEAR, "-metric", "sparseness"], "page.html"),
    "compare": (main.main, ["compare", *LINEAR, "-metric", "sparseness"], "comparison"),
}
ERRORS = {"gpus": ["-gpus-per-worker", "1"], "workers": ["-workers", "9"], "address": ["-address-timeout", "1", "-address"]}


def run(command, *arguments):
    """Return the exit status and the printed errors."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        status = command(list(map(str, arguments)))
    return status, errors.getvalue()


def write_stimuli(folder):
    rows = [f"{name},{i % 5}" for i, name in enumerate([*NAMES[:7], "none.png", *NAMES[7:]])]
    file = folder / "some.stim.csv"
    file.write_text("\n".join(["type=image", f"path={DEMO / 'scenes'}", "data=stimID,label", *rows]), encoding="utf-8")
    return file


def interrupted_figures(folder, stimuli):
    """Return the results of a run that is interrupted after its first figure, and of the same command again."""
    command, arguments, out = COMMANDS["figures"]
    arguments = [*arguments, "-stim", stimuli, "-out", folder / "ray" / out, "-engine", "ray"]
    original = Journal.add

    def add(journal, piece, record):
        original(journal, piece, record)
        raise KeyboardInterrupt

    Journal.add = add
    try:
        first = run(command, *arguments, "-workers", "1")
    finally:
        Journal.add = original
    return first, run(command, *arguments)


def stop_after_a_piece(arguments):
    """Run a command that stops its own process by SIGSTOP after each piece that it has recorded."""
    original = Journal.add

    def add(journal, piece, record):
        original(journal, piece, record)
        os.kill(os.getpid(), signal.SIGSTOP)

    Journal.add = add
    sys.exit(main.main(arguments))


def killed_report(folder, stimuli):
    """Return the results of a run that is killed after its first block, of a second run beside it, and of the same again."""
    command, arguments, out = COMMANDS["report"]
    address = ["-engine", "ray", "-address", ray.get_runtime_context().gcs_address, "-workers", "1"]
    arguments = [*arguments, *address, "-stim", stimuli, "-out", folder / "ray" / out]
    words = [sys.executable, "-W", "ignore", "-m", "tests.cli.cluster_commands", "stop", *map(str, arguments)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as driver:
        _, state = os.waitpid(driver.pid, os.WUNTRACED)
        beside = run(command, *arguments) if os.WIFSTOPPED(state) else (state, driver.stderr.read())
        driver.kill()
        killed = driver.stderr.read()
    return (os.WIFSTOPPED(state), killed), beside, run(command, *arguments)


def all_commands(folder, report):
    """Run each command on this machine and on the cluster."""
    stimuli = write_stimuli(folder)
    for engine in ("local", "ray"):
        (folder / engine).mkdir()
    for name, (command, arguments, out) in COMMANDS.items():
        report[f"{name} local"] = run(command, *arguments, "-stim", stimuli, "-out", folder / "local" / out)
        if name == "figures":
            report["interrupted"], report[f"{name} ray"] = interrupted_figures(folder, stimuli)
        elif name == "report":
            report["killed"], report["beside"], report[f"{name} ray"] = killed_report(folder, stimuli)
        else:
            report[f"{name} ray"] = run(
                command, *arguments, "-engine", "ray", "-workers", "1", "-stim", stimuli, "-out", folder / "ray" / out
            )


def refused(folder, report):
    command, arguments, _ = COMMANDS["report"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name, options in ERRORS.items():
            if "-address" in options:
                ray.shutdown()  # a connected process refuses another address
                options = [*options, f"127.0.0.1:{silent.getsockname()[1]}"]
            out = folder / f"{name}.html"
            words = ["-engine", "ray", *options, "-stim", folder / "some.stim.csv", "-out", out]
            report[name] = [*run(command, *arguments, *words), sorted(path.name for path in folder.glob(f"*{name}.html*"))]


if __name__ == "__main__":
    if sys.argv[1] == "stop":
        stop_after_a_piece(sys.argv[2:])
    here, found = Path(sys.argv[1]), {}
    cluster = started_cluster(num_cpus=2, object_store_memory=80 * 2**20)
    ray.init(cluster.address, logging_level="warning", log_to_driver=False)
    all_commands(here, found)
    refused(here, found)
    cluster.shutdown()
    (here / "report.json").write_text(json.dumps(found))
