"""From a model to its adapter; a framework is asked for only when it is already loaded."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError, ModelError
from saliency.core.function_adapter import FunctionAdapter

ADAPTERS = {"torch": "saliency.torch", "tensorflow": "saliency.tf"}
"""Framework's module -> the module here whose ``adapt(model, **options)`` returns an adapter, or None."""

METHODS = ("predict_proba", "decision_function", "predict")
"""What models that are no functions have one of."""


def wrap(model: Any, **options: Any) -> GradientAdapter:
    """Return the adapter of a model.

    Args:
        model: a ``torch.nn.Module``, a ``torch.export.ExportedProgram``; a Keras model, a ``tf.function``, a ``tf.Module``, a
            SavedModel or its folder; any other function of a batch (for the methods that need no gradient), or an adapter
            (returned as it is).
        **options: the adapter's own: ``saliency.torch.TorchAdapter``'s, ``saliency.tf.KerasAdapter``'s.

    Raises:
        InputError: if no adapter takes such a model.
        ModelError: for a Keras model on another backend than TensorFlow.
    """
    if isinstance(model, GradientAdapter):
        if options:
            raise InputError(f"options ({', '.join(options)}) are for a model; this is an adapter, made already")
        return model
    refuse_other_backends(model)
    for framework, home in ADAPTERS.items():
        if framework in sys.modules or (framework == "tensorflow" and _is_folder(model)):
            adapter = _adapted(import_module(home).adapt, model, options)
            if isinstance(adapter, GradientAdapter):
                return adapter
    if isinstance(model, str | PathLike):
        raise InputError(
            f"`model` (={str(model)!r}) must be a model, or the folder of a SavedModel, with a saved_model.pb in it; a .keras "
            "file is opened by keras.models.load_model"
        )
    if isinstance(model, type) or not callable(model):
        forms = "a Torch module or exported program, a Keras model, a SavedModel, a function of a batch or an adapter"
        method = next((f"; pass its `{name}`" for name in METHODS if hasattr(model, name)), "")
        raise InputError(f"`model` ({_kind(model)}) must be {forms}{'' if isinstance(model, type) else method}")
    return FunctionAdapter(model, **options)


def _adapted(adapt: Callable[..., Any], model: Any, options: Mapping[str, Any]) -> Any:
    try:
        return adapt(model, **options)
    except TypeError as error:  # of the adapter's constructor
        if "unexpected keyword argument" not in str(error):
            raise
        name = str(error).rpartition(" ")[2].strip("'")
    raise InputError(f"`{name}` is not an option of the adapter of {_kind(model)}")


def refuse_other_backends(model: Any) -> None:
    """Refuse a Keras model whose arrays are not TensorFlow's: nothing here would see its layers and ReLUs.

    Raises:
        ModelError: if it is one.
    """
    keras = sys.modules.get("keras")
    if keras is None or not any(kind.__module__.partition(".")[0] == "keras" for kind in type(model).__mro__):
        return
    backend = keras.config.backend()
    if backend != "tensorflow":
        raise ModelError(
            f"`model` ({_kind(model)}) is a Keras model on the {backend} backend, which is not served: set "
            "KERAS_BACKEND=tensorflow before Keras is imported, and load it again; for Occlusion and RISE, pass "
            "saliency.FunctionAdapter(lambda x: model.predict(x, verbose=0), channel_axis=-1)"
        )


def _is_folder(model: Any) -> bool:
    return isinstance(model, str | PathLike) and Path(model).is_dir()


def _kind(model: Any) -> str:
    kind = model if isinstance(model, type) else type(model)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return f"the class {name}, not an instance of it" if isinstance(model, type) else name
