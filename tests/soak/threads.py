"""Masks in eight threads at once: the same numbers as one after the other, and the model as before."""

import inspect
import random
import threading
import time

import numpy as np

from tests.fuzz.fuzzed_models import X, function_model, torch_models
from tests.fuzz.mask_calls import mask_classes

THREADS = 8
OPTIONS = {"RISE": {"nmasks": 20}, "Occlusion": {"size": 3, "stride": 2}, "GradientSHAP": {"x_steps": 4}}
OF_ATTENTION = ("AttentionRelevance", "AttentionRollout", "LeGrad")
"""Methods of attention, which the models of the threads do not have."""


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    models = {"torch": torch_models().get("torch"), "function": function_model}
    chosen = {name: model for name, model in models.items() if model is not None}
    return [_run_model(name, model, seconds / len(chosen), seed) for name, model in chosen.items()]


def _run_model(name, model, seconds, seed):
    jobs = _jobs(name, model)
    expected = {job: compute() for job, compute in jobs.items()}
    before, tried, problems, end = _state(model), [], [], time.monotonic() + seconds
    threads = [
        threading.Thread(target=_work, args=(jobs, expected, f"{seed} {i}", end, tried, problems)) for i in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if _state(model) != before:
        problems.append("the model's weights, flags or hooks differ")
    return f"masks in {THREADS} threads: {name}", len(tried), len(problems), problems[:5]


def _jobs(name, model):
    """Return what the threads compute: text -> function."""
    without_gradient = ("Occlusion", "RISE")
    masks = {one: cls for one, cls in mask_classes().items() if one not in OF_ATTENTION}
    if name == "function":
        masks = {one: masks[one] for one in without_gradient}
    jobs = {}
    for one, cls in masks.items():
        random_options = {"seed": 3} if "seed" in inspect.signature(cls.masks).parameters else {}
        mask, options = cls(model, 1), {**random_options, **OPTIONS.get(one, {})}
        jobs[one] = lambda mask=mask, options=options: mask.GetMask(X, **options)
        jobs[f"{one}, smoothed"] = lambda mask=mask, options=options: mask.GetSmoothedMask(
            X, nsamples=3, seed=1, **_other(options)
        )
    return jobs


def _other(options):
    """Return a method's options without the seed, which is that of the noise."""
    return {name: value for name, value in options.items() if name != "seed"}


def _work(jobs, expected, seed, end, tried, problems):
    source = random.Random(seed)
    while time.monotonic() < end:
        job = source.choice(list(jobs))
        tried.append(job)
        try:
            mask = jobs[job]()
            if not np.allclose(mask, expected[job], rtol=1e-5, atol=1e-7):
                problems.append(f"{job}: the mask differs by {np.abs(np.asarray(mask) - np.asarray(expected[job])).max():.2g}")
        except Exception as error:
            problems.append(f"{job}: {type(error).__name__}: {error}")


def _state(model):
    """Return what a mask must not change in a model of Torch."""
    if not hasattr(model, "named_modules"):
        return None
    weights = {name: tensor.detach().numpy().tobytes() for name, tensor in model.state_dict().items()}
    gradients = [None if parameter.grad is None else parameter.grad.numpy().tobytes() for parameter in model.parameters()]
    flags = [
        (name, module.training, len(module._forward_hooks), len(module._forward_pre_hooks))
        for name, module in model.named_modules()
    ]
    return weights, gradients, flags, [parameter.requires_grad for parameter in model.parameters()]
