# SPDX-License-Identifier: MIT
"""The frame that the pictures share."""
from html import escape
from pathlib import Path


def picture(title, summary, width, y, body, notes):
    """What `body` draws, and below it, from `y` on, some lines of notes."""
    lines = [f'<text class="note" x="24" y="{y + 17 * i}">{escape(note)}</text>' for i, note in enumerate(notes)]
    height = y + 17 * len(notes)
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="title desc">\n'
        f'  <title id="title">{escape(title)}</title>\n'
        f'  <desc id="desc">{escape(summary)}.</desc>\n'
        f"  <style>\n{style}  </style>\n"
        f'  <text class="title" x="24" y="36">{escape(title)}</text>\n  ' + "\n  ".join(body + lines) + "\n</svg>\n"
    )
