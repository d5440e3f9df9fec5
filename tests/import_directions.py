"""Which modules of the package may import which; ``tests/test_house.py`` applies it to the tree."""

import ast
import functools
from graphlib import CycleError, TopologicalSorter

PACKAGES = {
    "core": 0,
    "torch": 1,
    "tf": 1,
    "jax": 1,
    "nets": 2,
    "batches": 3,
    "metrics": 3,
    "compat": 4,
    "ray": 5,
    "cli": 6,
    "demo": 7,
}
"""A package may import from itself and from those with a lower number."""

CORE = {
    "expected_input nested_outputs types errors forked_process interrupts stack_frames": 0,
    "call_value class_snapshot container_snapshot joined_inputs layer_entries layer_hint per_sample pickling progress undo validation warnings": 1,
    "argument_binding grid_reading incremental layer_axes numerics position_grid user_grid value_description": 2,
    "display mask_unit": 3,
    "activation_graph adapter_request attention batching box class_names detection_scores detections detector_outputs detector_recognition gradient_modifiers linear_operation lrp_composites lrp_first_layer lrp_rules multiplier_rules output_axes output_selection region relu_rules score_reading target target_description target_terms token_layout": 4,
    "adapter adapter_contract optional_queries batch_independence channel_axis companion_check feed function_adapter function_gradients function_outputs keras shape_hints wrap": 5,
    "score unprepared_input weights_checksum": 6,
    "masks_by_input method_options points model_inputs noise result several_inputs smoothgrad target_resolution": 7,
    "batched_run mask_calls": 8,
    "activations computation_record mask mask_runner": 9,
    "methods regions": 10,
}
"""Modules and folders of ``core``: one may import from its own line and from those above it."""

LEVELS = {name: level for names, level in CORE.items() for name in names.split()}
PUBLIC = {"saliency", "saliency.__main__"}
DISPLAY = {"display", "types", "validation", "errors"}
FRAMEWORKS = {"torch", "tensorflow", "keras", "tf_keras", "jax", "torchvision"}


def imports(text):
    """Return what a module's source imports: ``import a.b`` as a.b, and ``from a import b`` as a.b too."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@functools.cache
def tree(root):
    """Return every module of the package with the modules that it imports; its own modules are told from their contents."""
    texts = {}
    for path in root.rglob("*.py"):
        parts = ("saliency", *path.relative_to(root).with_suffix("").parts)
        texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return {name: {_module(one, texts) for one in imports(text)} for name, text in texts.items()}


def _module(name, known):
    """Return the module of an imported name: the name itself, or what it is imported from."""
    return name if name in known or not name.startswith("saliency.") else name.rpartition(".")[0]


def violations(modules):
    """Return each import that points in a forbidden direction, and a cycle if there is one."""
    found = [f"{name} imports {target}" for name in modules for target in sorted(modules[name]) if forbidden(name, target)]
    try:
        tuple(TopologicalSorter({name: targets & set(modules) for name, targets in modules.items()}).static_order())
    except CycleError as error:
        found.append("a cycle: " + " -> ".join(reversed(error.args[1])))
    return found


def forbidden(name, target):
    """Tell whether a module may not import another."""
    if name in PUBLIC or target == "saliency.demo":  # a folder of data files
        return False
    here, there = name.split(".")[1:], target.split(".")
    if there[0] != "saliency":
        return here[0] in ("core", "io") and there[0] in FRAMEWORKS
    there = there[1:]
    if here[0] == "core" and there[:1] == ["io"]:  # one reader of pictures: overlay and show use that of the commands
        return here[1:2] != ["display"] or there[1:] not in (["picture_conversion"], ["picture_options"])
    if here[0] == "io" and there == ["core", "interrupts"]:  # one mechanism that holds signals back, which imports nothing
        return False
    if not there or here[0] != there[0]:
        return here[0] == "io" or (here[0] in PACKAGES and PACKAGES.get(there[0] if there else "", -1) >= PACKAGES[here[0]])
    if here[0] == "core" and len(here) > 1:
        return (here[1] == "display" and there[1] not in DISPLAY) or LEVELS[there[1]] > LEVELS[here[1]]
    return here[0] == "tf" and len(here) > 1 and there[1] not in (here[1], "incremental", "ops", "positions", "relevance")
