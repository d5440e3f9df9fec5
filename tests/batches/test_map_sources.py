"""``saliency.map`` on the data sets and models of frameworks."""

import numpy as np
import pytest

import saliency
from saliency.io.journal import JournalError
from tests.batches.written_files import X, contents, until


@pytest.mark.needs("torch")
def test_a_loader_of_torch(tmp_path):
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(60, 4))
    labels = torch.arange(7) % 4
    mask, pairs = saliency.Vanilla(model), TensorDataset(torch.tensor(X), labels)
    saliency.map(mask, DataLoader(pairs, batch_size=2), tmp_path / "a.h5", "paired", piece=3)
    saliency.map(mask, DataLoader(TensorDataset(torch.tensor(X)), batch_size=4), tmp_path / "b.h5", labels)
    saliency.map(mask, pairs, tmp_path / "c.h5", "paired")
    saliency.map(mask, (x for x, _ in DataLoader(pairs, batch_size=2)), tmp_path / "d.h5", labels, batched=True)
    for name in "abcd":
        np.testing.assert_array_equal(contents(tmp_path / f"{name}.h5")[0]["masks"], mask.GetMasks(X, labels))
    with pytest.raises(saliency.InputError, match="`inputs` yields a list of 2: pass targets='paired'"):
        saliency.map(mask, DataLoader(pairs, batch_size=2), tmp_path / "e.h5")


@pytest.mark.needs("torch")
def test_a_run_with_other_weights_is_not_resumed(tmp_path):
    import torch

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(60, 4))
    with pytest.raises(KeyboardInterrupt):
        saliency.map(saliency.Vanilla(model, 1), until(4), tmp_path / "a.h5", piece=2)
    torch.nn.init.normal_(model[1].bias)
    with pytest.raises(JournalError, match="weights_sha256 "):
        saliency.map(saliency.Vanilla(model, 1), X, tmp_path / "a.h5", piece=2)


@pytest.mark.needs("tensorflow")
def test_a_dataset_of_tensorflow(tmp_path):
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((2, 5, 6)), keras.layers.Flatten(), keras.layers.Dense(4)])
    labels, mask = np.arange(7) % 4, saliency.Vanilla(model)
    data = tf.data.Dataset.from_tensor_slices((X, labels))
    with pytest.raises(saliency.InputError, match=r"`batched` \(=None\) must be given for a tf.data.Dataset"):
        saliency.map(mask, data, tmp_path / "a.h5", "paired")
    saliency.map(mask, data, tmp_path / "a.h5", "paired", batched=False)
    saliency.map(mask, data.batch(3), tmp_path / "b.h5", "paired", batched=True, piece=2)
    for name in "ab":
        np.testing.assert_array_equal(contents(tmp_path / f"{name}.h5")[0]["masks"], mask.GetMasks(X, labels))
