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


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "I;16", "I;16B"])
def test_files_of_several_kinds(nets, tmp_path, mode):
    file = tmp_path / f"in.{'tif' if mode == 'I;16B' else 'png'}"
    levels = photograph(10, 14)[0]
    if mode.startswith("I;16"):
        levels = levels[..., :1].repeat(3, axis=2)
        deep = levels[..., 0] * np.uint16(256) + np.uint16(255)
        Image.frombytes(mode, (14, 10), deep.astype(">u2" if mode == "I;16B" else "<u2").tobytes()).save(file)
    else:
        Image.fromarray(levels).convert(mode).save(file)
        with Image.open(file) as asked:
            levels = np.array(asked.convert("RGB"))
    assert colour_photograph(file, nets["unet"], tmp_path / "out.png") == (14, 10)
    with Image.open(tmp_path / "out.png") as got:
        assert np.array_equal(np.array(got), colour(levels[None], nets["unet"])[0])


@pytest.mark.parametrize("values", [np.int32, np.float32])
def test_images_of_unknown_levels_are_refused(nets, tmp_path, values):
    Image.fromarray(np.ones((4, 4), values)).save(tmp_path / "in.tif")
    with pytest.raises(InputError, match=r"expected 8 or 16 bits a channel, got .*in\.tif of mode [IF]"):
        colour_photograph(tmp_path / "in.tif", nets["pool"], tmp_path / "out.png")


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
    for name in ("out.what", "nowhere/out.png"):
        with pytest.raises(InputError, match=rf"ends like an image's, in a folder that is there, got .*{name}"):
            colour_photograph(tmp_path / "in.png", nets["pool"], tmp_path / name)
    with pytest.raises(InputError, match=r"a file that can be written, got .*out\.xbm: cannot write mode RGB"):
        colour_photograph(tmp_path / "in.png", nets["pool"], tmp_path / "out.xbm")
    assert {path.name for path in tmp_path.iterdir()} == {"in.jpg", "in.png"}
