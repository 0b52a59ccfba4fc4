"""What changed between two texts, word by word."""

import re
from difflib import SequenceMatcher

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WORD = re.compile(r"\s*\S+|\s+$")
_TAGS = {"delete": ("del",), "insert": ("ins",), "replace": ("del", "ins"), "equal": ()}


def marked(before: str, after: str) -> SafeString:
    """`after`, with what is new as `<ins>` and what is gone as `<del>`."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    parts: list[SafeString] = []
    for change, i1, i2, j1, j2 in SequenceMatcher(a=old, b=new).get_opcodes():
        gone, came = "".join(old[i1:i2]), "".join(new[j1:j2])
        if change == "equal":
            parts.append(format_html("{}", came))
        if "del" in _TAGS[change]:
            parts.append(format_html("<del>{}</del>", gone))
        if "ins" in _TAGS[change]:
            parts.append(format_html("<ins>{}</ins>", came))
    return format_html_join("", "{}", ((part,) for part in parts))
