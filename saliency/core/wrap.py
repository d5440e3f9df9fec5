"""Select the adapter of a model; a framework is imported only if the user's program already has."""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from os import PathLike, path
from typing import Any

from saliency.core.adapter import GradientAdapter
from saliency.core.class_names import class_names_of
from saliency.core.errors import InputError, ModelError
from saliency.core.function_adapter import FunctionAdapter
from saliency.core.validation import checked_class_names, shown

ADAPTER_MODULES = {"jax": "saliency.jax", "torch": "saliency.torch", "tensorflow": "saliency.tf"}
"""Name of a framework -> the module of this package whose ``adapt(model, **options)`` returns an adapter or None."""

PREDICTION_METHODS = ("predict_proba", "decision_function", "predict")
"""Prediction methods that an error suggests for a model that is not callable."""

KERAS_ON_OTHER_BACKENDS = (
    "set KERAS_BACKEND=tensorflow before importing Keras, and load the model again; for Occlusion and RISE, pass "
    "saliency.FunctionAdapter(lambda x: model.predict(x, verbose=0), channel_axis=-1)"
)
"""What a user can do about a model on an unsupported backend."""


def wrap(model: Any, *, class_names: Any = None, **options: Any) -> GradientAdapter:
    """Return the adapter of a model.

    Args:
        model: one of

            - a ``torch.nn.Module`` or ``torch.export.ExportedProgram``,
            - a Keras model on the TensorFlow, Torch or JAX backend,
            - a ``tf.function``, a ``tf.Module``, a SavedModel, or its folder with ``trust=True``,
            - a function that JAX transformed, such as ``jax.jit(f)``, any ``f(params, x)`` with the option ``params``, or a
              module of Flax NNX or Equinox,
            - a network of ``saliency.nets``,
            - any other function of a batch, for the methods that need no gradient; or for most methods, with its gradient as
              ``vjp``, a function ``(x, cotangent) -> gradient`` (see ``saliency.FunctionAdapter``),
            - an adapter, which is returned unchanged.
        class_names: names of the model's classes: a list, or a mapping from classes to names. The details and the figure of a
            mask show them. None uses the model's attribute ``class_names``, or the labels of a network of transformers.
        **options: options of the adapter; see ``saliency.torch.TorchAdapter``, ``saliency.tf.KerasAdapter``,
            ``saliency.jax.JaxAdapter`` and ``saliency.FunctionAdapter``. For a model with several inputs or outputs:

            - ``input``: the explained input, by the name or position of an argument, or by its key if the model accepts one
              dictionary,
            - ``output``: the explained output, by name, index or path, such as ``"logits"``, ``0`` or ``"aux/logits"``. By
              default, a class is read from ``logits``, ``out`` or ``pred``, from the only array (N, classes), or from the
              first one of a tuple; the details of a mask name it.

    Returns:
        The adapter. Every mask accepts it in place of the model.

    Raises:
        InputError: if no adapter supports such a model, or it has no such option.
        ModelError: if the model is a Keras model on a backend other than TensorFlow, Torch and JAX.
    """
    model = getattr(model, "saliency_model", model)
    if isinstance(model, GradientAdapter):
        given = [*options, *([] if class_names is None else ["class_names"])]
        if given:
            raise InputError(
                f"options ({', '.join(given)}) must be given when the adapter is created; `model` is already an adapter"
            )
        return model
    if "vjp" in options:
        return _name_classes(FunctionAdapter(model, **options), model, class_names)
    refuse_other_backends(model)
    for framework, module in ADAPTER_MODULES.items():
        if framework in sys.modules or (framework == "tensorflow" and _is_folder(model)):
            adapter = _make_adapter(import_module(module).adapt, model, options)
            if isinstance(adapter, GradientAdapter):
                return _name_classes(adapter, model, class_names)
    if isinstance(model, str | PathLike):
        raise InputError(
            f"`model` (={shown(str(model))}) must be a model, or the folder of a SavedModel, which contains saved_model.pb; "
            "load a .keras file with keras.models.load_model"
        )
    if isinstance(model, type) or not callable(model):
        forms = "a Torch module or exported program, a Keras model, a SavedModel, a function of a batch or an adapter"
        raise InputError(f"`model` ({_type_name(model)}) must be {forms}{_function_of(model)}")
    return _name_classes(FunctionAdapter(model, **options), model, class_names)


def _function_of(model: Any) -> str:
    """Return a hint which function of an object that is not callable to pass; empty if there is none."""
    if isinstance(model, type):
        return ""
    if hasattr(model, "run") and hasattr(model, "get_inputs"):  # a session of ONNX Runtime
        return "; pass a function that calls its `run`: lambda x: session.run(None, {session.get_inputs()[0].name: x})"
    return next((f"; pass its `{name}`" for name in PREDICTION_METHODS if hasattr(model, name)), "")


def _name_classes(adapter: GradientAdapter, model: Any, class_names: Any) -> GradientAdapter:
    names = class_names_of(model) if class_names is None else checked_class_names(class_names)
    if names:
        adapter.class_names = names
    return adapter


def _make_adapter(adapt: Callable[..., Any], model: Any, options: Mapping[str, Any]) -> Any:
    try:
        return adapt(model, **options)
    except TypeError as error:  # from the adapter's constructor
        if "unexpected keyword argument" not in str(error):
            raise
        name = str(error).rpartition(" ")[2].strip("'")
    raise InputError(f"`{name}` is not an option of the adapter of {_type_name(model)}")


def refuse_other_backends(model: Any, supported: Collection[str] = ("tensorflow", "torch", "jax")) -> None:
    """Refuse a Keras model on a backend for which there is no adapter that finds its layers and ReLUs.

    Args:
        model: any object.
        supported: names of the supported backends.

    Raises:
        ModelError: if the model is one.
    """
    keras = sys.modules.get("keras")
    if keras is None or not any(kind.__module__.partition(".")[0] == "keras" for kind in type(model).__mro__):
        return
    backend = keras.config.backend()
    if backend not in supported:
        way_on = "pass it to saliency.wrap" if backend in ("torch", "jax") else KERAS_ON_OTHER_BACKENDS
        raise ModelError(
            f"`model` ({_type_name(model)}) is a Keras model on the {backend} backend, which is not supported: {way_on}"
        )


def _is_folder(model: Any) -> bool:
    return isinstance(model, str | PathLike) and path.isdir(model)


def _type_name(model: Any) -> str:
    kind = model if isinstance(model, type) else type(model)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return f"the class {name}, not an instance of it" if isinstance(model, type) else name
