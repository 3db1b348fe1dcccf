// How the feed page looks: one quiet column per platform, light or dark as the reader's system is.

const colours = `
:root {
  color-scheme: light dark;
  --ground: #f6f6f3; --sheet: #fff; --ink: #1b1d20; --soft: #5c6067; --line: #e5e5df; --well: #f4f4f0; --link: #1d5bb8; --thread: #d6d6ce; --good: #2c7a4b; --bad: #a8452a;
  --fresh: #fff8df; --tint: .92; --tone: .42;
  --shadow: 0 1px 2px rgb(20 20 10 / .04), 0 4px 16px rgb(20 20 10 / .03);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #111214; --sheet: #191b1e; --ink: #e9e9e6; --soft: #a3a7ae; --line: #2a2d31; --well: #212428; --link: #8db7f7; --thread: #3a3e44; --good: #6fc391; --bad: #f0987c;
    --fresh: #2b2817; --tint: .36; --tone: .9; --shadow: none;
  }
}`

const frame = `
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; padding: 0 clamp(.75rem, 3vw, 2rem) 4rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", sans-serif; overflow-anchor: none; }
h1, h2, h3, p, ul, ol, figure { margin: 0; padding: 0; font: inherit; }
ul, ol { list-style: none; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.skip { position: absolute; inset-inline-start: -999rem; }
.skip:focus { inset-inline-start: 1rem; top: 1rem; z-index: 2; background: var(--sheet); padding: .5rem 1rem; border-radius: 8px; }
.top { display: grid; grid-template-columns: 1fr auto; gap: .875rem 1rem; align-items: baseline; max-width: 84rem; margin: 0 auto; padding: 1.75rem 0 1.25rem; }
h1 { font-size: 1.375rem; font-weight: 680; letter-spacing: -.015em; line-height: 1.2; }
h1 a { color: inherit; }
.title p { color: var(--soft); font-size: .9375rem; margin-top: .125rem; }
.live { display: flex; align-items: center; gap: .4rem; color: var(--soft); font-size: .8125rem; white-space: nowrap; }
.dot { width: .5rem; height: .5rem; border-radius: 50%; background: var(--good); }
.live.lost .dot { background: var(--bad); }
nav { grid-column: 1 / -1; min-width: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .375rem; }
nav a { display: block; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: 99px; background: var(--sheet); color: var(--ink); font-size: .875rem; }
nav a:hover { border-color: var(--soft); text-decoration: none; }
nav a[aria-current] { background: var(--ink); border-color: var(--ink); color: var(--ground); }
nav ul + ul { margin-top: .5rem; }
.searched { max-width: 84rem; margin: 0 auto 1rem; color: var(--soft); font-size: .9375rem; }
.searched b { color: var(--ink); font-weight: 600; }
.searched a { margin-inline-start: .5rem; }
main { display: grid; gap: 1.5rem; align-items: start; max-width: 84rem; margin: 0 auto; }
main.many { grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
main.single, body:has(main.single) :is(.top, .searched) { max-width: 40rem; }
.start { grid-column: 1 / -1; min-width: 0; }
.start pre { margin: 0; padding: .875rem 1.125rem; overflow-x: auto; background: var(--sheet); border: 1px solid var(--line); border-radius: 14px; font: .875rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace; }
.column { min-width: 0; }
h2 { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; padding: 0 .25rem .5rem; font-size: 1rem; font-weight: 640; }
.count { color: var(--soft); font-size: .8125rem; font-weight: 400; font-variant-numeric: tabular-nums; }
.threads { background: var(--sheet); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow); overflow: hidden; }
.thread + .thread { border-top: 1px solid var(--line); }
.empty { padding: 2.5rem 1.5rem; color: var(--soft); text-align: center; text-wrap: balance; }
.empty b { display: block; color: var(--ink); font-weight: 600; margin-bottom: .25rem; }`

const post = `
.post { position: relative; display: grid; grid-template-columns: 2.5rem minmax(0, 1fr); gap: .75rem; padding: 1rem 1.125rem .875rem; text-align: start; }
.post + .post { padding-top: .375rem; }
.post:not(:last-child)::before { content: ""; position: absolute; inset-inline-start: calc(2.375rem - 1px); top: 3.875rem; bottom: -.125rem; width: 2px; border-radius: 2px; background: var(--thread); }
.post + .post:not(:last-child)::before { top: 3.25rem; }
.post:target { background: var(--well); }
.post.fresh { animation: fresh 2.4s ease-out; }
@keyframes fresh { from { background: var(--fresh); } }
.avatar { display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%; font-size: .875rem; font-weight: 640; letter-spacing: .02em; background: oklch(var(--tint) .05 var(--hue)); color: oklch(var(--tone) .1 var(--hue)); user-select: none; }
${[25, 60, 105, 150, 195, 240, 285, 335].map((hue, at) => `.hue${at} { --hue: ${hue}; }`).join('\n')}
.body > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .5rem; line-height: 1.35; }
h3 { min-width: 0; }
.who { color: var(--ink); overflow-wrap: anywhere; }
.name { font-weight: 640; }
.handle, .when { color: var(--soft); font-size: .875rem; }
.handle { unicode-bidi: isolate; }
.when { white-space: nowrap; }
.when time { unicode-bidi: isolate; }
.badge { padding: 0 .4375rem; border: 1px solid var(--line); border-radius: 6px; color: var(--soft); background: var(--well); font-size: .75rem; line-height: 1.25rem; text-transform: capitalize; }
.badge.quiet { border-color: transparent; background: none; padding: 0; }
.context { color: var(--soft); font-size: .8125rem; }
.text { margin-top: .1875rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.text p { margin: 0; min-height: 1lh; }
.text p[dir="rtl"] { font-size: 1.0625rem; line-height: 1.75; }
.text a[dir="ltr"] { unicode-bidi: isolate; }
.body > footer { display: flex; flex-wrap: wrap; gap: 0 .75rem; margin-top: .5rem; color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
[dir="rtl"] .body > footer, .post[dir="rtl"] footer { justify-content: flex-end; }
.address { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.warning { margin-top: .25rem; }
.warning > summary { display: flex; align-items: center; gap: .625rem; padding: .4375rem .75rem; border-radius: 10px; background: var(--well); cursor: pointer; list-style: none; }
.warning > summary::-webkit-details-marker { display: none; }
.warning > summary::after { content: "Show"; margin-inline-start: auto; color: var(--link); font-size: .875rem; }
.warning[open] > summary::after { content: "Hide"; }
.warning[open] > summary { margin-bottom: .5rem; }`

const attachments = `
.files { display: grid; gap: 3px; margin-top: .625rem; border-radius: 12px; overflow: hidden; }
.files.n2, .files.n3, .files.n4, .files.n5 { grid-template-columns: 1fr 1fr; }
.files figure { position: relative; min-width: 0; background: var(--well); }
.files.n1 .picture img { display: block; width: 100%; height: auto; max-height: 30rem; object-fit: cover; }
.files.n1 .picture { min-height: 7rem; }
.picture img { color: transparent; }
.files:not(.n1) .picture { aspect-ratio: 4 / 3; }
.files:not(.n1) .picture img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
.files.n3 figure:first-child { grid-row: span 2; aspect-ratio: auto; }
.film video { display: block; width: 100%; max-height: 30rem; background: #000; }
.sound { padding: .5rem; } .sound audio { display: block; width: 100%; }
.document { grid-column: 1 / -1; border: 1px solid var(--line); border-radius: 12px; }
.file { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: .625rem .875rem; font-size: .875rem; color: var(--ink); }
.file b { font-weight: 560; } .file span { color: var(--soft); }
.document figcaption { padding: 0 .875rem .625rem; color: var(--soft); font-size: .875rem; }
.alt { position: absolute; inset-inline-start: .5rem; bottom: .5rem; max-width: calc(100% - 1rem); max-height: calc(100% - 1rem); overflow: auto; font-size: .8125rem; color: #fff; }
.film .alt { bottom: auto; top: .5rem; }
.alt.none { padding: 0 .5rem; border-radius: 6px; background: rgb(0 0 0 / .68); line-height: 1.5rem; }
.alt > summary { width: max-content; min-height: 1.5rem; padding: 0 .5rem; border-radius: 6px; background: rgb(0 0 0 / .72); line-height: 1.5rem; font-weight: 600; cursor: pointer; list-style: none; }
.alt > summary::-webkit-details-marker { display: none; }
.alt > summary:focus-visible { outline-color: #fff; outline-offset: -2px; }
.alt > p { margin-top: .25rem; padding: .5rem .75rem; border-radius: 8px; background: rgb(0 0 0 / .86); line-height: 1.45; overflow-wrap: anywhere; }
.card { display: grid; margin-top: .625rem; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; color: var(--ink); font-size: .9375rem; line-height: 1.4; }
a.card:hover { background: var(--well); text-decoration: none; }
.card img { width: 100%; aspect-ratio: 1.91; object-fit: cover; border-bottom: 1px solid var(--line); }
.words { display: grid; gap: .125rem; padding: .625rem .875rem .75rem; overflow-wrap: anywhere; }
.words b { font-weight: 600; }
.host, .about { color: var(--soft); font-size: .8125rem; }
.host { text-align: start; }
.about { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.poll { margin-top: .625rem; }
.poll ul { display: grid; gap: .375rem; }
.poll li { padding: .375rem .75rem; border-radius: 8px; background: var(--well); overflow-wrap: anywhere; }
.poll p { margin-top: .375rem; color: var(--soft); font-size: .8125rem; }`

const narrow = `
@media (max-width: 30rem) {
  .top { padding: 1.125rem 0 1rem; }
  .post { padding-inline: .875rem; gap: .625rem; }
  .post:not(:last-child)::before { inset-inline-start: calc(2.125rem - 1px); }
}
@media (prefers-reduced-motion: reduce) { .post.fresh { animation: none; } }
@media (forced-colors: active) { .avatar, .badge, nav a[aria-current] { border: 1px solid; } }`

/** Goes into the page as it is; the content policy allows it by its hash. */
export const style = [colours, frame, post, attachments, narrow].join('\n').trim()
