import tempfile

from placecell.agent.worker_process import WorkerProcess


def test_nothing_of_a_worker_lies_among_the_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = WorkerProcess(b"")  # killed together with this process it could clear nothing away
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    process.close()
