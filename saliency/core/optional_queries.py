"""The queries that an adapter may leave unsupported: each raises an error that says what to use instead."""

from saliency.core.adapter_contract import AdapterContract
from saliency.core.adapter_request import Request
from saliency.core.attention import AttentionLayers, Gradients, no_attention_support
from saliency.core.errors import ModelError
from saliency.core.types import Array
from saliency.core.validation import shown


class OptionalQueries(AdapterContract):
    """The part of the contract that only some frameworks support."""

    def values_and_gradients_at(
        self,
        x: Array,  # noqa: ARG002
        request: Request,
    ) -> tuple[Array, Array, Array]:
        """Compute ``gradients`` at a layer, and the values there, in one forward pass.

        Args:
            x: (N, *input), in the model's own units.
            request: as for ``gradients``, with ``at``. If it has ``at_values``, the model continues from these values.

        Returns:
            Scores (N * T,), the values of the layer's input or output (N, ...), and the gradients (N * T, ...) with respect
            to them.

        Raises:
            ModelError: if the adapter does not support it, which is the default.
        """
        raise ModelError(
            f"`at` (={shown(request.at)}) of this method needs a Torch module, a Keras model or a TensorFlow function; "
            f"{type(self).__name__} does not support it. Vanilla accepts `at` for every model with gradients"
        )

    def multipliers(
        self,
        x: Array,  # noqa: ARG002
        request: Request,  # noqa: ARG002
    ) -> tuple[Array, Array, Array]:
        """Compute the multipliers of DeepLIFT; see ``saliency.core.multiplier_rules``.

        Args:
            x: (N, *input), in the model's own units.
            request: as for ``gradients``, with ``baseline`` and without a rule.

        Returns:
            Scores of ``x`` (N * T,), scores of the baselines (N * T,), and multipliers (N * T, *input), in score units per
            input unit.

        Raises:
            ModelError: if an operation has no rule, or the adapter does not support it, which is the default.
        """
        raise ModelError(
            f"DeepLIFT needs a Torch module, a Keras model or a TensorFlow function; {type(self).__name__} does not support "
            "it. IntegratedGradients distributes the same change of the score, and supports every model with gradients"
        )

    def attentions(
        self,
        x: Array,  # noqa: ARG002
        request: Request,  # noqa: ARG002
        gradients: Gradients = "score",  # noqa: ARG002
    ) -> AttentionLayers:
        """Return the weights of the model's self-attention, and the gradients of the scores by them, in one forward pass.

        Args:
            x: (N, *input), in the model's own units.
            request: the target of N * T samples and the other inputs; ``grid`` states the grid of tokens where the model does
                not show it.
            gradients: ``"score"`` differentiates the score by the weights of each layer, and ``"own"`` in each layer the
                score of this layer's tokens, as if the following layers were absent. ``"none"`` computes none.

        Raises:
            GradientError: if a score does not depend on the attention.
            ModelError: if the model has no attention, if it is not self-attention among the same tokens in every layer, if the
                tokens form no grid, or if the adapter does not support it, which is the default.
        """
        raise no_attention_support(type(self).__name__)
