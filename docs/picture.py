#!/usr/bin/env python3
"""Draws docs/picture.svg, the picture of the README, from a trends.json:

    cargo run --release -- run examples/readouts --out out
    python3 docs/picture.py out/trends.json out/themes.json > docs/picture.svg

Small multiples with a shared axis: the share of the text that each theme takes, by year.
"""
import json
import sys
from xml.sax.saxutils import escape

COLUMNS, WIDTH, HEIGHT, GAP, TOP = 4, 205, 92, 12, 46
INK, SOFT, FILL = "#24292f", "#6e7781", "#0969da"


def panel(x, y, name, series, periods, top):
    """One theme: bars from 0 to the shared maximum, the first and last value written out."""
    bar = (WIDTH - 20) / len(periods)
    base = y + HEIGHT - 16
    parts = [f'<text x="{x}" y="{y + 10}" class="name">{escape(name)}</text>']
    for i, period in enumerate(periods):
        share = series.get(period)
        if share is None:
            continue
        height = max(1, share / top * (HEIGHT - 36))
        parts.append(
            f'<rect x="{x + i * bar:.1f}" y="{base - height:.1f}" width="{bar - 3:.1f}" '
            f'height="{height:.1f}"><title>{escape(name)} {period}: {share:.0%}</title></rect>'
        )
    parts.append(f'<text x="{x}" y="{base + 12}" class="axis">{periods[0]}</text>')
    end = x + len(periods) * bar - 3
    last = series.get(periods[-1], 0)
    parts.append(
        f'<text x="{end:.1f}" y="{base + 12}" class="axis" text-anchor="end">'
        f"{periods[-1]}: {last:.0%}</text>"
    )
    return parts


def main(trends_path, themes_path):
    shares = json.load(open(trends_path, encoding="utf-8"))["shares"]
    names = {t["id"]: t["name"] for t in json.load(open(themes_path, encoding="utf-8"))["themes"]}
    periods = sorted({row["period"] for row in shares})
    series = {}
    for row in shares:
        if row["theme"] != "none":
            series.setdefault(row["theme"], {})[row["period"]] = row["share"]
    ranked = sorted(series, key=lambda theme: -max(series[theme].values()))[:8]
    top = max(max(series[theme].values()) for theme in ranked)
    width = COLUMNS * (WIDTH + GAP) + GAP
    height = TOP + -(-len(ranked) // COLUMNS) * (HEIGHT + GAP) + 4
    n = sum({row["period"]: row["n_documents"] for row in shares}.values())
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="Share of the text by theme and year">'
        f"<style>.name{{font-size:11px;font-weight:600;fill:{INK}}}.axis{{font-size:10px;fill:{SOFT}}}"
        f".title{{font-size:14px;font-weight:600;fill:{INK}}}rect{{fill:{FILL}}}</style>"
        f'<rect x="0" y="0" width="{width}" height="{height}" style="fill:#fff"/>'
        f'<text x="{GAP}" y="24" class="title">Share of the text by theme and year, '
        f"{n} readouts ({periods[0]} to {periods[-1]}; bars reach {top:.0%})</text>"
    )
    for i, theme in enumerate(ranked):
        x = GAP + i % COLUMNS * (WIDTH + GAP)
        y = TOP + i // COLUMNS * (HEIGHT + GAP)
        print("\n".join(panel(x, y, short(names[theme]), series[theme], periods, top)))
    print("</svg>")


def short(name):
    """A name that fits over its panel."""
    return name if len(name) <= 34 else name[:33].rsplit(" ", 1)[0] + " …"


if __name__ == "__main__":
    main(*sys.argv[1:])
