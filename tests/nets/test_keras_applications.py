"""Load Keras's networks by name and from files, with Keras's preprocessing."""

import zipfile

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.nets import catalog

pytestmark = [
    pytest.mark.needs("tensorflow"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # from Keras, when it reads a variable
]

MODES = {"VGG16": "caffe", "ResNet50": "caffe", "MobileNetV2": "tf", "NASNetMobile": "tf", "DenseNet121": "torch"}


def random_picture(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def small(*layers):
    import keras

    return keras.Sequential(
        [keras.Input((16, 12, 3)), *layers, keras.layers.Conv2D(4, 3, name="conv"), keras.layers.Flatten()]
    )


@pytest.mark.parametrize("name", catalog.KERAS)
def test_pictures_are_prepared_as_keras_does(name):
    import keras

    from saliency.nets.keras_applications import preprocessing_function
    from saliency.nets.preparation import resize_and_apply

    builder = getattr(keras.applications, name)
    picture = random_picture(40, 30)
    prepared = resize_and_apply(picture, (20, 24), preprocessing_function(builder))
    pixels = np.array(picture.resize((24, 20), Image.Resampling.BILINEAR), np.float32)
    mode = MODES.get(name)
    if mode is not None:
        expected = keras.applications.imagenet_utils.preprocess_input(pixels.copy(), mode=mode)
        assert np.array_equal(prepared, expected) and not np.array_equal(prepared, pixels)
    if name.startswith(("EfficientNet", "ConvNeXt", "MobileNetV3")):  # which scale pixels themselves
        assert np.array_equal(prepared, pixels)
    assert prepared.dtype == np.float32


@pytest.mark.parametrize(("name", "spelling"), [("MobileNet", "mobilenet"), ("MobileNetV3Small", "MobileNetV3Small")])
def test_networks_by_name(name, spelling, tmp_path, offline):
    import keras

    keras.utils.set_random_seed(0)
    source = getattr(keras.applications, name)(weights=None)
    source.save_weights(tmp_path / "w.weights.h5")
    network = nets.load(spelling, tmp_path / "w.weights.h5", framework="tf")
    assert (network.name, network.size, network.channel_axis) == (spelling, (224, 224), -1)
    assert all(np.array_equal(a, b) for a, b in zip(source.get_weights(), network.model.get_weights(), strict=True))
    layers = dict(zip(network.paths, source.layers, strict=True))
    assert next(iter(layers)) == "input_layer" and {"conv1", "conv"} & set(layers)
    assert all(type(network.model.get_layer(path)) is type(layers[name]) for name, path in network.paths.items())
    first = "conv1" if "conv1" in layers else "conv"
    assert network.channels[first] == layers[first].filters
    assert list(nets.load(name, tmp_path / "w.weights.h5", framework="tf").paths) == list(network.paths)
    x = network.prepare(random_picture(40, 30))
    assert x.shape == (224, 224, 3)
    assert np.asarray(saliency.Vanilla(network.model, (network.layer(first), 0)).GetMask(x)).shape == (224, 224, 3)


def test_weights_of_another_network_are_refused(tmp_path, offline):
    small().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(saliency.InputError, match="must be .weights.h5, .h5 or .keras of"):
        nets.load("MobileNet", tmp_path / "w.weights.h5", framework="tf")


@pytest.mark.parametrize("name", ["MobileNet", "MobileNetV3Small"])
def test_weights_must_be_a_file(name, tmp_path, offline):
    with pytest.raises(saliency.InputError, match="must be an existing file"):
        nets.load(name, tmp_path / "none.h5", framework="tf")


def test_only_automatic_names_are_renumbered():
    import keras

    from saliency.nets.keras_names import renumber_layers

    kinds = {"conv2d_7": keras.layers.Conv2D(1, 1), "re_lu_3": keras.layers.ReLU(), "re_lu_4": keras.layers.ReLU()}
    kinds |= {"conv_pw_2": keras.layers.Conv2D(1, 1), "global_average_pooling2d_1": keras.layers.GlobalAveragePooling2D()}
    names = {"conv2d": "conv2d_7", "re_lu": "re_lu_3", "re_lu_1": "re_lu_4", "conv_pw_2": "conv_pw_2"}
    assert renumber_layers(kinds) == names | {"global_average_pooling2d": "global_average_pooling2d_1"}


def test_missing_weights_that_cannot_be_downloaded_are_refused(offline):
    with pytest.raises(saliency.InputError, match=r"needs `weights`, .* its download fails: .*no network in a test"):
        nets.load("MobileNet", framework="tf")


def test_a_model_file_is_loaded_by_its_path(tmp_path):
    import keras

    model = small()
    model.save(tmp_path / "mine.keras")
    network = nets.load(str(tmp_path / "mine.keras"))
    assert (network.name, network.size, network.channel_axis, network.channels["conv"]) == ("mine", (16, 12), -1, 4)
    x = network.prepare(random_picture(40, 30))
    assert np.array_equal(network.model(x[None]), model(x[None]))
    assert -3 < x.min() < 0 < x.max() < 3  # normalized with the RGB mean and deviation
    small(keras.layers.Rescaling(1 / 255)).save(tmp_path / "scales.keras")
    assert nets.load(str(tmp_path / "scales.keras")).prepare(random_picture(40, 30)).max() > 100
    with pytest.raises(saliency.InputError, match=r"`framework` \(='torch'\) must be 'tf'"):
        nets.load(str(tmp_path / "mine.keras"), framework="torch")
    with pytest.raises(saliency.InputError, match="must be an existing file with a model"):
        nets.load(str(tmp_path / "none.keras"))
    model.save_weights(tmp_path / "w.weights.h5")
    assert nets.load(str(tmp_path / "mine.keras"), tmp_path / "w.weights.h5").name == "mine"


def test_a_model_for_other_inputs_is_refused(tmp_path):
    import keras

    keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)]).save(tmp_path / "mine.keras")
    with pytest.raises(saliency.InputError, match=r"must take pictures, .* its input shape is \(None, 5\)"):
        nets.load(str(tmp_path / "mine.keras"))


def test_code_in_a_file_runs_only_when_it_is_trusted(tmp_path):
    import keras

    marker = tmp_path / "marker"
    code = f"lambda x: (__import__('pathlib').Path({str(marker)!r}).touch(), x)[1]"
    small(keras.layers.Lambda(eval(code), output_shape=(16, 12, 3))).save(tmp_path / "evil.keras")  # noqa: S307 - our own
    marker.unlink(missing_ok=True)
    with pytest.raises(saliency.InputError, match="Lambda layers contain code, which runs only with `trust`"):
        nets.load(str(tmp_path / "evil.keras"))
    assert not marker.exists()
    network = nets.load(str(tmp_path / "evil.keras"), trust=True)
    network.model(np.ones((1, 16, 12, 3), "float32"))
    assert marker.exists()


def test_a_whole_model_in_hdf5_needs_trust(tmp_path):
    (tmp_path / "mine.h5").touch()
    with pytest.raises(saliency.InputError, match="can run code when it is loaded: set `trust`"):
        nets.load(str(tmp_path / "mine.h5"))
    with pytest.raises(saliency.InputError, match="cannot be loaded"):
        nets.load(str(tmp_path / "mine.h5"), trust=True)


def test_damaged_files_are_refused(tmp_path):
    small().save(tmp_path / "mine.keras")
    whole = (tmp_path / "mine.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as other:
        other.writestr("config.json", "{}")
    for name, content in {"cut.keras": whole[:-100], "empty.keras": b"", "text.keras": b"hello"}.items():
        (tmp_path / name).write_bytes(content)
    for name in ("cut.keras", "empty.keras", "text.keras", "other.keras"):
        with pytest.raises(saliency.InputError, match="cannot be loaded|is damaged") as refusal:
            nets.load(str(tmp_path / name))
        assert "\n" not in str(refusal.value)


def test_torch_is_not_imported(fresh_process):
    assert "torch" not in fresh_process("tf").steps["file"]
