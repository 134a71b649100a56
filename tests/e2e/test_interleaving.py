"""Typing while edits come, in editors of every habit; with ``INTERLEAVINGS=10000`` as often as that in all."""

import os

import pytest
from editors import Eglot, Helix, IntelliJ, Lsp4ij, Neovim, Neovim10, VsCode
from interleaving import interleavings

MANY = int(os.environ.get("INTERLEAVINGS", "210"))
SEED = int(os.environ.get("SEED", "1"))


@pytest.mark.nightly
@pytest.mark.parametrize("kind", [VsCode, Helix, Eglot, Neovim10, Neovim, IntelliJ, Lsp4ij])
async def test_nothing_typed_is_lost_and_nothing_is_spoiled_in_silence(start, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(kind, "delay", min(kind.delay, 0.01))
    editor = await kind.connect(start)
    report = await interleavings(editor, tmp_path, -(-MANY // 7), SEED)
    print(kind.__name__, dict(report.ended))
    assert report.silent == []
    assert report.lost == []
    assert kind is Lsp4ij or report.ended["applied"] > 0
    assert await editor.client.leave() == 0
