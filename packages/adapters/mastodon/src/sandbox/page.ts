// The consent page, the page that shows a code, and the error page of an emulated server.

import { escaped } from './text.ts'

const style = `:root{color-scheme:light dark;--line:#8884;--accent:#6364ff}
body{margin:0;font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;background:Canvas;color:CanvasText}
main{box-sizing:border-box;width:min(30rem,100%);padding:1.5rem}
h1{font-size:1.4rem;margin:0 0 1rem}
fieldset{border:1px solid var(--line);border-radius:.75rem;margin:0 0 1rem;padding:.5rem 1rem}
legend{font-weight:600;padding:0 .4rem}
label{display:flex;gap:.6rem;align-items:center;padding:.5rem 0;cursor:pointer}
small{opacity:.75}code{overflow-wrap:anywhere}
.go{display:flex;gap:.75rem}
button{flex:1;font:inherit;font-weight:600;padding:.7rem;border-radius:.5rem;border:1px solid var(--accent);background:Canvas;color:CanvasText;cursor:pointer}
button[value=approve]{background:var(--accent);color:#fff}
button:focus-visible,input:focus-visible{outline:3px solid var(--accent);outline-offset:2px}`

const page = (title: string, body: string, status: number): Response =>
  new Response(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}</style></head><body><main>${body}</main></body></html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      },
    },
  )

export interface Consent {
  readonly app: string
  readonly host: string
  readonly scopes: readonly string[]
  readonly choices: readonly { readonly id: string; readonly username: string; readonly displayName: string }[]
  readonly hidden: Readonly<Record<string, string>>
}

/** The form has no `action`, so it posts to where the page came from, whatever address the sandbox gave it. */
export const consentPage = ({ app, host, scopes, choices, hidden }: Consent): Response => {
  const rows = choices.map(
    ({ id, username, displayName }, i) =>
      `<label><input type="radio" name="account" value="${escaped(id)}"${i === 0 ? ' checked' : ''} required><span><bdi>${escaped(displayName)}</bdi> <small>@${escaped(username)}@${escaped(host)}</small></span></label>`,
  )
  const inputs = Object.entries(hidden).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
  return page(
    `Authorization required · ${host} sandbox`,
    `<h1><bdi>${escaped(app)}</bdi> would like permission to access your account on ${escaped(host)}</h1>
<form method="post">${inputs.join('')}
<fieldset><legend>Account</legend>${rows.join('')}</fieldset>
<fieldset><legend>Permissions</legend><p><code>${escaped(scopes.join(' '))}</code></p></fieldset>
<p class="go"><button name="decision" value="deny">Deny</button><button name="decision" value="approve">Authorize</button></p>
</form><p><small>This is a sandbox: nothing reaches a real server.</small></p>`,
    200,
  )
}

export const codePage = (code: string): Response =>
  page('Authorization code', `<h1>Copy this authorization code and paste it to the application.</h1><p><code>${escaped(code)}</code></p>`, 200)

export const errorPage = (problem: string, status = 400): Response =>
  page('An error has occurred', `<h1>An error has occurred</h1><p>${escaped(problem)}</p>`, status)
