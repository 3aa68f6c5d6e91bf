"""What leaves the screen: the clipboard and the files beside it, and the export."""

from __future__ import annotations

from pathlib import Path

from netwhy.core.model import Report


def state_folder() -> Path:
    """The platform's folder for what a program leaves behind; made if it is missing."""
    from platformdirs import user_state_path

    return Path(user_state_path("netwhy", appauthor=False, ensure_exists=True))


def keep(text: str, name: str) -> Path:
    """Write a copied text to a file of the state folder: a clipboard may not get it.

    Terminals may drop the escape sequence for the clipboard without a word, so the file is the
    copy that is sure.  OSError when it cannot be written.
    """
    from netwhy.engine import save

    path = state_folder() / name
    save(path, (text + "\n").encode())
    return path


def export(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write the report as Markdown and as JSON; OSError when the folder takes no files."""
    from netwhy.engine import save
    from netwhy.output.document import encode_json
    from netwhy.output.markdown import markdown

    stem = free_stem(folder, f"netwhy-{report.taken_at.astimezone():%Y%m%d-%H%M%S}")
    text, document = folder / f"{stem}.md", folder / f"{stem}.json"
    save(text, markdown(report).encode())
    save(document, encode_json(report))
    return text, document


def free_stem(folder: Path, stem: str) -> str:
    """The stem, with a number where files of that name are there already."""
    number, free = 1, stem
    while any((folder / f"{free}{ending}").exists() for ending in (".md", ".json")):
        number += 1
        free = f"{stem}-{number}"
    return free
