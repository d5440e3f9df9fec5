"""Masks of Keras models that every backend must agree on; each process runs the backend of its own Keras."""

import numpy as np

import saliency

RNG = np.random.default_rng(5)
IMAGE, TABLE = RNG.normal(size=(2, 12, 14, 3)), RNG.normal(size=(2, 5))
FEED = {"table": TABLE}
CLASSES = [1, 3]


def with_weights(model, seed=1):
    """Set a model's variables to the same numbers on every backend."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        numbers = rng.normal(size=variable.shape) / 3
        variable.assign(np.abs(numbers) + 0.5 if "variance" in variable.name else numbers)
    return model


def two_inputs():
    """Return a functional model of an image and a table, with ReLUs of three kinds."""
    import keras

    layers, settings = keras.layers, {"dtype": "float64"}
    image = keras.Input((12, 14, 3), name="image", **settings)
    table = keras.Input((5,), name="table", **settings)
    h = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="one", **settings)(image)
    h = layers.BatchNormalization(name="norm", **settings)(h)
    h = layers.MaxPooling2D(2, padding="same", **settings)(h)
    h = keras.ops.relu(layers.Conv2D(5, 3, padding="same", name="two", **settings)(h))
    h = layers.GlobalAveragePooling2D(**settings)(layers.Dropout(0.5, name="drop", **settings)(h))
    rest = layers.Activation("relu", **settings)(layers.Dense(3, name="rest", **settings)(table))
    h = layers.Concatenate(**settings)([h, rest])
    logits = layers.Dense(4, name="logits", **settings)(h)
    both = {
        "class": layers.Softmax(name="class", **settings)(logits),
        "map": layers.Conv2D(2, 1, name="map", **settings)(image),
    }
    return with_weights(keras.Model([image, table], both, name="two_inputs"))


def masks_of_two_inputs():
    """Return masks of the model by name, and the layer that GradCAM selects."""
    model = two_inputs()
    classes, image = saliency.wrap(model, output="class"), saliency.wrap(model, output="map")
    of_table = saliency.wrap(model, input="table", output="class")

    def masks(mask, x=IMAGE, y=CLASSES, feed=FEED, **options):
        return mask.GetMasks(x, y, feed_dict=feed, **options)

    cam = saliency.GradCAM(classes)
    return {
        "gradient": masks(saliency.Vanilla(classes)),
        "probability": masks(saliency.Vanilla(classes, logits=False)),
        "guided": masks(saliency.GuidedBackprop(classes)),
        "path": masks(saliency.IntegratedGradients(classes), x_steps=6),
        "occlusion": masks(saliency.Occlusion(classes), size=4),
        "last layer": masks(cam),
        "layer": masks(cam, layer="one"),
        "guided CAM": masks(saliency.GuidedGradCAM(classes)),
        "unit": masks(saliency.Vanilla(model), y=[("two", 2, 1, 3), ("two", 4, 2, 0)]),
        "channel": masks(saliency.Vanilla(model), y=[("one", 2), ("one", 0)]),
        "at a layer": masks(saliency.Vanilla(classes), at="two"),
        "table": masks(saliency.Vanilla(of_table), TABLE, feed={"image": IMAGE}),
        "pixel of the map": masks(saliency.Vanilla(image), y=[(None, 1, 3, 5), (None, 0, 11, 13)]),
        "function": masks(saliency.Vanilla(model), y=lambda outputs: outputs["map"][:, 3, 5, 1]),
    }, saliency.GradCAM(classes, 1).GetMask(IMAGE[0], feed_dict={"table": TABLE[0]}).details["layer"]
