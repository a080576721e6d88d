import numpy as np
import pytest
import torch
from PIL import Image
from studies.small_colorization import SMALL, small_images

from leadline.core import InputError, numpy_generator
from leadline.studies import photograph_colouring
from leadline.studies.colorization_checkpoints import NETS
from leadline.studies.colorization_runs import train_colorization
from leadline.studies.colour_images import grey
from leadline.studies.photograph_colouring import colour, colour_photograph


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    done = train_colorization(small_images(), nets=list(NETS), seeds=[0], epochs=1, folder=folder, setting=SMALL)
    return {one.net: one for one in done}


def photograph(height: int, width: int) -> np.ndarray:
    return numpy_generator("photograph").integers(0, 256, (1, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("net", NETS)
def test_strips_give_what_the_whole_gives(nets, net, monkeypatch):
    image = photograph(140, 24)
    with torch.no_grad():
        scores = nets[net].model()(torch.from_numpy(grey(image)))
    whole = nets[net].palette.paint(scores.argmax(1).numpy())
    monkeypatch.setattr(photograph_colouring, "_PIXELS", 8 * image.shape[2])
    assert np.array_equal(colour(image, nets[net]), whole)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (13, 4)])
def test_any_size_is_padded_and_cropped(nets, height, width):
    image = photograph(height, width)
    coloured = colour(image, nets["unet"])
    assert coloured.shape == image.shape
    padded = np.pad(image, [(0, 0), (0, -height % 4), (0, -width % 4), (0, 0)], mode="edge")
    assert np.array_equal(coloured, colour(padded, nets["unet"])[:, :height, :width])


def test_only_grey_values_count(nets):
    image = photograph(8, 8)
    swapped = image[..., ::-1].copy()
    assert np.array_equal(colour(image, nets["pool"]), colour(swapped, nets["pool"]))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_files_of_several_kinds(nets, tmp_path, mode):
    Image.fromarray(photograph(10, 14)[0]).convert(mode).save(tmp_path / "in.png")
    assert colour_photograph(tmp_path / "in.png", nets["unet"], tmp_path / "out.png") == (14, 10)
    with Image.open(tmp_path / "in.png") as asked, Image.open(tmp_path / "out.png") as got:
        expected = colour(np.array(asked.convert("RGB"))[None], nets["unet"])[0]
        assert np.array_equal(np.array(got), expected)


def test_a_turned_photograph_comes_out_upright(nets, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # camera held upright
    Image.fromarray(photograph(10, 14)[0]).save(tmp_path / "in.jpg", exif=exif)
    assert colour_photograph(tmp_path / "in.jpg", nets["pool"], tmp_path / "out.png") == (10, 14)


def test_mistakes(nets, tmp_path):
    (tmp_path / "in.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"colour_photograph: expected an image, got .*in\.jpg"):
        colour_photograph(tmp_path / "in.jpg", nets["pool"], tmp_path / "out.png")
    with pytest.raises(FileNotFoundError, match="nothing"):
        colour_photograph(tmp_path / "nothing.jpg", nets["pool"], tmp_path / "out.png")
    Image.fromarray(photograph(4, 4)[0]).save(tmp_path / "in.png")
    with pytest.raises(InputError, match=r"ends like an image's, got .*out\.what"):
        colour_photograph(tmp_path / "in.png", nets["pool"], tmp_path / "out.what")
    assert not (tmp_path / "out.what").exists()
