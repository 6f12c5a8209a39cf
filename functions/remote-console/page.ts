import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { table } from '../../adapters/table.ts'
import type { Host } from '../context.ts'

/* The page that shows a screen: noVNC as its authors hand it on, and as little around it as shows it. */

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Console</title>
<link rel="stylesheet" href="screen.css">
<script type="module" src="screen.js"></script>
</head>
<body>
<header><output id="said">Connecting…</output> <button id="keys" type="button" disabled>Ctrl-Alt-Del</button> <a href="novnc/LICENSE.txt">noVNC</a></header>
<main id="screen"></main>
</body>
</html>
`

const CSS = `html, body { height: 100%; margin: 0; background: #222; color: #ddd; font: 14px sans-serif }
body { display: flex; flex-direction: column }
header { padding: 4px 8px }
header a { float: right; color: inherit }
main { flex: 1; min-height: 0 }
`

/** A URL opens a console once, so it does not stay in the address bar. */
const SCRIPT = `import RFB from './novnc/core/rfb.js'

const [said, keys] = [document.getElementById('said'), document.getElementById('keys')]
const url = new URL(new URLSearchParams(location.search).get('path') ?? '', location.origin)
url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
history.replaceState(null, '', location.pathname)
if (url.host !== location.host) said.textContent = 'The console is not one of this broker.'
else {
  const screen = new RFB(document.getElementById('screen'), url.href, { wsProtocols: ['binary'] })
  screen.scaleViewport = true
  screen.addEventListener('connect', () => {
    said.textContent = 'Connected'
    keys.disabled = false
    screen.focus()
  })
  screen.addEventListener('desktopname', ({ detail }) => {
    document.title = detail.name
  })
  screen.addEventListener('disconnect', ({ detail }) => {
    keys.disabled = true
    said.textContent = detail.clean ? 'The console was closed.' : 'The console could not be opened, or broke. Ask for another URL: each opens it once.'
  })
  screen.addEventListener('credentialsrequired', () => {
    screen.sendCredentials({ password: prompt('Password of the screen') ?? '' })
  })
  keys.addEventListener('click', () => screen.sendCtrlAltDel())
}
`

const OURS = table({
  'vnc_auto.html': { type: 'text/html; charset=utf-8', text: HTML },
  'screen.css': { type: 'text/css; charset=utf-8', text: CSS },
  'screen.js': { type: 'text/javascript; charset=utf-8', text: SCRIPT },
})

/** Files of noVNC, by the names under which they are asked for. */
const filesOfNovnc = (): Map<string, string> => {
  const folder = dirname(dirname(createRequire(import.meta.url).resolve('@novnc/novnc')))
  const scripts = ['core', 'vendor'].flatMap((part) =>
    readdirSync(join(folder, part), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => `${part}/${name}`),
  )
  return new Map([...scripts, 'LICENSE.txt'].map((name) => [`novnc/${name}`, join(folder, name)]))
}

/** `Host.consolePage` for Node. */
export const openConsolePage = (): NonNullable<Host['consolePage']> => {
  let files: Map<string, string> | undefined
  return async (name) => {
    const own = OURS[name]
    if (own) return { type: own.type, bytes: new TextEncoder().encode(own.text) }
    files ??= filesOfNovnc()
    const path = files.get(name)
    if (!path) return null
    const type = name.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/plain; charset=utf-8'
    return { type, bytes: new Uint8Array(await readFile(path)) }
  }
}
