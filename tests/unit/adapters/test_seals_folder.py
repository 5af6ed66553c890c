"""The folder with the keys of sealed fields: made once, whole or not used at all, and what is destroyed is out of its files."""

import multiprocessing
import os
import stat

import pytest

from counterfoil.adapters.sqlite import seals as seals_module
from counterfoil.adapters.sqlite.document_keys import DocumentKeysFile
from counterfoil.adapters.sqlite.seals import DATABASE_NAME, KEY_NAME, SealsFolder, read_sealing_key
from counterfoil.embedded import open_ledger
from counterfoil.errors import InputError, IntegrityError, PreconditionError, SealMismatchError, UnavailableError
from counterfoil.ledger.document_keys import DocumentKey
from tests.ledgers import rows
from tests.sealed_ledgers import ERASE, ERASED, NAME, SECRET, STRAND, is_sealed, with_people

BY = ("Ada", "asked for")


def opened(folder):
    return open_ledger(folder / "bank", seals=folder / "seals")


def files(folder):
    return b"".join(path.read_bytes() for path in sorted((folder / "seals").iterdir()))


def test_the_folder_is_made_once_and_only_its_owner_reads_the_key(tmp_path):
    with opened(tmp_path) as ledger:
        with_people(ledger)
    key = tmp_path / "seals" / KEY_NAME
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with opened(tmp_path) as ledger:
        assert rows(ledger, NAME, "NL") == [SECRET]
    assert key.read_bytes() == before
    assert len(read_sealing_key(key)) == 32


def test_no_file_of_the_ledger_has_what_is_sealed_nor_a_key(tmp_path):
    with opened(tmp_path) as ledger:
        with_people(ledger)
        data = b"".join(path.read_bytes() for path in (tmp_path / "bank").iterdir())
    assert SECRET.encode() not in data
    assert read_sealing_key(tmp_path / "seals" / KEY_NAME) not in data


def test_a_destroyed_key_is_out_of_every_file_when_the_call_returns(tmp_path):
    with opened(tmp_path) as ledger:
        person = with_people(ledger)
        key = ledger._seals.keys.load([person[1]])[person[1]]
        assert key.wrapped in files(tmp_path)
        rows(ledger, ERASE, *person, *BY)
        assert key.wrapped not in files(tmp_path)
        assert key.key_id.encode() in files(tmp_path)


def test_a_key_that_a_reader_holds_in_the_log_is_not_called_destroyed(tmp_path, monkeypatch):
    monkeypatch.setattr("counterfoil.adapters.sqlite.connections.BUSY_MILLISECONDS", 10)
    file = DocumentKeysFile(tmp_path / "keys.db")
    keys = file.of(STRAND)
    keys.add(DocumentKey("d" * 22, "k" * 22, b"wrapped key of d"))
    with file._readers.reader() as reader:
        reader.execute("SELECT * FROM document_key").fetchall()
        with pytest.raises(UnavailableError, match="still has"):
            keys.destroy("d" * 22, 1)
    assert keys.destroy("d" * 22, 2).destroyed_ms == 1
    assert b"wrapped key of d" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    file.close()


def test_keys_without_what_wraps_them_are_not_taken_for_new_ones(tmp_path):
    with opened(tmp_path) as ledger:
        with_people(ledger)
    key = tmp_path / "seals" / KEY_NAME
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(InputError, match="bring it back"):
        opened(tmp_path)
    key.write_bytes(kept)
    with opened(tmp_path) as ledger:  # the refusal let go of the ledger
        assert rows(ledger, NAME, "NL") == [SECRET]


def test_with_another_sealing_key_nothing_opens_and_nothing_passes_for_erased(tmp_path):
    with opened(tmp_path) as ledger:
        with_people(ledger)
    SealsFolder.open(tmp_path / "other").close()
    (tmp_path / "seals" / KEY_NAME).write_bytes((tmp_path / "other" / KEY_NAME).read_bytes())
    with opened(tmp_path) as ledger, pytest.raises(SealMismatchError, match="the key of document"):
        rows(ledger, NAME, "NL")


def test_without_the_keys_what_is_sealed_is_shown_as_it_stands(tmp_path):
    with opened(tmp_path) as ledger:
        with_people(ledger)
    (tmp_path / "seals" / DATABASE_NAME).unlink()
    with opened(tmp_path) as ledger:
        (name,) = rows(ledger, NAME, "NL")
        assert is_sealed(name)
        with pytest.raises(PreconditionError):
            rows(ledger, "UPDATE People AS p SET p.name = ?", "Margot")


@pytest.mark.parametrize("text", [
    b"", b"counterfoil sealing key 1 ", b"counterfoil sealing key 1 AAAA\n", b"counterfoil sealing key 1 ????\n", b"\xff\xfe",
    b"another text", b"A" * 44,
])  # fmt: skip
def test_what_is_no_key_is_refused_without_a_word_of_what_was_read(tmp_path, text):
    path = tmp_path / KEY_NAME
    path.write_bytes(text)
    with pytest.raises(InputError) as refused:
        read_sealing_key(path)
    assert "AAAA" not in str(refused.value)


def test_a_crash_while_the_key_was_written_leaves_nothing_in_the_way(tmp_path, monkeypatch):
    folder = tmp_path / "seals"
    folder.mkdir()
    (folder / f".{KEY_NAME}.partial").write_text("half a ke")
    SealsFolder.open(folder).close()
    assert len(read_sealing_key(folder / KEY_NAME)) == 32


def test_a_file_that_is_no_database_is_damage(tmp_path):
    SealsFolder.open(tmp_path).close()
    (tmp_path / DATABASE_NAME).write_bytes(b"no database, but longer than a header of one" * 10)
    with pytest.raises(IntegrityError):
        SealsFolder.open(tmp_path)


def test_a_disk_that_fails_is_unavailable(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(seals_module, "_write_new", fail)
    with pytest.raises(UnavailableError, match="No space left"):
        SealsFolder.open(tmp_path / "seals")


def _erase_and_die(folder, person):
    """Killed after the key is destroyed, before the certificate is committed."""
    destroy = DocumentKeysFile.destroy

    def destroy_and_die(file, *arguments):
        destroy(file, *arguments)
        os._exit(9)

    DocumentKeysFile.destroy = destroy_and_die
    rows(opened(folder), ERASE, *person, *BY)


def test_killed_between_the_key_and_the_certificate_asking_again_completes_it(tmp_path):
    with opened(tmp_path) as ledger:
        person = with_people(ledger)
    child = multiprocessing.get_context("spawn").Process(target=_erase_and_die, args=(tmp_path, person))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    with opened(tmp_path) as ledger:
        assert rows(ledger, NAME, "NL") == [ERASED]
        assert rows(ledger, "SELECT * FROM counterfoil_erasures") == []
        rows(ledger, ERASE, *person, *BY)
        assert len(rows(ledger, "SELECT * FROM counterfoil_erasures")) == 1
