from .archives import unpack
from .cifar import read_cifar10
from .diabetes import DiabetesRows, read_diabetes
from .downloads import DownloadError, fetch
from .embedded import EMBEDDED, EmbeddedSet, embedded_set
from .faces import AgedFaces, read_age_faces
from .files import data_folder, download_folder, find_file, fingerprint
from .idx import read_fashion_mnist, read_mnist
from .labelled_images import LabelledImages
from .official_files import DATA_SETS, DataSet, Standing, Verification, data_fingerprint, data_set, verify
from .palettes import Palette, fit_palette

__all__ = [
    "DATA_SETS",
    "EMBEDDED",
    "AgedFaces",
    "DataSet",
    "DiabetesRows",
    "DownloadError",
    "EmbeddedSet",
    "LabelledImages",
    "Palette",
    "Standing",
    "Verification",
    "data_fingerprint",
    "data_folder",
    "data_set",
    "download_folder",
    "embedded_set",
    "fetch",
    "find_file",
    "fingerprint",
    "fit_palette",
    "read_age_faces",
    "read_cifar10",
    "read_diabetes",
    "read_fashion_mnist",
    "read_mnist",
    "unpack",
    "verify",
]
