import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { here } from '../../api/here.ts'
import { useDoing } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import type { PartProps } from './shapes.ts'

const KINDS = {
  novnc: { protocol: 'vnc', name: 'noVNC', flag: '--novnc' },
  webmks: { protocol: 'mks', name: 'WebMKS', flag: '--mks' },
} as const
type Kind = keyof typeof KINDS

/** What is used of noVNC, which the broker hands on as its authors do. */
interface Rfb extends EventTarget {
  scaleViewport: boolean
  disconnect(): void
  focus(): void
  sendCtrlAltDel(): void
  sendCredentials(credentials: { password: string }): void
}
type NewRfb = new (screen: HTMLElement, url: string, options: { wsProtocols: string[] }) => Rfb

/** The socket that a URL of ours leads to; null: it is a page of somebody else's. */
const socketOf = (url: string): string | null => {
  const { origin, searchParams } = new URL(url)
  const path = searchParams.get('path')
  if (origin !== location.origin || !path) return null
  const socket = new URL(path, `${location.origin}/`)
  socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return socket.href
}

/** The screen of a server: within the page where the broker brings it, else by a link that is good once. */
export const Screen = ({ server }: PartProps) => {
  const [opened, setOpened] = useState<{ url: string; socket: string | null } | null>(null)
  const { busy, fault, run } = useDoing()
  const open = (kind: Kind) =>
    run(async () => {
      setOpened(null)
      const body = { remote_console: { protocol: KINDS[kind].protocol, type: kind } }
      const { remote_console: told } = await ask<{ remote_console: { url: string } }>(
        'compute',
        `/servers/${server.id}/remote-consoles`,
        { method: 'POST', body },
      )
      setOpened({ url: told.url, socket: kind === 'novnc' ? socketOf(told.url) : null })
    })
  return (
    <div class="stack">
      <p class="measure quiet">
        The screen of the machine, as if one stood before it. A URL opens it once; what its cloud does not have is
        refused with the reason.
      </p>
      <div class="row">
        {(Object.keys(KINDS) as Kind[]).map((kind) => (
          <button key={kind} type="button" disabled={busy} onClick={() => void open(kind)}>
            Open by {KINDS[kind].name}
          </button>
        ))}
      </div>
      {fault && <FaultNote fault={fault} />}
      {opened?.socket && <Vnc key={opened.url} socket={opened.socket} />}
      {opened && !opened.socket && /^https?:/.test(opened.url) && (
        <p class="note">
          <a href={opened.url} target="_blank" rel="noreferrer noopener">
            Open the screen in a window of its own
          </a>
        </p>
      )}
      <Command
        lines={[
          commandLine('console', 'url', 'show', '--novnc', server.id),
          commandLine('console', 'url', 'show', '--mks', server.id),
        ]}
      />
    </div>
  )
}

const Vnc = ({ socket }: { socket: string }) => {
  const box = useRef<HTMLDivElement>(null)
  const screen = useRef<Rfb | null>(null)
  const [said, setSaid] = useState('Connecting…')
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    let left = false
    const path = here('console/novnc/core/rfb.js')
    import(path).then(
      ({ default: RFB }: { default: NewRfb }) => {
        if (left || !box.current) return
        const shown = new RFB(box.current, socket, { wsProtocols: ['binary'] })
        screen.current = shown
        shown.scaleViewport = true
        shown.addEventListener('connect', () => {
          setSaid('Connected')
          setOpen(true)
          shown.focus()
        })
        shown.addEventListener('disconnect', (event) => {
          setOpen(false)
          const { clean } = (event as CustomEvent<{ clean: boolean }>).detail
          setSaid(clean ? 'The console was closed.' : 'The console could not be opened, or broke. Open it again.')
        })
        shown.addEventListener('credentialsrequired', () =>
          shown.sendCredentials({ password: prompt('Password of the screen') ?? '' }),
        )
      },
      () => left || setSaid('noVNC could not be loaded.'),
    )
    return () => {
      left = true
      screen.current?.disconnect()
    }
  }, [socket])
  return (
    <div class="screen">
      <div class="row">
        <span role="status">{said}</span>
        <span class="spring" />
        <button type="button" disabled={!isOpen} onClick={() => screen.current?.sendCtrlAltDel()}>
          Ctrl-Alt-Del
        </button>
      </div>
      <div class="screen-box" ref={box} />
    </div>
  )
}
