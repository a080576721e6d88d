import json
import os
import re

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from studies.small_colorization import SMALL, small_images

from leadline.core import InputError
from leadline.studies.colorization_checkpoints import NETS, build_net, read_checkpoint, write_checkpoint
from leadline.studies.colorization_runs import runs_file, train_colorization


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    done = train_colorization(small_images(), nets=["unet"], seeds=[0], epochs=1, folder=folder, setting=SMALL)
    return done[0], runs_file(folder, "unet", 0)


def test_everything_comes_back(trained):
    written, path = trained
    read = read_checkpoint(path)
    for name in ("net", "setting", "seed", "images", "fingerprint", "training_loss", "validation_loss", "seconds"):
        assert getattr(read, name) == getattr(written, name)
    assert (read.palette.colours == written.palette.colours).all()
    assert read.state.taken == written.state.taken == 3
    assert set(read.state.memory) == {"mean", "square"}
    for kind in ("parameters", "buffers"):
        values = getattr(written.state, kind)
        assert values.keys() == getattr(read.state, kind).keys()
        assert all(torch.equal(value, getattr(read.state, kind)[name]) for name, value in values.items())
    grey = torch.rand(2, 1, 8, 8)
    assert torch.equal(read.model()(grey), written.model()(grey))
    assert [path.name for path in path.parent.iterdir()] == ["unet-seed0.safetensors"]


def test_a_write_that_fails_leaves_the_former_file(trained, tmp_path, monkeypatch):
    written, _ = trained
    path = tmp_path / "one.safetensors"
    write_checkpoint(written, path)
    former = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            write_checkpoint(written, path)
    assert path.read_bytes() == former
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_refused(trained, tmp_path):
    whole = trained[1].read_bytes()
    path = tmp_path / "x.safetensors"
    for content in (b"", b"no weights", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"expected weights that .* has written, got {re.escape(str(path))}"):
            read_checkpoint(path)
    with pytest.raises(InputError, match=r"read_checkpoint: .* No such file"):
        read_checkpoint(tmp_path / "nothing")
    save_file({"w": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"name such a \.safetensors file"):
        read_checkpoint(path)
    metadata = {"format": "leadline colorization 1", "training": json.dumps({"net": "unet"})}
    save_file({"palette": torch.zeros(2, 3)}, path, metadata)
    with pytest.raises(InputError, match=r"name such a \.safetensors file"):
        read_checkpoint(path)


def test_a_file_is_for_everybody_whom_the_umask_lets_read(trained, tmp_path):
    former = os.umask(0o027)
    try:
        write_checkpoint(trained[0], tmp_path / "one.safetensors")
    finally:
        os.umask(former)
    assert (tmp_path / "one.safetensors").stat().st_mode & 0o777 == 0o640


def changed(values: torch.Tensor) -> torch.Tensor:
    values = values.clone()
    values.view(-1)[0] = torch.nan
    return values


@pytest.mark.parametrize(
    ("prefix", "change", "message"),
    [
        ("palette", lambda colours: colours[:3], r"a palette of shape \(3, 3\), .* for 5 colours"),
        ("palette", lambda colours: colours[:, :2], r"a palette of shape \(5, 2\)"),
        ("palette", lambda colours: colours + 255, "levels beyond 255"),
        ("palette", changed, "values in palette that are not finite"),
        ("parameters/", changed, "values in parameters/.* that are not finite"),
        ("buffers/", lambda values: values.double() + torch.inf, "values in buffers/.* that are not finite"),
    ],
)
def test_values_that_would_colour_wrongly_are_refused(trained, tmp_path, prefix, change, message):
    with safe_open(str(trained[1]), "pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - no mapping
        metadata = stream.metadata()
    name = next(name for name in sorted(tensors) if name.startswith(prefix))
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, tmp_path / "x.safetensors", metadata)
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path / "x.safetensors")


def test_nets_by_name():
    for name, kind in NETS.items():
        assert type(build_net(name, SMALL)) is kind
    with pytest.raises(InputError, match="expected one of pool, transposed, unet, tables, got 'vgg'"):
        build_net("vgg", SMALL)
