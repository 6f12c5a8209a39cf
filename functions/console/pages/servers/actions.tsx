import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { asFault, Fault } from '../../api/fault.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { notify } from '../../parts/notice.tsx'
import { act } from './act.ts'
import type { Server } from './shapes.ts'

type Who = Pick<Server, 'id' | 'name'>

/** Something that can be asked of servers, one or many. */
export interface Deed {
  name: string
  /** On its button. */
  verb: string
  /** What is asked, in a sentence that ends with the names. */
  asks: string
  /** What was done, after the names. */
  done: string
  danger?: boolean
  /** In which states it makes sense; absent: in all. The service decides by itself. */
  when?: string[]
  command: string[]
  work: (server: Who) => Promise<unknown>
}

export const DEEDS: Deed[] = [
  {
    name: 'confirm',
    verb: 'Confirm the resize',
    asks: 'Keep the new size of',
    done: 'keeps its new size',
    when: ['VERIFY_RESIZE'],
    command: ['server', 'resize', 'confirm'],
    work: (server) => act(server, { confirmResize: null }),
  },
  {
    name: 'revert',
    verb: 'Revert the resize',
    asks: 'Go back to the size before, of',
    done: 'will have its former size',
    when: ['VERIFY_RESIZE'],
    command: ['server', 'resize', 'revert'],
    work: (server) => act(server, { revertResize: null }),
  },
  {
    name: 'unrescue',
    verb: 'End the rescue',
    asks: 'Boot from its own disk again',
    done: 'will boot from its own disk',
    when: ['RESCUE'],
    command: ['server', 'unrescue'],
    work: (server) => act(server, { unrescue: null }),
  },
  {
    name: 'unshelve',
    verb: 'Unshelve',
    asks: 'Bring back',
    done: 'will be there again',
    when: ['SHELVED', 'SHELVED_OFFLOADED'],
    command: ['server', 'unshelve'],
    work: (server) => act(server, { unshelve: null }),
  },
  {
    name: 'unpause',
    verb: 'Unpause',
    asks: 'Go on with',
    done: 'will go on',
    when: ['PAUSED'],
    command: ['server', 'unpause'],
    work: (server) => act(server, { unpause: null }),
  },
  {
    name: 'resume',
    verb: 'Resume',
    asks: 'Go on with',
    done: 'will go on',
    when: ['SUSPENDED'],
    command: ['server', 'resume'],
    work: (server) => act(server, { resume: null }),
  },
  {
    name: 'start',
    verb: 'Start',
    asks: 'Start',
    done: 'will start',
    when: ['SHUTOFF'],
    command: ['server', 'start'],
    work: (server) => act(server, { 'os-start': null }),
  },
  {
    name: 'stop',
    verb: 'Stop',
    asks: 'Shut down',
    done: 'will stop',
    when: ['ACTIVE', 'ERROR'],
    command: ['server', 'stop'],
    work: (server) => act(server, { 'os-stop': null }),
  },
  {
    name: 'reboot',
    verb: 'Reboot',
    asks: 'Ask the guest to start anew on',
    done: 'will reboot',
    when: ['ACTIVE'],
    command: ['server', 'reboot', '--soft'],
    work: (server) => act(server, { reboot: { type: 'SOFT' } }),
  },
  {
    name: 'lock',
    verb: 'Lock',
    asks: 'Keep from changes',
    done: 'locked',
    command: ['server', 'lock'],
    work: (server) => act(server, { lock: null }),
  },
  {
    name: 'unlock',
    verb: 'Unlock',
    asks: 'Allow changes of',
    done: 'unlocked',
    command: ['server', 'unlock'],
    work: (server) => act(server, { unlock: null }),
  },
  {
    name: 'delete',
    verb: 'Delete',
    asks: 'Delete',
    done: 'will be gone',
    danger: true,
    command: ['server', 'delete'],
    work: (server) => ask('compute', `/servers/${server.id}`, { method: 'DELETE' }),
  },
]

/** What seldom is done, to one server at a time, from the part of its page that tells what it means. */
export const RARE: (Deed & { hint: string })[] = [
  {
    name: 'pause',
    verb: 'Pause',
    asks: 'Halt the processors of',
    done: 'will stand still',
    hint: 'Its processors stand still, its memory stays where it is, and it costs as before.',
    when: ['ACTIVE'],
    command: ['server', 'pause'],
    work: (server) => act(server, { pause: null }),
  },
  {
    name: 'suspend',
    verb: 'Suspend',
    asks: 'Write to disk the memory of',
    done: 'will be suspended',
    hint: 'Its memory is written to disk, and read again when it is resumed.',
    when: ['ACTIVE'],
    command: ['server', 'suspend'],
    work: (server) => act(server, { suspend: null }),
  },
  {
    name: 'shelve',
    verb: 'Shelve',
    asks: 'Take off its cloud, with its disk kept as an image,',
    done: 'will be shelved',
    hint: 'Its disk is kept as an image and its machine is given back, so that only what is kept costs. Unshelved, it may be elsewhere.',
    when: ['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED'],
    command: ['server', 'shelve'],
    work: (server) => act(server, { shelve: null }),
  },
]

/** So many are asked at a time. */
const AT_ONCE = 6

/** Asks it of each, and goes on where one refuses; `did` hears of each that did not. @throws Fault which refused, and what the first of them said */
const doAll = async (servers: Who[], work: Deed['work'], did: (server: Who) => void): Promise<void> => {
  const left = [...servers]
  const refused: { server: Who; fault: Fault }[] = []
  const next = async (): Promise<void> => {
    for (let server = left.shift(); server; server = left.shift()) {
      const current = server
      await work(current).then(
        () => did(current),
        (error) => refused.push({ server: current, fault: asFault(error) }),
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
  const [first] = refused
  if (!first) return
  const { status, message, requestId } = first.fault
  const names = namesOf(refused.map(({ server }) => server))
  throw new Fault(status, servers.length > 1 ? `${names}: ${message}` : message, { requestId })
}

/** So many names are said; of the rest how many they are. */
const SAID = 8
const namesOf = (servers: Who[]): string =>
  servers
    .slice(0, SAID)
    .map(({ name }) => name)
    .join(', ') + (servers.length > SAID ? ` and ${servers.length - SAID} more` : '')

/** So many ids stand in one line, and so many in all: a longer one no shell takes. */
const [A_LINE, LINED] = [20, 200]

/** Asks before something is done to one server or many, and does it. */
export const DeedDialog = ({
  deed,
  servers,
  onClose,
  onDone,
}: {
  deed: Deed
  servers: Who[]
  onClose: () => void
  onDone?: () => void
}) => {
  // Of those that did it already it is not asked again.
  const [did, setDid] = useState<Who[]>([])
  const left = servers.filter(({ id }) => !did.some((each) => each.id === id))
  const lines = Array.from({ length: Math.ceil(Math.min(left.length, LINED) / A_LINE) }, (_, i) =>
    commandLine(...deed.command, ...left.slice(i * A_LINE, Math.min((i + 1) * A_LINE, LINED)).map(({ id }) => id)),
  )
  if (left.length > LINED) lines.push(`# and ${left.length - LINED} more`)
  return (
    <Confirm
      title={servers.length > 1 ? `${deed.verb} ${servers.length} servers` : `${deed.verb} ${servers[0]?.name ?? ''}`}
      verb={deed.verb}
      danger={deed.danger ?? false}
      command={lines}
      work={async () => {
        const now: Who[] = []
        try {
          await doAll(left, deed.work, (server) => now.push(server))
        } finally {
          setDid([...did, ...now])
        }
        notify(`${namesOf(servers)} ${deed.done}.`)
        onDone?.()
      }}
      onClose={onClose}
    >
      <p>
        {deed.asks} <strong>{namesOf(left)}</strong>
        {deed.danger ? '? What is on its disk goes with it, but for volumes that stay.' : '?'}
      </p>
      {did.length > 0 && (
        <p class="quiet">
          {namesOf(did)} {deed.done}.
        </p>
      )}
    </Confirm>
  )
}
