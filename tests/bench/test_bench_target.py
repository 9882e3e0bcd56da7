"""The target's benchmark in miniature: what it counts arrives, and it prints a line for each run."""

import pytest

from tests.bench.target import main


@pytest.mark.long
def test_the_benchmark_of_the_target(capsys):
    assert main(["--messages", "1200", "--contacts", "150", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["bare loop of the tap", "messages, sent", "messages, sent before"]
    names += [f"contacts, {name}" for name in ("new", "unchanged", "1 % changed")]
    found = {line[:24].strip(): line[24:].split() for line in lines if line[:24].strip() in names}
    assert list(found) == names
    rates = {name: float(found[name][1].replace(",", "")) for name in names}
    for name in names[1:3]:
        assert found[name][0] == "1,200"
        assert float(found[name][2]) == pytest.approx(rates[name] / rates[names[0]], abs=0.001)
