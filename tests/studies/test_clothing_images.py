import torch
from data_folders import folder_with
from sklearn.datasets import load_digits

from leadline.data import read_fashion_mnist
from leadline.studies.clothing_images import clothing, enlarged_digits, small_net


def test_enlarged_digits_are_the_digits() -> None:
    found = enlarged_digits()
    assert not found.real
    pictures, targets = (torch.cat(pair) for pair in zip(found.training, found.held_out, strict=True))
    assert pictures.shape == (1797, 1, 28, 28)
    small = (pictures[:, 0, 2:-2, 2:-2] * 16).reshape(-1, 8, 3, 8, 3)
    assert (small == small[:, :, :1, :, :1]).all()
    inputs, classes = load_digits(return_X_y=True)
    assert float(pictures.sum()) * 16 / 9 == inputs.sum()
    assert torch.equal(torch.bincount(targets), torch.bincount(torch.tensor(classes)))


def test_some_of_the_clothes_keep_their_labels() -> None:
    folder = folder_with("train-images-idx3-ubyte.gz")
    found, more = clothing(folder, training=50, held_out=20), clothing(folder, training=60_000, held_out=20)
    assert found.real
    assert torch.equal(more.training[0][:50], found.training[0])  # a part is the beginning of the whole
    whole = read_fashion_mnist(folder)
    assert torch.equal(torch.bincount(more.training[1]), torch.bincount(torch.tensor(whole.labels).long()))
    levels = (found.training[0][0, 0] * 255).round().to(torch.uint8)
    place = int((torch.tensor(whole.images) == levels).all(2).all(1).nonzero()[0])
    assert int(whole.labels[place]) == int(found.training[1][0])
    assert small_net()(found.held_out[0]).shape == (20, 10)
