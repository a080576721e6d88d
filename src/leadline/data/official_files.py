"""The data sets that can be downloaded: the addresses of their files and the SHA-256 sums that these must have."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from leadline.core import InputError
from leadline.data.files import data_folder, fingerprint, look_for


@dataclass(frozen=True, kw_only=True)
class OfficialFile:
    """A file as published; `address` is empty for one that comes out of an archive."""

    name: str
    sha256: str
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set that can be downloaded.

    Attributes:
        name: in `leadline data fetch NAME`.
        title: what it holds.
        folder: in which its files lie, inside a folder of data sets.
        files: to download.
        unpacked: files that its archive holds, all in `folder`; empty where the files are no archive.
        shares_names: do other data sets have files of the same names?
    """

    name: str
    title: str
    folder: str
    files: tuple[OfficialFile, ...]
    unpacked: tuple[OfficialFile, ...] = ()
    shares_names: bool = False

    def to_read(self) -> tuple[OfficialFile, ...]:
        """The files that a loader reads."""
        return self.unpacked or self.files

    def place(self, folder: Path) -> Path:
        """Where downloaded files go: into the set's own folder, which may be the one named."""
        return folder if folder.absolute().name == self.folder else folder / self.folder

    def find(self, folder: Path) -> dict[OfficialFile, Path | None]:
        """Where the files that a loader reads lie; while one is missing the archive, if that is there."""
        found = self._sought(self.to_read(), folder)
        archives = self._sought(self.files, folder) if None in found.values() else found
        return found if None in archives.values() else archives

    def _sought(self, files: tuple[OfficialFile, ...], folder: Path) -> dict[OfficialFile, Path | None]:
        below = self.folder if self.shares_names else ""
        return {file: look_for(file.name, folder, below=below) for file in files}


class Standing(StrEnum):
    """How a file on this machine compares with the published one."""

    OFFICIAL = "official"
    DIFFERS = "differs"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """One file, looked at; `sha256` is what was found."""

    file: str
    standing: Standing
    path: Path | None = None
    sha256: str = ""


def data_set(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        InputError: none has it.
    """
    if name not in DATA_SETS:
        raise InputError("data_set", expected="one of " + ", ".join(DATA_SETS), got=repr(name),
                         remedy="`leadline data list` tells what each holds")  # fmt: skip
    return DATA_SETS[name]


def verify(name: str, folder: Path | str | None = None) -> tuple[Verification, ...]:
    """Compare the files of a data set in a folder with the published SHA-256 sums.

    Where files are missing and the archive that holds them is there, the archive is compared.

    Args:
        name: of the data set.
        folder: where to look; None: the folder that LEADLINE_DATA names, or the one that downloads go to.

    Raises:
        InputError: no data set has that name.
    """
    return tuple(_verified(*found) for found in data_set(name).find(data_folder(folder)).items())


def data_fingerprint(name: str, folder: Path | str | None = None) -> str:
    """One SHA-256 over the sums of all files of a data set, found as `verify` does; empty where a file is missing."""
    found = verify(name, folder)
    if any(one.standing is Standing.MISSING for one in found):
        return ""
    return hashlib.sha256("".join(one.sha256 for one in found).encode()).hexdigest()


def _verified(file: OfficialFile, path: Path | None) -> Verification:
    if path is None:
        return Verification(file=file.name, standing=Standing.MISSING)
    found = fingerprint(path)
    standing = Standing.OFFICIAL if found == file.sha256 else Standing.DIFFERS
    return Verification(file=file.name, standing=standing, path=path, sha256=found)


def _at(base: str, sums: dict[str, str]) -> Iterator[OfficialFile]:
    return (OfficialFile(name=name, sha256=sha256, address=base + name) for name, sha256 in sums.items())


_ALL = (
    DataSet(
        name="openml-diabetes",
        title="768 women, eight measurements, tested positive for diabetes or not (OpenML 37)",
        folder="openml",
        files=(
            OfficialFile(
                name="diabetes.arff",
                address="https://www.openml.org/data/download/37/dataset_37_diabetes.arff",
                sha256="4eddd5b2b64679e8888348e306520a393d6a28e1ddc9643cfb76fc5d912d6d40",
            ),
        ),
    ),
    DataSet(
        name="mnist",
        title="70,000 handwritten digits, 28x28 grey",
        folder="mnist",
        shares_names=True,
        files=tuple(
            _at(
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                {
                    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                },
            )
        ),
    ),
    DataSet(
        name="fashion-mnist",
        title="70,000 articles of clothing, 28x28 grey",
        folder="fashion-mnist",
        shares_names=True,
        files=tuple(
            _at(
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                {
                    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                },
            )
        ),
    ),
    DataSet(
        name="cifar-10",
        title="60,000 photographs in ten classes, 32x32 in colour (binary version)",
        folder="cifar-10-batches-bin",
        files=(
            OfficialFile(
                name="cifar-10-binary.tar.gz",
                address="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        unpacked=tuple(
            OfficialFile(name=name, sha256=sha256)
            for name, sha256 in {
                "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            }.items()
        ),
    ),
    DataSet(
        name="age-faces",
        title="7500 faces with ages in years, 48x48 grey (CS/DS 541)",
        folder="age-faces",
        files=tuple(
            _at(
                "https://s3.amazonaws.com/jrwprojects/",
                {
                    "age_regression_Xtr.npy": "1b36355263268eb4a00032854887377a54f91e83398c28345880e1214f6273ef",
                    "age_regression_ytr.npy": "209508d19f3b9e298d377eaed0c510375eb2487c0c887351672e5db22e80615f",
                    "age_regression_Xte.npy": "a95e8d61e96b388155a146bcf3cf858a5c8e391bf4d473d3fec4be3f95ed93e6",
                    "age_regression_yte.npy": "8b74c79ee44a550aa337bbc4d1d2a37486f41f69b32b01efa9bc6a92864b8d23",
                },
            )
        ),
    ),
)
DATA_SETS = {one.name: one for one in _ALL}
