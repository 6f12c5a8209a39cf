import { createHash } from 'node:crypto'

const SCRIPT = `document.forms[0].submit()`
const HASH = createHash('sha256').update(SCRIPT).digest('base64')

const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)

/** A page whose form hands a token to a dashboard, as Keystone's `sso_callback_template.html`: by itself, or by a button. */
export const formPage = (dashboard: string, token: string): Response =>
  new Response(
    `<!DOCTYPE html><html><head><meta charset="utf-8"><title>Plimsoll</title></head><body>
<form id="sso" method="post" action="${escaped(dashboard)}">Please wait...
<input type="hidden" name="token" value="${escaped(token)}"><noscript><input type="submit" value="Continue"></noscript></form>
<script>${SCRIPT}</script></body></html>
`,
    {
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': `default-src 'none'; script-src 'sha256-${HASH}'; form-action ${new URL(dashboard).origin}; frame-ancestors 'none'; base-uri 'none'`,
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
      },
    },
  )
