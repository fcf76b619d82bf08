"""From an episode's page to the pages of its neighbours, as pages come and go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from placecell.arrays import atomic_write

from ...stored_run import RecordedEpisode

PAGE_FILE = "page.html"
_START, _END = "<!--neighbours-->", "<!--/neighbours-->"
_HEAD_BYTES = 131_072  # the links stand at a page's head, far before its data


@dataclass(frozen=True)
class Neighbours:
    """The episodes before and after one, those with pages alone; None where there is none."""

    before: RecordedEpisode | None = None
    after: RecordedEpisode | None = None

    def markup(self) -> str:
        """Links, or words in grey where there is nothing to go to."""
        before = _link(self.before, "prev", "‹ previous", "previous episode")
        return f"{_START}{before}{_link(self.after, 'next', 'next ›', 'next episode')}{_END}"


NO_NEIGHBOURS = Neighbours()


def href_of(name: str) -> str:
    """The address of an episode folder's page beside others; a folder's ``%`` is none of an address."""
    return f"{quote(name)}/{PAGE_FILE}"


def has_page(episode: RecordedEpisode) -> bool:
    """Whether an episode's page has been written."""
    return (episode.folder / PAGE_FILE).is_file()


def neighbours_of(
    episode: RecordedEpisode, recorded: Sequence[RecordedEpisode], paged: Collection[RecordedEpisode]
) -> Neighbours:
    """The nearest episodes with a page.

    Args:
        episode: one of ``recorded``.
        recorded: of the run, in order.
        paged: those of them that have a page, or will have one in a moment.
    """
    at = recorded.index(episode)
    before = next((other for other in reversed(recorded[:at]) if other in paged), None)
    return Neighbours(before, next((other for other in recorded[at + 1 :] if other in paged), None))


def relink(recorded: Sequence[RecordedEpisode]) -> int:
    """Corrects the links of all pages of a run; how many files it wrote anew.

    Args:
        recorded: the episodes of a run, in order.

    Raises:
        OSError: a page cannot be written.
    """
    paged = {episode for episode in recorded if has_page(episode)}
    changed = 0
    for episode in recorded:
        if episode in paged:
            changed += _rewrite(episode.folder / PAGE_FILE, neighbours_of(episode, recorded, paged).markup())
    return changed


def _rewrite(page: Path, links: str) -> bool:
    wanted = links.encode()
    with open(page, "rb") as file:
        head = file.read(_HEAD_BYTES)
    start, end = head.find(_START.encode()), head.find(_END.encode())
    if start < 0 or end < start or head[start : end + len(_END)] == wanted:
        return False
    content = page.read_bytes()
    atomic_write(page, content[:start] + wanted + content[end + len(_END) :])
    return True


def _link(episode: RecordedEpisode | None, rel: str, words: str, says: str) -> str:
    if episode is None:
        return f'<span class="nowhere" aria-disabled="true">{words}</span>'
    address, name = escape(f"../{href_of(episode.folder.name)}"), escape(episode.episode_id)
    return f'<a rel="{rel}" href="{address}" aria-label="{says}: {name}" title="{name}">{words}</a>'
