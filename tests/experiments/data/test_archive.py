"""Archives: read without unpacking, refused for what they should not hold."""

import io
import stat
import tarfile
import warnings
import zipfile

import pytest

from experiments.data.archives import open_archive
from experiments.terminal.errors import DataError

from .files import (
    COMPRESS,
    contents,
    little_memory,
    load,
    pack,
    pairs,
    refused,
    training,
    write_cifar10,
    write_idx,
    write_pictures,
)


@pytest.mark.parametrize(
    ("dataset", "write", "top", "ending"),
    [
        ("mnist", write_idx, "", ".tar"),
        ("mnist", write_idx, "some-folder", ".ZIP"),
        ("cifar10", write_cifar10, "some-folder", ".tar.gz"),
        ("cifar10", write_cifar10, "", ".tgz"),
        ("folder", write_pictures, "", ".tar.xz"),
        ("folder", write_pictures, "some-folder", ".tar"),
        ("folder", write_pictures, "some-folder", ".zip"),
        ("folder", write_pictures, "", ".txz"),
    ],
)
def test_archive_of_a_directory_is_the_same_data(tmp_path, dataset, write, top, ending):
    directory = write(tmp_path / "directory")
    archive = pack(directory, tmp_path / f"packed{ending}", top)
    before = contents(tmp_path)
    packed, unpacked = load(dataset, archive), load(dataset, directory)
    assert packed.fingerprint == unpacked.fingerprint
    assert pairs(training(packed)) == pairs(training(unpacked))
    assert packed.class_names == unpacked.class_names
    assert contents(tmp_path) == before


def test_archive_may_hold_a_collection(tmp_path):
    write_idx(tmp_path / "all" / "MNIST" / "raw")
    write_cifar10(tmp_path / "all" / "cifar-10-batches-bin")
    archive = pack(tmp_path / "all", tmp_path / "all.tar.gz")
    assert len(load("mnist", archive).test) == 6
    assert len(load("cifar10", archive).test) == 4


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = kind
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def tar_bytes(*members: tarfile.TarInfo) -> bytes:
    """Returns an archive of members filled with zeros."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member("train/cat/fine.png", size=4), io.BytesIO(b"fine"))
        for each in members:
            tar.addfile(each, io.BytesIO(bytes(each.size)) if each.size else None)
    return file.getvalue()


def claiming(header: tarfile.TarInfo) -> bytes:
    """Returns an archive whose last header is followed by nothing it claims."""
    block = header.tobuf(tarfile.GNU_FORMAT)
    return tar_bytes()[:1024] + block + bytes(-len(block) % 1024)


WHOLE = tar_bytes(member("train/dog/1.png", size=2000))
TWICE = member("train/cat/fine.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tar_bytes(member("../outside.png")), r"'../outside\.png' its name has"),
        (tar_bytes(member("train/../../x.png")), r'its name has "\.\."'),
        (tar_bytes(member("train/..", tarfile.DIRTYPE)), r'its name has "\.\."'),
        (tar_bytes(member("/etc/outside.png")), "'/etc/outside.png' its name is abs"),
        (tar_bytes(member("/etc", tarfile.DIRTYPE)), "its name is absolute"),
        (
            tar_bytes(member("link", tarfile.SYMTYPE, linkname="/etc/passwd")),
            "'link' it is a link",
        ),
        (
            tar_bytes(member("hard", tarfile.LNKTYPE, linkname="train/cat/fine.png")),
            "'hard' it is a link",
        ),
        (tar_bytes(member("null", tarfile.CHRTYPE)), "'null' it is a device"),
        (tar_bytes(member("disk", tarfile.BLKTYPE)), "'disk' it is a device"),
        (tar_bytes(member("pipe", tarfile.FIFOTYPE)), "'pipe' it is a device"),
        (
            tar_bytes(
                member(
                    "sparse",
                    pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"},
                )
            ),
            "'sparse' it is a device or another special file",
        ),
        (tar_bytes(TWICE), r"'train/cat/fine\.png' is in it twice"),
        (tar_bytes(member("train")), "'train' is in it twice"),
        (
            tar_bytes(member("train/cat/fine.png/1.png")),
            r"fine.png/1\.png' is in it twice",
        ),
        (tar_bytes(member("negative", pax_headers={"size": "-512"})), "damaged"),
        (WHOLE[:600], "expected a whole archive"),  # in the content of a member
        (WHOLE[:1200], "expected a whole archive"),  # in a header
        (WHOLE[:1024], "expected a whole archive"),  # before a header
        (WHOLE[:1024] + b"?" * 512 + WHOLE[1536:], "expected a whole archive"),
        *(
            (claiming(member("1.png", kind, size=size)), "(damaged|too large)")
            for size in (2**40, 2**60)
            for kind in (tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE)
        ),
        (claiming(member("old", tarfile.GNUTYPE_SPARSE)), "'old' it is a device or"),
        (tar_bytes(member("x" * 70_000)), "a header of more than 65,536 bytes"),
        (b"", "expected a whole archive"),
        (b"no archive at all", "expected a whole archive"),
    ],
)
def test_archive_that_is_not_one_of_images_is_refused(tmp_path, content, message):
    archive = tmp_path / "bad.tar"
    archive.write_bytes(content)
    with refused(tmp_path, rf"bad\.tar is .*{message}"):
        load("folder", archive)


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.bz2", ".tar.xz"])
@pytest.mark.parametrize(
    "content",
    [tar_bytes(TWICE), WHOLE[:600], claiming(member("1.png", size=2**60)), b""],
)
def test_what_is_refused_is_refused_compressed(tmp_path, content, ending):
    archive = tmp_path / f"bad{ending}"
    archive.write_bytes(COMPRESS[ending](content))
    with refused(tmp_path, rf"bad{ending} is (damaged|refused)"):
        load("folder", archive)


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.bz2", ".tar.xz"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed[:-9],
        lambda packed: packed[:-9] + bytes(9),
        lambda packed: b"not packed",
    ],
    ids=["half", "end missing", "wrong checksum", "not packed"],
)
def test_damaged_compression_is_refused(tmp_path, ending, damage):
    archive = tmp_path / f"bad{ending}"
    archive.write_bytes(damage(COMPRESS[ending](WHOLE)))
    with refused(tmp_path, rf"bad{ending} is damaged or cut short"):
        load("folder", archive)


def test_memory_for_names_has_a_limit(tmp_path, monkeypatch):
    """Folders count, too: a name of n letters may have n / 2 of them."""
    archive = tmp_path / "deep.tar"
    inside = ["train", "cat", "fine.png", "2.png", *(20 * "a"), "1.png"]
    memory = sum(256 + len(name) for name in inside)
    archive.write_bytes(
        tar_bytes(member("train/cat/2.png"), member("a/" * 20 + "1.png"))
    )
    monkeypatch.setattr("experiments.data.archives.contents.MAX_CONTENTS", memory)
    assert open_archive(archive).children() == (["a", "train"], [])
    monkeypatch.setattr("experiments.data.archives.contents.MAX_CONTENTS", memory - 1)
    with refused(tmp_path, f"that take at most {memory - 1:,} bytes of memory"):
        open_archive(archive)


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_unpacked_size_has_a_limit(tmp_path, monkeypatch, ending):
    archive = tmp_path / f"large{ending}"
    archive.write_bytes(COMPRESS[ending](tar_bytes(member("large", size=200_000))))
    monkeypatch.setattr("experiments.data.archives.tar.MAX_UNPACKED", 150_000)
    with refused(tmp_path, "expected at most 150,000 bytes unpacked"):
        load("folder", archive)


def test_plain_archive_is_read_where_it_stands(tmp_path, monkeypatch):
    """Not in memory: its size has no limit."""
    directory = write_pictures(tmp_path / "directory")
    archive = pack(directory, tmp_path / "plain.tar")
    monkeypatch.setattr("experiments.data.archives.tar.MAX_UNPACKED", 10)
    tree = open_archive(archive)
    name = "train/cat/0003.png"
    assert tree.read(name) == (directory / name).read_bytes()
    assert load("folder", archive).train.image_shape == (64, 64, 3)


def test_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "images.rar"
    path.write_bytes(b"Rar!")
    with pytest.raises(
        DataError, match=r"images\.rar is a file: expected .* \.tar\.xz.* \.zip"
    ):
        load("folder", path)


def zipped(name: str, kind: int = stat.S_IFREG, **options) -> zipfile.ZipInfo:
    """Returns a member of a zip archive, as one made on Unix."""
    found = zipfile.ZipInfo(name)
    found.external_attr = (kind | 0o644) << 16
    for option, value in options.items():
        setattr(found, option, value)
    return found


def zip_bytes(*members: zipfile.ZipInfo) -> bytes:
    """Returns an archive of members with a thousand zeros."""
    file = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(file, "w") as archive,
    ):
        for each in (zipped("train/cat/fine.png"), *members):
            archive.writestr(each, bytes(1000), each.compress_type)
    return file.getvalue()


def directory_changed(position: int, change: bytes) -> bytes:
    """Returns an archive whose directory says something else of its last member."""
    content = zip_bytes(zipped("1.png", compress_type=zipfile.ZIP_DEFLATED))
    start = content.rindex(b"PK\1\2") + position
    return content[:start] + change + content[start + len(change) :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zip_bytes(zipped("../outside.png")), r'its name has "\.\."'),
        (zip_bytes(zipped("/etc/outside.png")), "its name is absolute"),
        (zip_bytes(zipped("link", stat.S_IFLNK)), "'link' it is a link"),
        (zip_bytes(zipped("pipe", stat.S_IFIFO)), "'pipe' it is a device"),
        (zip_bytes(zipped("train/cat/fine.png")), "fine.png' is in it twice"),
        (zip_bytes(zipped("train")), "'train' is in it twice"),
        (
            zip_bytes(zipped("1.png", compress_type=zipfile.ZIP_BZIP2)),
            "compressed in another way than deflate",
        ),
        (directory_changed(8, b"\1"), "'1.png' it is encrypted"),
        (directory_changed(20, b"\xff\xff\xff\x7f"), "lie in one another or beyond"),
        (directory_changed(42, b"\0\0\0\0"), "lie in one another"),
        (zip_bytes()[:-30], "expected a whole archive"),
        (zip_bytes()[:500], "expected a whole archive"),
        (b"", "expected a whole archive"),
        (b"no archive at all", "expected a whole archive"),
    ],
)
def test_zip_archive_that_is_not_one_of_images_is_refused(tmp_path, content, message):
    archive = tmp_path / "bad.zip"
    archive.write_bytes(content)
    with refused(tmp_path, rf"bad\.zip is (refused|damaged).*{message}"):
        load("folder", archive)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (directory_changed(16, b"!!!!"), ".*its checksum is another"),
        (directory_changed(24, b"\xe7"), ".*expected 999 bytes"),
        (directory_changed(24, b"\xe9"), ".*expected 1,001 bytes"),
        (directory_changed(24, b"\0\0\0\x70"), "too large"),
        (directory_changed(10, b"\0"), ".*expected 1,000 bytes"),
    ],
)
def test_file_in_a_zip_archive_that_is_not_as_said_is_named(tmp_path, content, message):
    archive = tmp_path / "bad.zip"
    archive.write_bytes(content)
    with refused(tmp_path, rf"bad\.zip:1\.png is {message}"):
        open_archive(archive).read("1.png", 2**20)


def test_file_in_a_zip_archive_is_unpacked_no_further_than_said(tmp_path):
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("1.png", bytes(2**25))
    content = archive.read_bytes()
    start = content.rindex(b"PK\1\2") + 24
    archive.write_bytes(content[:start] + b"\0\0\1\0" + content[start + 4 :])
    with little_memory(), refused(tmp_path, "expected 65,536 bytes"):
        open_archive(archive).read("1.png")


def test_directory_of_a_zip_archive_has_a_limit(tmp_path, monkeypatch):
    archive = tmp_path / "many.zip"
    archive.write_bytes(zip_bytes(*(zipped(f"{n}.png") for n in range(2000))))
    open_archive(archive)
    monkeypatch.setattr("experiments.data.archives.zip._MAX_DIRECTORY", 100_000)
    with refused(tmp_path, "many.zip is refused: expected names .* of memory"):
        open_archive(archive)
