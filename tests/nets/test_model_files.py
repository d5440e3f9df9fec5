"""Files with whole models, which are loaded only with ``trust``."""

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets


class Marker:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", ["evil.pt", "evil.pth", "evil.pt2"])
def test_model_files_are_not_opened_without_trust(tmp_path, name, monkeypatch):
    import torch

    torch.save({"model": Marker(str(tmp_path / "marker"))}, tmp_path / name)
    with pytest.raises(saliency.InputError, match="can run any code in the file: set `trust`"):
        nets.load(str(tmp_path / name))
    assert not (tmp_path / "marker").exists()


@pytest.mark.needs("torch")
def test_trusted_files_are_loaded(tmp_path):
    import torch

    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    torch.save(model, tmp_path / "mine.pt")
    network = nets.load(str(tmp_path / "mine.pt"), trust=True)
    assert (network.name, set(network.paths)) == ("mine", {"0", "1"})
    torch.save(model.state_dict(), tmp_path / "w.pth")
    with pytest.raises(
        saliency.InputError,
        match="must contain a module; it contains OrderedDict. If it contains weights, give it as `weights`",
    ):
        nets.load(str(tmp_path / "w.pth"), trust=True)
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(saliency.InputError, match="cannot be loaded: UnpicklingError"):
        nets.load(str(tmp_path / "text.pt"), trust=True)


@pytest.mark.needs("torch")
def test_an_exported_program_is_a_network(tmp_path):
    import torch

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.conv(x).mean((2, 3))

    model = Small().eval()
    torch.export.save(torch.export.export(model, (torch.ones(1, 3, 224, 224),)), tmp_path / "mine.pt2")
    network = nets.load(str(tmp_path / "mine.pt2"), trust=True)
    x = network.prepare(Image.new("RGB", (300, 300), (10, 200, 30)))
    assert torch.equal(network.model(torch.tensor(x[None])), model(torch.tensor(x[None])))
    assert np.asarray(saliency.Vanilla(network.model, 2).GetMask(x)).shape == (3, 224, 224)


@pytest.mark.needs("torch")
def test_weights_in_a_pickled_module_need_trust(tmp_path):
    import torch

    from saliency.nets.demo_net import DemoNet

    torch.manual_seed(0)
    model = DemoNet()
    torch.save(model, tmp_path / "module.pth")
    with pytest.raises(saliency.InputError, match="can run code when it is loaded, and needs `trust`"):
        nets.load("DemoNet", tmp_path / "module.pth")
    loaded = nets.load("DemoNet", tmp_path / "module.pth", trust=True).model
    assert torch.equal(loaded.fc1.weight, model.fc1.weight)
