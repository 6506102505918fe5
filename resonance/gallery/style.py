"""How a report looks."""

CSS = """
:root {
  color-scheme: light dark;
  --ground: #fcfcfa; --field: #f1f1ee; --text: #23241f; --quiet: #62645c; --line: #deded8;
  --new: #17663b; --gone: #a3341f; --mark: #3667b5; --warm: #a8572a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #181816; --field: #232320; --text: #e4e3dc; --quiet: #a3a298; --line: #3a3a35;
    --new: #7cc79a; --gone: #ec937f; --mark: #85aeea; --warm: #e0a071;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0 }
body {
  max-width: 100rem; margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem;
  color: var(--text); background: var(--ground);
  font: 14px/1.45 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.75rem; font-weight: 600; line-height: 1.2; letter-spacing: -0.01em }
h2 { font-size: 1.05rem; font-weight: 600 }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 3px }
dl { display: flex; flex-wrap: wrap; gap: .75rem 2rem; margin-top: 1.25rem }
dt, .quiet { color: var(--quiet); font-size: 12px }
dd { font-variant-numeric: tabular-nums }
.error { color: var(--gone) }
.plots { display: flex; flex-wrap: wrap; gap: .75rem 2rem; margin-bottom: .5rem }
header + main > section:first-child { margin-top: 1.75rem }
.row {
  display: grid; grid-template: auto 1fr / 15rem minmax(0, 1fr); gap: .75rem 2.5rem;
  margin-top: 2rem; padding-top: 1.5rem; border-top: 1px solid var(--line);
  content-visibility: auto; contain-intrinsic-size: auto 24rem;
}
.row .strip { grid-area: 1 / 2 / 3 / 3 }
.row .plots { flex-direction: column; margin-bottom: 0 }
.strip { display: flex; gap: 1.25rem; overflow-x: auto; padding-bottom: .75rem; list-style: none; scrollbar-width: thin }
.strip > li { flex: 0 0 12rem; width: 12rem }
.picture {
  display: grid; place-items: center; width: 12rem; height: 12rem; margin-bottom: .6rem;
  background: var(--field); border-radius: 3px; overflow: hidden;
}
.picture img { display: block; width: 100%; height: 100%; object-fit: contain }
.picture p { padding: 1rem; text-align: center; font-size: 12px; color: var(--quiet); max-height: 100%; overflow: hidden }
figcaption > * + * { margin-top: .3rem }
.round { font-weight: 600 }
.tags { list-style: none; display: flex; flex-wrap: wrap; gap: 1px 8px }
ins { color: var(--new); text-decoration: none; font-weight: 600 }
del { color: var(--gone); text-decoration-thickness: 1px }
summary { cursor: pointer; color: var(--quiet); font-size: 12px }
.plot { flex: none; width: 15rem; max-width: 100% }
.plot figcaption { color: var(--quiet); font-size: 12px }
.plot svg { display: block; width: 100%; height: auto; overflow: visible }
.plot text { font-size: 10px; fill: var(--quiet) }
.plot .end { text-anchor: end }
.tick { stroke: var(--line) }
.line { fill: none; stroke: var(--text); stroke-width: 1.5 }
.line.a { stroke: var(--warm); stroke-dasharray: 6 3 }
.line.b { stroke: var(--mark); stroke-dasharray: 2 3 }
.plot circle { fill: var(--text) }
.band { fill: var(--mark); opacity: .18 }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet) }
@media (max-width: 52rem) {
  .row { grid-template: none }
  .row .strip { grid-area: auto }
  .row .plots { flex-direction: row }
}
@media (max-width: 30rem) {
  .strip > li { flex-basis: 10rem; width: 10rem }
  .picture { width: 10rem; height: 10rem }
  .plots { gap: .75rem 1rem }
  .plot { width: calc(50% - .5rem) }
  .plot text { font-size: 14px }
}
@media print { .strip { flex-wrap: wrap } .row { break-inside: avoid } }
"""
