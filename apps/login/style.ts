/** The one style sheet, served as a file: the policy allows no inline style. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ink: #18222f; --soft: #586577; --paper: #eef1f6; --card: #ffffff; --line: #d8dfe8; --field: #ffffff; --edge: #8794a5;
  --accent: #1d4fd7; --accent-ink: #ffffff; --tint: #eaf0ff; --bad: #a11a2b; --bad-tint: #fdecee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e9eef5; --soft: #a6b2c2; --paper: #0f141b; --card: #181f29; --line: #2b3644; --field: #10161e; --edge: #66758a;
    --accent: #8fb0ff; --accent-ink: #0c1526; --tint: #1b2740; --bad: #ff9aa6; --bad-tint: #3a1a20;
  }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; grid-template-rows: 1fr auto; justify-items: center; align-items: center; gap: 1.5rem;
  padding: 1.5rem 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { width: 100%; max-width: 27rem; background: var(--card); border: 1px solid var(--line); border-radius: 1.1rem; padding: clamp(1.35rem, 6vw, 2.25rem);
  box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 12px 32px rgb(0 0 0 / .07); }
header { display: flex; align-items: center; gap: .85rem; margin-bottom: 1.25rem; }
.logo { width: 3rem; height: 3rem; border-radius: .75rem; object-fit: contain; background: var(--tint); flex: none; }
.initial { display: grid; place-items: center; font-weight: 700; font-size: 1.35rem; color: var(--accent); }
h1 { margin: 0; font-size: 1.35rem; line-height: 1.25; letter-spacing: -.01em; }
main > h1 { margin-bottom: 1rem; }
.client { margin: .1rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
label { font-weight: 600; }
.field { display: grid; gap: .35rem; margin-bottom: 1rem; }
input[type=text], input[type=password] { width: 100%; font: inherit; color: inherit; background: var(--field); border: 1px solid var(--edge); border-radius: .6rem; padding: .7rem .8rem; }
input[type=checkbox] { width: 1.2rem; height: 1.2rem; margin: .15rem 0 0; accent-color: var(--accent); flex: none; }
.check { display: flex; gap: .7rem; align-items: flex-start; margin-bottom: 1rem; }
.check label { font-weight: 400; }
fieldset { border: 0; padding: 0; margin: 0 0 1rem; }
legend { padding: 0; margin-bottom: .6rem; font-weight: 600; }
.scopes { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .8rem; }
.scopes li { display: flex; gap: .75rem; padding: .8rem .9rem; }
.scopes li + li { border-top: 1px solid var(--line); }
.scopes label { display: block; overflow-wrap: anywhere; }
.scopes span { display: block; font-weight: 400; color: var(--soft); font-size: .9rem; }
.scopes strong { display: block; }
.hint { margin: 0; color: var(--soft); font-size: .92rem; }
input.code, .shown { font-family: ui-monospace, monospace; font-size: 1.35rem; letter-spacing: .12em; text-align: center; }
input.code { text-transform: uppercase; }
.shown { background: var(--tint); border-radius: .65rem; padding: .7rem .9rem; font-weight: 700; }
.buttons { display: grid; gap: .6rem; margin-top: 1.25rem; }
button { font: inherit; font-weight: 600; border-radius: .65rem; padding: .75rem 1rem; cursor: pointer; border: 1px solid transparent; min-height: 2.9rem; }
.primary { background: var(--accent); color: var(--accent-ink); }
.quiet { background: transparent; color: var(--ink); border-color: var(--edge); }
button:hover { filter: brightness(1.07); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.alert { background: var(--bad-tint); color: var(--bad); border-radius: .65rem; padding: .7rem .9rem; font-weight: 600; }
.note { background: var(--tint); border-radius: .65rem; padding: .7rem .9rem; font-size: .92rem; }
.accounts .quiet { text-align: left; overflow-wrap: anywhere; }
input[aria-invalid=true] { border-color: var(--bad); }
.links { margin: 1.25rem 0 0; display: flex; flex-wrap: wrap; gap: .35rem 1rem; font-size: .9rem; }
a { color: var(--accent); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; margin: 0 0 1rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .85rem; text-align: center; }
`;
