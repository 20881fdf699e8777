"""The contract of the room that seals people (law 11)."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from cryptography.fernet import Fernet

from tidehall.store.errors import KeyFileError, StoreRefused
from tidehall.store.persons import Persons, mask_id, mask_name, mask_phone

NAME, NUMBER, PHONE = "张三丰", "42022219900101123X", "13812341234"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where the keys lie."""
    return tmp_path / "data" / "persons.key"


@pytest.fixture
def persons(key_file: Path) -> Persons:
    """A room with fresh keys."""
    return Persons.load(key_file)


def test_a_holder_is_sealed_and_opened(persons: Persons) -> None:
    """The row shows nothing of the person, and gives all of it back."""
    holder = persons.seal_holder(NAME, NUMBER, PHONE)
    shown = msgspec.json.encode(holder.row)
    for secret in (NAME, NUMBER, PHONE):
        assert secret.encode() not in shown
    assert holder.row.kind == "holder"
    assert persons.open_holder(holder.row) == {"name": NAME, "id_number": NUMBER, "phone": PHONE}


def test_the_same_person_is_found_by_number(persons: Persons) -> None:
    """The lookup depends on the number alone, however it is typed; ids and seals are new each time."""
    one, two = persons.seal_holder(NAME, NUMBER), persons.seal_holder("张 三丰", " ４２０２２２19900101123x ")
    assert one.lookup == two.lookup == one.row.lookup == persons.lookup(NUMBER)
    assert (one.row.id, one.row.sealed) != (two.row.id, two.row.sealed)
    assert persons.seal_holder(NAME, "42022219900101124X").lookup != one.lookup


def test_a_person_without_a_number_is_nobody_twice(persons: Persons) -> None:
    """Without a number there is no lookup, so such holders never collide."""
    holder = persons.seal_holder(NAME)
    assert holder.lookup is None
    assert holder.row.lookup is None
    assert persons.open_holder(holder.row) == {"name": NAME, "id_number": None, "phone": None}


def test_a_text_is_sealed_and_its_reference_tells_nothing(persons: Persons) -> None:
    """The event's reference names the row and a salted digest; the same text never gives the same one."""
    reference, row = persons.seal_text("缺身份证复印件")
    word, row_id, digest = reference.split(":")
    assert (word, row_id, len(digest), row.kind, row.lookup) == ("sealed", row.id, 64, "text", None)
    assert persons.open_text(row, reference=reference) == "缺身份证复印件"
    other, other_row = persons.seal_text("缺身份证复印件")
    assert digest not in other
    with pytest.raises(StoreRefused):
        persons.open_text(other_row, reference=reference)


def test_exchanged_and_damaged_rows_are_refused(persons: Persons) -> None:
    """A seal under another id or kind, a damaged one and one of foreign keys do not open."""
    row, other = persons.seal_holder(NAME, NUMBER).row, persons.seal_holder("李四", None).row
    text = persons.seal_text("text")[1]
    for wrong in (
        msgspec.structs.replace(row, sealed=other.sealed),
        msgspec.structs.replace(row, sealed=row.sealed[:-8] + b"AAAAAAA="),
        msgspec.structs.replace(row, sealed=b""),
        text,
    ):
        with pytest.raises(StoreRefused):
            persons.open_holder(wrong)
    with pytest.raises(StoreRefused):
        Persons([Fernet.generate_key()]).open_holder(row)


def test_keys_stay_and_are_for_the_owner_only(key_file: Path, persons: Persons) -> None:
    """The file is made once with mode 0600, and everything sealed opens after a restart."""
    holder = persons.seal_holder(NAME, NUMBER)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key_file.parent.iterdir()] == ["persons.key"]
    again = Persons.load(key_file)
    assert again.open_holder(holder.row)["name"] == NAME
    assert (again.lookup(NUMBER), again.token("t1"), again.fingerprint(b"x")) == (
        holder.lookup,
        persons.token("t1"),
        persons.fingerprint(b"x"),
    )


def test_processes_that_start_together_share_one_key(key_file: Path) -> None:
    """Whoever is first makes the key; all the others read that one."""
    with ThreadPoolExecutor(8) as pool:
        rooms = list(pool.map(lambda _: Persons.load(key_file), range(16)))
    assert len({room.token("t1") for room in rooms}) == 1
    assert len(list(key_file.parent.iterdir())) == 1


def test_rotation_seals_anew_and_opens_the_old(key_file: Path, persons: Persons) -> None:
    """With a new key on top, old rows open, people are found, tokens hold, and the old key alone opens no new row."""
    holder, token = persons.seal_holder(NAME, NUMBER), persons.token("t1")
    key_file.write_bytes(Fernet.generate_key() + b"\n" + key_file.read_bytes())
    rotated = Persons.load(key_file)
    assert rotated.open_holder(holder.row)["name"] == NAME
    assert rotated.lookup(NUMBER) == holder.lookup
    assert rotated.ticket_of(token) == "t1"
    with pytest.raises(StoreRefused):
        persons.open_holder(rotated.seal_holder(NAME).row)


def test_bad_key_files_are_refused_with_a_sentence(key_file: Path) -> None:
    """Missing, open to others, empty and damaged files are told apart."""
    with pytest.raises(KeyFileError, match="cannot be read"):
        Persons.load(key_file, create=False)
    Persons.load(key_file)
    os.chmod(key_file, 0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Persons.load(key_file)
    os.chmod(key_file, 0o600)
    for damaged in (b"", b"\n", b"not a key", b"\xff\xfe"):
        key_file.write_bytes(damaged)
        with pytest.raises(KeyFileError, match="no key"):
            Persons.load(key_file)


def test_tokens_are_genuine_or_nothing(persons: Persons) -> None:
    """A token names its ticket; anything else, however hostile, names none."""
    token = persons.token("t.1")
    assert persons.ticket_of(token) == "t.1"
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    signature = token.rpartition(".")[2]
    for wrong in ("", ".", "t.1", forged, f"t.2.{signature}", f".{signature}", signature, "t.1.密", "\ud800.\ud800"):
        assert persons.ticket_of(wrong) is None
    assert Persons([Fernet.generate_key()]).ticket_of(token) is None


def test_fingerprints_are_keyed(persons: Persons) -> None:
    """The same request gives the same fingerprint here and another one elsewhere."""
    assert persons.fingerprint(b"a") == persons.fingerprint(b"a") != persons.fingerprint(b"b")
    assert Persons([Fernet.generate_key()]).fingerprint(b"a") != persons.fingerprint(b"a")


@pytest.mark.parametrize(
    ("mask", "plain", "masked"),
    [
        (mask_name, "张三丰", "张**"),
        (mask_name, "张三", "张*"),
        (mask_name, "张", "张"),
        (mask_name, "", ""),
        (mask_name, "Alexandra Montgomery", "A***"),
        (mask_id, "420222199001011234", "420***********1234"),
        (mask_id, "E12345678", "******678"),
        (mask_id, "", ""),
        (mask_phone, "13812341234", "138****1234"),
        (mask_phone, "62212345", "******45"),
    ],
)
def test_masks(mask: object, plain: str, masked: str) -> None:
    """Names keep their first character, numbers three in front and four behind; short ones show less."""
    assert callable(mask)
    assert mask(plain) == masked
