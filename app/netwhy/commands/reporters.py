"""How results leave `check`: each target as it finishes, or all of them at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from netwhy import __version__
from netwhy.commands import streams
from netwhy.core.model import Report, TargetReport, Vantage, Verdict
from netwhy.output.layout import Page

#: Failing targets among which a shared cause is looked for while they are still coming in.
_MOST_ROLLED_UP = 100

FORMATS = ("text", "json", "jsonl", "markdown")


class Sink:
    """Where the words go: standard output at once, or a file that is written whole at the end."""

    def __init__(self, path: str | None, progress: streams.Progress) -> None:
        self._path = None if path in (None, "-") else Path(str(path))
        self._progress = progress
        self._kept: list[bytes] = []
        if self._path is not None and (self._path.is_dir() or not self._path.parent.is_dir()):
            kind = "is a folder" if self._path.is_dir() else "its folder does not exist"
            raise streams.Refusal(f"netwhy: --output {self._path}: {kind}")

    @property
    def page(self) -> Page:
        """The page that the words are laid on; a file is read elsewhere and has no colour."""
        return streams.page() if self._path is None else Page(streams.PIPE_WIDTH)

    def write(self, result: str | bytes) -> None:
        if self._path is None:
            self._progress.erase()
            streams.write(result)
        elif isinstance(result, bytes):
            self._kept.append(result)
        else:
            self._kept.append(result.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Save the file.  Raises Refusal when it cannot be written."""
        if self._path is None:
            return
        from netwhy.engine import save

        try:
            save(self._path, b"".join(self._kept))
        except OSError as error:
            reason = error.strerror or error
            raise streams.Refusal(f"netwhy: --output {self._path}: {reason}") from None


class Reporter:
    """Shows nothing until the end; the formats that stream override `finished`."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def finished(self, report: TargetReport, vantage: Callable[[], Vantage]) -> None:
        """One target is done, or was interrupted."""

    def end(self, report: Report) -> None:
        """All targets are done, or the run was interrupted."""

    def close(self) -> None:
        """The last word was written.  Raises Refusal when it cannot be kept."""
        self._sink.close()


class TextReporter(Reporter):
    def __init__(self, sink: Sink, pad: int) -> None:
        super().__init__(sink)
        self._page = sink.page
        self._pad = min(pad, self._page.width // 2)
        self._long: bool | None = None  # whether the last target took more than a line
        self._told: dict[tuple[str, str], str] = {}  # cause and root → the target it was told of
        self._failing: list[TargetReport] = []

    def finished(self, report: TargetReport, vantage: Callable[[], Vantage]) -> None:
        from netwhy.output.text import target_lines

        page = self._page
        lines = target_lines(
            report,
            color=page.color,
            width=page.width,
            ascii=page.ascii,
            pad=self._pad,
            same_as=self._same_as(report),
        )
        # a blank line around every block keeps one target's words from another's
        long = len(lines) > 1 or report.verdict is not Verdict.OK
        gap = self._long is not None and (long or self._long)
        self._long = long
        self._sink.write("\n".join([*([""] if gap else []), *lines, ""]))

    def _same_as(self, report: TargetReport) -> str | None:
        """The target at which the root cause of this one was told already."""
        found = report.diagnosis
        if found is None or report.verdict is Verdict.OK:
            return None
        key = (found.cause, found.root or found.subject)
        if key in self._told:
            return self._told[key]
        self._failing = [*self._failing[1 - _MOST_ROLLED_UP :], report]
        told = self._told_at_its_root(report)
        if told is None:
            self._told[key] = report.target.text
        return told

    def _told_at_its_root(self, report: TargetReport) -> str | None:
        """The target that was told in full and has the deeper cause which explains this one."""
        if not self._told:
            return None
        from netwhy.diagnosis.rollup import root_causes

        text = report.target.text
        roots = [r for r in root_causes(self._failing) if text in r.explains]
        for (cause, _root), told in self._told.items():
            if any(told in root.explains and cause == root.cause for root in roots):
                return told
        return None

    def end(self, report: Report) -> None:
        from netwhy.output.text import summary_lines

        page = self._page
        lines = summary_lines(report, color=page.color, width=page.width, ascii=page.ascii)
        if lines:
            self._sink.write("\n".join(["", *lines, ""]))


class LinesReporter(Reporter):
    def finished(self, report: TargetReport, vantage: Callable[[], Vantage]) -> None:
        from netwhy.output.document import encode_line

        line = encode_line(
            report, version=__version__, taken_at=datetime.now(UTC), vantage=vantage()
        )
        self._sink.write(line)


class JsonReporter(Reporter):
    def end(self, report: Report) -> None:
        from netwhy.output.document import encode_json

        self._sink.write(encode_json(report))


class MarkdownReporter(Reporter):
    def end(self, report: Report) -> None:
        from netwhy.output.markdown import markdown

        self._sink.write(markdown(report).encode())


def reporter(form: str, sink: Sink, pad: int) -> Reporter:
    """The reporter of one of FORMATS; `pad` is the width of the widest target's name."""
    if form == "text":
        return TextReporter(sink, pad)
    kinds = {"json": JsonReporter, "jsonl": LinesReporter, "markdown": MarkdownReporter}
    return kinds[form](sink)
