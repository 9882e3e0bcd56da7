"""The list of mutants fits the product: each can be tried, and a mutant is told from the product by tests."""

import pytest

from tests.mutants.__main__ import LISTS, ROOT, Mutant, WrongListError, chosen, notice, read


def test_each_mutant_changes_one_place_of_the_product():
    mutants = read(LISTS)
    assert len(mutants) >= 150
    for mutant in mutants:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        compile(mutant.applied(text), mutant.file, "exec")
        assert next(iter(mutant.groups(narrow=True)))


def test_a_folder_stands_for_its_files():
    mutants = [
        Mutant(name, f"clicksend/{name}.py", "", "", "") for name in ("ledger/store", "ledgers", "paging")
    ]
    assert [one.name for one in chosen(mutants, ["clicksend/ledger/"])] == ["ledger/store"]
    assert [one.name for one in chosen(mutants, ["clicksend/paging.py"])] == ["paging"]
    assert chosen(mutants, []) == mutants


@pytest.mark.parametrize("text", ["", "a a"])
def test_a_text_that_does_not_stand_there_once_is_refused(text):
    with pytest.raises(WrongListError, match="stands"):
        Mutant("M", "file.py", "a", "b", "").applied(text)


@pytest.mark.parametrize(
    "name", ["test_nobody.py", "test_mutants.py::test_nothing", "test_mutants.py::test_what_fails"]
)
def test_a_test_that_is_not_there_is_refused(tmp_path, name):
    mutant = 'name = "M"\nfile = "clicksend/paging.py"\nold = "TRIES = 3"\nnew = "TRIES = 4"\nwhy = ""'
    (tmp_path / "list.toml").write_text(f'[[mutant]]\n{mutant}\ntests = ["tests/mutants/{name}"]\n')
    with pytest.raises(WrongListError, match=f"{name} does not exist"):
        read([tmp_path / "list.toml"])


@pytest.mark.long
def test_what_fails_is_noticed_and_what_passes_is_not(tmp_path):
    for name, claim in (("good", "True"), ("bad", "False")):
        (tmp_path / f"test_{name}.py").write_text(f"def test():\n    assert {claim}\n")
    assert notice(tmp_path, ["test_bad.py"])
    assert not notice(tmp_path, ["test_good.py"])
