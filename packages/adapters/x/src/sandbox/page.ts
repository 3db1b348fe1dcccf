// The consent page and the error page of the emulated authorization server.

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const safe = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char)

const style = `:root{color-scheme:light dark;--line:#8884}
body{margin:0;font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;background:Canvas;color:CanvasText}
main{box-sizing:border-box;width:min(30rem,100%);padding:1.5rem}
h1{font-size:1.4rem;margin:0 0 1rem}
fieldset{border:1px solid var(--line);border-radius:.75rem;margin:0 0 1rem;padding:.5rem 1rem}
legend{font-weight:600;padding:0 .4rem}
label{display:flex;gap:.6rem;align-items:center;padding:.5rem 0;cursor:pointer}
small{opacity:.75}code{overflow-wrap:anywhere}
.go{display:flex;gap:.75rem}
button{flex:1;font:inherit;font-weight:600;padding:.7rem;border-radius:99px;border:1px solid CanvasText;background:Canvas;color:CanvasText;cursor:pointer}
button[value=approve]{background:CanvasText;color:Canvas}
button:focus-visible,input:focus-visible{outline:3px solid #1d9bf0;outline-offset:2px}`

const page = (title: string, body: string, status: number): Response =>
  new Response(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${safe(title)}</title><style>${style}</style></head><body><main>${body}</main></body></html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      },
    },
  )

export interface Choice {
  id: string
  name: string
  displayName: string
}

/** The form has no `action`, so it posts to where the page came from, whatever address the sandbox gave it. */
export const consentPage = (app: string, scopes: readonly string[], choices: readonly Choice[], hidden: Readonly<Record<string, string>>): Response => {
  const rows = choices.map(
    ({ id, name, displayName }, i) =>
      `<label><input type="radio" name="account" value="${safe(id)}"${i === 0 ? ' checked' : ''} required><span><bdi>${safe(displayName)}</bdi> <small>@${safe(name)}</small></span></label>`,
  )
  const inputs = Object.entries(hidden).map(([name, value]) => `<input type="hidden" name="${safe(name)}" value="${safe(value)}">`)
  return page(
    'Authorize app · X sandbox',
    `<h1><code>${safe(app)}</code> wants to access your X account</h1>
<form method="post">${inputs.join('')}
<fieldset><legend>Account</legend>${rows.join('')}</fieldset>
<fieldset><legend>It asks for</legend><p><code>${safe(scopes.join(' '))}</code></p></fieldset>
<p class="go"><button name="decision" value="deny">Cancel</button><button name="decision" value="approve">Authorize app</button></p>
</form><p><small>This is a sandbox: nothing reaches the real X.</small></p>`,
    200,
  )
}

export const errorPage = (problems: readonly string[]): Response =>
  page(
    'Something went wrong · X sandbox',
    `<h1>Something went wrong</h1><p>You weren’t able to give access to the app.</p><ul>${problems.map((text) => `<li>${safe(text)}</li>`).join('')}</ul>`,
    400,
  )
