"""The target's benchmark in miniature: what it counts arrives, and it prints a line for each run."""

from bench.target import main


def test_the_benchmark_of_the_target(capsys):
    assert main(["--messages", "1200", "--contacts", "150", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["messages, sent", "messages, sent before"]
    names += [f"contacts, {name}" for name in ("new", "unchanged", "1 % changed")]
    assert [line[:24].strip() for line in lines[-5:]] == names
    assert [line.split()[-5] for line in lines[-5:-3]] == ["1,200"] * 2
