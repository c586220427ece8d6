"""The weights store: import proves what a file is, and every state of the store is named."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

from engines import weights, weights_command
from engines.api import CancelToken
from engines.disentangled.net_audio import Audio2Lip
from engines.errors import Cancelled, InputError, WeightsMissing


@pytest.fixture
def audio2lip(tmp_path: Path) -> Path:
    """A real checkpoint of a real, small network (11 MB)."""
    path = tmp_path / "downloads" / "Audio2Lip.pt"
    path.parent.mkdir()
    torch.manual_seed(1)
    torch.save({"audio2lip": Audio2Lip().state_dict()}, path)
    return path


def test_manifests_are_complete() -> None:
    for entry in weights.entries().values():
        assert entry.licence
        assert entry.source.startswith("https://") or 0 in entry.parameters  # 0: trained by the user
        assert entry.files
        assert entry.loader.startswith(f"engines.{entry.family}.")
    assert {"edtalk", "edtalk-lip-pose", "edtalk-audio2lip", "lia-vox", "diffae-ffhq256", "e4e"} <= set(
        weights.entries()
    )
    with pytest.raises(InputError, match="no weights 'nothing'"):
        weights.entry("nothing")


def test_missing_weights_say_where_to_get_them() -> None:
    assert weights.status("edtalk").state == "missing"
    with pytest.raises(WeightsMissing, match=r"Get EDTalk\.pt from https://github\.com.*licence: Apache-2\.0.*import"):
        weights.locate("edtalk")


@pytest.mark.parametrize("name", ["Audio2Lip.pt", "renamed.pt"])
def test_import_verify_load_remove(audio2lip: Path, name: str) -> None:
    source = audio2lip.rename(audio2lip.with_name(name))
    said: list[tuple[float, str]] = []
    (found,) = weights.import_path(source, progress=lambda part, what: said.append((part, what)))
    assert found.entry.id == "edtalk-audio2lip"
    assert found.state == "ready"
    assert said[-1][0] == 1
    assert weights.verify("edtalk-audio2lip").state == "ready"
    assert weights.locate("edtalk-audio2lip").read_bytes() == source.read_bytes()
    network = weights.load("edtalk-audio2lip")
    assert torch.equal(network.mapping.bias, torch.load(source)["audio2lip"]["mapping.bias"])
    record = json.loads((weights.folder() / "edtalk-audio2lip" / "record.json").read_text())
    assert record["sha256"] == found.sha256
    weights.remove("edtalk-audio2lip")
    assert weights.status("edtalk-audio2lip").state == "missing"


def test_a_folder_is_searched(audio2lip: Path) -> None:
    (audio2lip.parent / "notes.txt").write_text("nothing")
    found = weights.import_path(audio2lip.parent)
    assert [s.entry.id for s in found] == ["edtalk-audio2lip"]
    audio2lip.unlink()
    with pytest.raises(WeightsMissing, match="no checkpoint of a known name"):
        weights.import_path(audio2lip.parent)


def test_damage_is_found(audio2lip: Path) -> None:
    weights.import_path(audio2lip)
    stored = weights.locate("edtalk-audio2lip")
    content = bytearray(stored.read_bytes())
    content[5_000_000] ^= 1
    stored.write_bytes(content)
    assert weights.status("edtalk-audio2lip").state == "ready"
    assert "another sha256" in weights.verify("edtalk-audio2lip").problem
    stored.write_bytes(content[:1000])
    with pytest.raises(WeightsMissing, match=r"are damaged: .* has 1000 bytes"):
        weights.locate("edtalk-audio2lip")
    stored.unlink()
    assert "is gone" in weights.status("edtalk-audio2lip").problem
    (stored.parent / "record.json").write_text("{")
    assert weights.status("edtalk-audio2lip").state == "damaged"


def test_wrong_files_leave_the_store_unchanged(audio2lip: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "EDTalk.pt"
    wrong.write_bytes(audio2lip.read_bytes())
    with pytest.raises(WeightsMissing, match=r"EDTalk\.pt holds no 'gen', only: audio2lip"):
        weights.import_path(wrong)
    with pytest.raises(WeightsMissing, match="holds no 'gen'"):
        weights.import_path(audio2lip, "edtalk")
    audio2lip.write_bytes(audio2lip.read_bytes()[:-5000])
    with pytest.raises(WeightsMissing, match="damaged or truncated"):
        weights.import_path(audio2lip)
    strange = tmp_path / "strange.pt"
    torch.save({"weight": torch.zeros(3)}, strange)
    with pytest.raises(WeightsMissing, match="none of the known checkpoints"):
        weights.import_path(strange)
    assert all(s.state == "missing" for s in weights.statuses())
    assert not weights.folder().exists() or not list(weights.folder().iterdir())


def test_cancel_leaves_nothing(audio2lip: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        weights.import_path(audio2lip, cancel=cancel)
    assert not list(weights.folder().iterdir())


def test_hub_is_asked_only_on_request(audio2lip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The download itself is the hub library's; what comes back goes through the same checks."""
    hub = pytest.importorskip("huggingface_hub")

    def download(repository: str, file: str, local_dir: str) -> str:
        if repository != "owner/name":
            raise OSError("no such repository")
        return str(audio2lip.rename(Path(local_dir) / file))

    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(WeightsMissing, match="could not be fetched from owner/other: no such repository"):
        weights.import_hub("owner/other", "Audio2Lip.pt")
    assert weights.import_hub("owner/name", "Audio2Lip.pt").state == "ready"


def test_command_line(audio2lip: Path) -> None:
    parser = argparse.ArgumentParser()
    weights_command.add_arguments(parser)
    lines: list[str] = []
    weights_command.run(parser.parse_args([]), lines.append)
    assert len(lines) == len(weights.entries())
    lines.clear()
    weights_command.run(parser.parse_args(["import", str(audio2lip)]), lines.append)
    assert "ready" in lines[0]
    weights_command.run(parser.parse_args(["verify"]), lines.append)
    weights.locate("edtalk-audio2lip").write_bytes(b"x")
    with pytest.raises(WeightsMissing, match="damaged"):
        weights_command.run(parser.parse_args(["verify"]), lines.append)
    weights_command.run(parser.parse_args(["remove", "edtalk-audio2lip"]), lines.append)
    lines.clear()
    weights_command.run(parser.parse_args(["folder"]), lines.append)
    assert lines == [str(weights.folder())]
