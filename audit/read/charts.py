"""Charts as SVG text: no script, no font, no colour without a word beside it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

COLOURS = {"allow": "#2f7d4f", "deny": "#b3372f", "hold": "#c58a1b", "refused": "#6b6f76"}
OTHER = "#3b6ea5"
PALETTE = (OTHER, "#c58a1b", "#2f7d4f", "#8a4fa3", "#b3372f", "#6b6f76")  # of series without a colour of their own
WIDTH, HEIGHT, LEFT, BOTTOM = 860, 220, 52, 28
WIDEST = 40.0  # a single day is a bar, not a wall


def stacked(days: Sequence[str], series: Mapping[str, Sequence[int]], title: str) -> str:
    """One bar per day, its parts in the order of `series`. Empty text when there is nothing to draw."""
    totals = [sum(values[day] for values in series.values()) for day in range(len(days))]
    if not days or not any(totals):
        return ""
    top, step = max(totals), (WIDTH - LEFT) / len(days)
    parts, colours = [_axis(top)], _colours(series)
    for day, label in enumerate(days):
        base = float(HEIGHT - BOTTOM)
        x, width = LEFT + day * step, min(WIDEST, max(1.0, step * 0.8))
        for name, values in series.items():
            height = (HEIGHT - BOTTOM - 12) * values[day] / top
            base -= height
            if values[day]:
                told = f"<title>{escape(label)}: {escape(name)} {values[day]}</title>"
                shape = f'x="{x:.1f}" y="{base:.1f}" width="{width:.1f}" height="{height:.1f}"'
                parts.append(f'<rect {shape} fill="{colours[name]}">{told}</rect>')
        if day % max(1, len(days) // 10) == 0:
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}">{escape(label)}</text>')
    return _svg(HEIGHT, title, parts) + _legend(series)


def bars(rows: Sequence[tuple[str, int]], title: str, most: int = 15) -> str:
    """Horizontal bars, the largest first, at most `most` of them; how many are left out is said."""
    shown = sorted(rows, key=lambda row: -row[1])[:most]
    if not shown or not shown[0][1]:
        return ""
    top, left = shown[0][1], 300
    parts = []
    for place, (label, value) in enumerate(shown):
        y, width = 8 + place * 22, (WIDTH - left - 90) * value / top
        text = label if len(label) <= 44 else label[:43] + "…"
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(text)}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="16" fill="{OTHER}"/>')
        parts.append(f'<text x="{left + width + 6:.1f}" y="{y + 12}">{value}</text>')
    note = f"<p>{len(rows) - len(shown)} more in the tables.</p>" if len(rows) > len(shown) else ""
    return _svg(len(shown) * 22 + 16, title, parts) + note


def _colours(names: Iterable[str]) -> dict[str, str]:
    return {name: COLOURS.get(name, PALETTE[place % len(PALETTE)]) for place, name in enumerate(names)}


def _axis(top: int) -> str:
    line = f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH}" y2="{HEIGHT - BOTTOM}" stroke="#999"/>'
    return f'{line}<text x="{LEFT - 6}" y="20" text-anchor="end">{top}</text>'


def _legend(series: Mapping[str, Sequence[int]]) -> str:
    colours = _colours(series)
    items = [
        f'<span><svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="{colours[name]}"/></svg>'
        f"{escape(name)} {sum(values)}</span>"
        for name, values in series.items()
    ]
    return f'<p class="legend">{" ".join(items)}</p>'


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">'
    return f"{head}{''.join(parts)}</svg>"
