"""The Python blocks of the readmes run, and so does what finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
import snippets
from workspace import ROOT

READMES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
EXAMPLES = [example for readme in READMES for example in snippets.examples(readme)]


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: example.name if isinstance(example, snippets.Example) else None
)
def test_a_readme_example_runs(example: snippets.Example) -> None:
    """What a reader copies works."""
    snippets.run(example)


def write(folder: Path, text: str) -> list[snippets.Example]:
    """Return the examples of a Markdown text."""
    file = folder / "README.md"
    file.write_text(text)
    return snippets.examples(file)


def test_blocks_run_apart_or_together(tmp_path: Path) -> None:
    """A block has a namespace of its own unless it continues the one before; await works at the top."""
    first, second, third = write(
        tmp_path,
        "# T\n```python\nx = 1\n```\ntext\n\n<!-- continues -->\n```python\nimport asyncio\n"
        "await asyncio.sleep(0)\nassert x == 1\n```\n```sh\nfalse\n```\n"
        "```python\nassert 'x' not in globals()\n```\n"
        "<!-- not run: it needs a server -->\n```python\nraise OSError\n```\n",
    )

    assert len(first.blocks) == 2
    for example in (first, second, third):
        snippets.run(example)


def test_a_block_that_fails_names_its_line(tmp_path: Path) -> None:
    """A traceback points into the Markdown file."""
    (example,) = write(tmp_path, "# T\n\n```python\nx = 1\nraise ValueError(x)\n```\n")

    with pytest.raises(ValueError, match="1") as caught:
        snippets.run(example)

    assert (caught.traceback[-1].frame.code.raw.co_filename, caught.traceback[-1].lineno + 1) == ("README.md:4", 5)


def test_a_file_is_there_for_the_block_after_it(tmp_path: Path) -> None:
    """A marked block is a file in the working folder, which is gone afterwards."""
    (example,) = write(
        tmp_path,
        "<!-- file: application.yaml -->\n```yaml\na: 1\n```\n\nText.\n\n```python\nfrom pathlib import Path\n"
        "assert Path('application.yaml').read_text() == 'a: 1\\n'\n```\n",
    )
    before = Path.cwd()

    snippets.run(example)

    assert before == Path.cwd()


@pytest.mark.parametrize("mark", ["contniues", "continues"])
def test_a_mark_that_makes_no_sense_is_refused(tmp_path: Path, mark: str) -> None:
    """A typo in a mark, and nothing to continue, are errors."""
    with pytest.raises(ValueError, match=r"README\.md:3: (unknown mark|there is no block to continue)"):
        write(tmp_path, f"<!-- {mark} -->\n```python\npass\n```\n")
