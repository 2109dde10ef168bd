"""Import and export on the command line and on the editors' page."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_kb_readers import signed_in
from tests.support.browser import Pages
from tests.support.okno_process import Okno, Served

ARTICLE = "---\ntitle: {title}\nlanguage: ru\n---\n\n## Общее решение\n\n{text}\n"


@pytest.mark.feature("K-11")
@pytest.mark.slow
def test_the_command_line_takes_folders_tables_and_archives(okno: Okno, tmp_path: Path) -> None:
    assert okno("init").code == 0
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "one.md").write_text(ARTICLE.format(title="Первая", text="Текст."), "utf-8")
    (folder / "bad.md").write_text("---\ntitle: [\n---\n", "utf-8")
    tried = okno("kb", "import", str(folder), "--dry-run", "--json")
    assert (tried.code, tried.json()["data"]["created"]) == (1, 1)
    assert okno("kb", "list", "--json").json()["data"] == []
    done = okno("kb", "import", str(folder))
    assert done.code == 1
    assert "bad.md: the front matter is not YAML" in done.stderr
    assert "1 created, 0 updated, 0 unchanged, 1 refused" in done.stdout
    assert "0 created, 0 updated, 1 unchanged" in okno("kb", "import", str(folder)).stdout
    for name in ("all.zip", "all.csv", "all.json"):
        assert okno("kb", "export", str(tmp_path / name)).code == 0
        again = okno("kb", "import", str(tmp_path / name), "--json").json()["data"]
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1), name
    assert json.loads((tmp_path / "all.json").read_text("utf-8"))["articles"][0]["title"] == "Первая"
    wrong = okno("kb", "import", str(tmp_path / "nothing.zip"))
    assert (wrong.code, "is not a folder" in wrong.stderr) == (1, True)
    assert "--restart" in okno("kb", "import", "--help").stdout


@pytest.mark.feature("K-11")
@pytest.mark.browser
@pytest.mark.slow
def test_an_editor_sends_an_archive_and_saves_all(serve: Callable[..., Served], pages: Pages, tmp_path: Path) -> None:
    centre = serve("--demo")
    with zipfile.ZipFile(tmp_path / "news.zip", "w") as out:
        for number in range(30):
            out.writestr(f"news/{number}.md", ARTICLE.format(title=f"Новость {number}", text="Текст."))
        out.writestr("news/wrong.md", "no front matter")
    editor = signed_in(pages, centre, "v.tikhonova")
    editor.goto(f"{centre.url}/kb/exchange")
    editor.locator("input[type=file]").set_input_files(tmp_path / "news.zip")
    editor.get_by_role("button", name="Импорт").click()
    report = editor.locator("#kb-import-report")
    expect(report).to_contain_text("новых: 30", timeout=20_000)
    expect(report).to_contain_text("не принято: 1")
    expect(report).to_contain_text("news/wrong.md")
    with editor.expect_download() as saved:
        editor.get_by_role("link", name="Архив Markdown").click()
    names = zipfile.ZipFile(saved.value.path()).namelist()
    assert sum(name.endswith(".md") for name in names) >= 120
