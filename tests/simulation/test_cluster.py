"""Studies on a Dask cluster: real ones of this machine, each scheduler and worker a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from joblib import Parallel, delayed  # type: ignore[import-untyped] # it ships no types

from tests.simulation.laboratory import SCENARIO, laboratory
from tidehall.command import main
from tidehall.simulation import cluster as simulation_cluster
from tidehall.simulation.cluster import ClusterUnusable, check_workers, on_cluster, version_here
from tidehall.simulation.study import run_study

ROOT = Path(__file__).parent.parent.parent
#: A cluster that lasts until its input ends, and says where it is.
CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, processes=True, dashboard_address=None) as it:
        print(it.scheduler_address, flush=True)
        if sys.stdin.readline():  # told to let the workers go
            it.scale(0)
        sys.stdin.read()
"""


@contextmanager
def started(folder: Path, workers: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A cluster's process, and its address."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER, "utf-8")
    command = [sys.executable, str(script), str(workers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as cluster:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        assert address, "the cluster did not start"
        yield cluster, address


@contextmanager
def running(folder: Path, workers: int) -> Iterator[str]:
    """A cluster until the end, when it is stopped in order."""
    with started(folder, workers) as (cluster, address):
        yield address
        cluster.communicate(timeout=60)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of two workers."""
    with running(tmp_path_factory.mktemp("cluster"), 2) as found:
        yield found


def test_the_same_journal_on_a_cluster(address: str) -> None:
    """Days played by two workers give the digest and the figures of one process, in which none of them was played."""
    scenario = laboratory(3, 20.0, {"distribution": "exponential", "mean_s": 400.0}, lines=2)
    here = run_study(scenario, days=7, seed=5, digest=True)
    with on_cluster(address) as jobs:
        assert jobs == 2
        there = run_study(scenario, days=7, seed=5, jobs=jobs, digest=True)
        places = set(Parallel(n_jobs=jobs)(delayed(os.getpid)() for _ in range(8)))
    assert here.journal
    assert there.facts() == here.facts()
    assert places
    assert os.getpid() not in places


@pytest.mark.parametrize("command", [("simulate", "--days", "4"), ("compare", "--days", "4"), ("size",)])
def test_commands_on_a_cluster(
    tmp_path: Path, address: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """`simulate`, `compare` and `size` say the same with `--cluster`, and nothing else."""
    file = tmp_path / "s.toml"
    file.write_text(SCENARIO, "utf-8")
    files = [str(file)] * (2 if command[0] == "compare" else 1)
    codes, told = [], []
    for where in ([], ["--cluster", address]):
        codes.append(main([*command, *files, "--json", *where]))
        told.append(capsys.readouterr())
    assert codes[0] == codes[1]
    assert told[0].err == told[1].err
    assert json.loads(told[0].out) == json.loads(told[1].out)


def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cluster at the address, an address that is none, a cluster without workers, the extra not installed, local
    processes asked for as well: exit 2 and one line."""
    file = tmp_path / "s.toml"
    file.write_text(SCENARIO, "utf-8")

    def refused(*arguments: str) -> str:
        assert main(["simulate", str(file), *arguments]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1, said.err
        return said.err

    for nowhere in ("127.0.0.1:1", "here::there"):
        assert f"no Dask cluster answers at {nowhere}" in refused("--cluster", nowhere)
    with running(tmp_path, 0) as empty:
        assert "has no workers" in refused("--cluster", empty)
    with pytest.raises(SystemExit):
        main(["simulate", str(file), "--cluster", "127.0.0.1:1", "--jobs", "2"])
    assert "not allowed with" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'tidehall[simulation,cluster]'" in refused("--cluster", "127.0.0.1:1")


def test_a_cluster_that_is_lost(tmp_path: Path) -> None:
    """A cluster that dies in the middle of a study ends it with a sentence, not with waiting for ever."""
    scenario = laboratory(3, 20.0, {"distribution": "exponential", "mean_s": 400.0}, lines=2)
    with started(tmp_path, 1) as (cluster, address):
        with pytest.raises(ClusterUnusable, match=f"the cluster at {address} was lost"), on_cluster(address) as jobs:
            run_study(scenario, days=5000, jobs=jobs, progress=cluster.kill)
        cluster.wait(timeout=60)


def test_a_cluster_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose last worker goes and does not come back is lost too, and the sentence says so."""
    monkeypatch.setattr(simulation_cluster, "ALONE_S", 1.0)
    scenario = laboratory(3, 20.0, {"distribution": "exponential", "mean_s": 400.0}, lines=2)
    with started(tmp_path, 1) as (cluster, address):
        assert cluster.stdin is not None
        let_go = iter([cluster.stdin])

        def played() -> None:
            for stdin in let_go:
                stdin.write("go\n")
                stdin.flush()

        with pytest.raises(ClusterUnusable, match="no worker for 1 s; start some"), on_cluster(address) as jobs:
            run_study(scenario, days=5000, jobs=jobs, progress=played)
        cluster.communicate(timeout=60)


def test_every_worker_must_be_as_we_are() -> None:
    """A worker without TideHall, or with other versions of what a journal depends on, is refused by name."""
    check_workers("there", {"w1": version_here(), "w2": version_here()})
    with pytest.raises(ClusterUnusable, match=r"w2 has tidehall 0\.0\.1 and numpy .*; install tidehall"):
        check_workers("there", {"w1": version_here(), "w2": ("0.0.1", version_here()[1])})
    with pytest.raises(ClusterUnusable, match=r"w1 has no tidehall .*No module named 'tidehall'"):
        check_workers("there", {"w1": ModuleNotFoundError("No module named 'tidehall'")})
