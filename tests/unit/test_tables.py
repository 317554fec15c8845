import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillens import tables

ROW = {"example_id": "1", "text_a": "Fun", "label": 1.0, "label_name": "good"}


def test_what_is_written_is_read_back_with_its_provenance(tmp_path):
    path = tmp_path / "new" / "examples.parquet"
    tables.write(path, "examples", [ROW], {"task": "t"})
    assert tables.read(path, "examples").to_pylist() == [{**ROW, "text_b": None, "group": None}]
    assert tables.provenance(path) == {"task": "t"}


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in "ab":
        tables.write(tmp_path / name, "examples", [ROW], {"task": "t"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_unknown_column_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(tables.TableError, match=r"row 0.*colour"):
        tables.write(tmp_path / "x", "examples", [{**ROW, "colour": "red"}], {})
    assert not list(tmp_path.iterdir())


def test_a_wrong_type_is_refused(tmp_path):
    with pytest.raises(tables.TableError, match="does not fit"):
        tables.write(tmp_path / "x", "examples", [{**ROW, "label": "one"}], {})


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    tables.write(path, "examples", [ROW], {})
    before = path.read_bytes()

    def no_space(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(pq, "write_table", no_space)
    with pytest.raises(OSError, match="No space"):
        tables.write(path, "examples", [ROW, {**ROW, "example_id": "2"}], {})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"PAR1" + b[9:]])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, damage):
    path = tmp_path / "x.parquet"
    tables.write(path, "examples", [ROW], {})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(tables.TableError, match=r"x\.parquet"):
        tables.read(path, "examples")


def test_a_foreign_file_another_kind_and_another_version_are_errors(tmp_path, monkeypatch):
    foreign = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"a": [1]}), foreign)
    with pytest.raises(tables.TableError, match="foreign file"):
        tables.read(foreign, "examples")
    path = tmp_path / "x.parquet"
    tables.write(path, "examples", [ROW], {})
    with pytest.raises(tables.TableError, match="'perturbed'.*'examples'"):
        tables.read(path, "perturbed")
    written = tables.SCHEMA_VERSION
    monkeypatch.setattr(tables, "SCHEMA_VERSION", "99")
    with pytest.raises(tables.TableError, match=f"version {written}.*reads 99"):
        tables.read(path, "examples")
