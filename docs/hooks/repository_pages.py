"""Hook of MkDocs: brings pages of the repository that are not in docs/ onto the site, and links between all of them.

README.md is the first page. Pages link each other as files of the repository, so that they work there too; here the
links become those of the site. Links to files that the site does not have become plain text.
"""

import os
import posixpath
import re
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/results/README.md": "results.md",
    "saved_models/README.md": "trained-models.md",
    "examples/serving/README.md": "clients.md",
    "training/sample_corpus/README.md": "sample-corpus.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_FENCED = re.compile(r"(^```[\s\S]*?^```$)", re.M)
_MERMAID = re.compile(r"<script(?:(?!</script>)[\s\S])*mermaid(?:(?!</script>)[\s\S])*</script>")
_HREF = re.compile(r'href="([^":#]+\.(?:md|ipynb))(#[^"]*)?"')
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    for source, target in PAGES.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links of the repository into links of the site."""
    sources = {target: source for source, target in PAGES.items()}
    here = page.file.src_uri
    source = sources.get(here, f"docs/{here}")

    def link(match):
        image, text, target = match.groups()
        split = urlsplit(target)
        if split.scheme or not split.path:
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), split.path))
        anchor = f"#{split.fragment}" if split.fragment else ""
        if path in PAGES:
            path = PAGES[path]
        elif path.startswith("docs/"):
            path = path.removeprefix("docs/")
        else:
            return text
        return f"{image}[{text}]({os.path.relpath(path, posixpath.dirname(here) or '.')}{anchor})"

    parts = _FENCED.split(markdown)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links of notebooks into links of the site, and leaves out a script that is loaded from elsewhere."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html

    def link(match):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), match[1]))
        file = files.get_file_from_path(path)
        if file is None:
            raise PluginError(f"{page.file.src_uri} links {match[1]}, which is not on the site")
        return f'href="{file.url_relative_to(page.file)}{match[2] or ""}"'

    return _HREF.sub(link, _MERMAID.sub("", html))
