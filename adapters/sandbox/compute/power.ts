import type { Power } from '../../contract.ts'
import { type Engine, healthOf } from '../engine.ts'
import { refusal } from '../errors.ts'
import type { Entities } from '../records/entities.ts'

type Server = Entities['server']
type Steady = Server['power']

/** The power as of now; between two states it is `changing`. */
export const powerOf = (server: Server, now: number): Power => {
  const health = healthOf(server, now)
  if (health === 'pending') return 'changing'
  if (health !== 'ready') return 'stopped'
  return now < server.powerAt ? 'changing' : server.power
}

/** Throws while the power is changing towards something else. */
const refuseChanging = (server: Server, now: number): void => {
  if (now < server.powerAt) throw refusal('WrongState', 'The server is still changing its state.')
}

const wrong = (server: Server, action: string): never => {
  throw refusal('WrongState', `A server that is ${server.power} cannot ${action}.`)
}

/** The guest's memory is lost: it boots from the start. */
export const boot = (server: Server, now: number, ms: number): Server => ({
  ...server,
  power: 'running',
  powerAt: now + ms,
  bootAt: now,
  offAt: null,
})

/** The guest is off, or will be in a moment. */
export const off = (server: Server, now: number, ms: number): Server => ({
  ...server,
  power: 'stopped',
  powerAt: now + ms,
  offAt: now,
})

export type PowerAction = 'start' | 'stop' | 'reboot' | 'hard_reboot' | 'pause' | 'unpause' | 'suspend' | 'resume'

/** Where an action leads, by the power it starts from; `keep` is success without a change, absent is refused. */
const MOVES: Record<PowerAction, Partial<Record<Steady, 'boot' | 'off' | 'keep' | 'freeze' | 'save' | 'thaw'>>> = {
  start: { stopped: 'boot', running: 'keep' },
  stop: { running: 'off', paused: 'off', suspended: 'off', stopped: 'keep' },
  reboot: { running: 'boot' },
  hard_reboot: { running: 'boot', stopped: 'boot', paused: 'boot', suspended: 'boot' },
  pause: { running: 'freeze', paused: 'keep' },
  unpause: { paused: 'thaw', running: 'keep' },
  suspend: { running: 'save', suspended: 'keep' },
  resume: { suspended: 'thaw', running: 'keep' },
}

/** What is bought as spot cannot be off: as with EC2, where it is asked for once. */
const refuseOff = ({ spec }: Server, action: PowerAction): void => {
  if (spec.option === 'spot' && (action === 'stop' || action === 'suspend'))
    throw refusal('InvalidValue', `A server that was bought as spot cannot ${action}.`)
}

/** The server after an action; the same object if there is nothing to do. */
export const moved = (engine: Engine, server: Server, action: PowerAction): Server => {
  const now = engine.now()
  const { boot_ms: bootMs, stop_ms: stopMs } = engine.settings
  const move = MOVES[action][server.power]
  refuseOff(server, action)
  // A repeated wish finds its own change under way.
  if (move === 'keep') return server
  refuseChanging(server, now)
  switch (move) {
    case 'boot':
      return boot(server, now, bootMs)
    case 'off':
      return off(server, now, stopMs)
    case 'freeze':
      return { ...server, power: 'paused', powerAt: now }
    case 'save':
      return { ...server, power: 'suspended', powerAt: now + stopMs }
    case 'thaw':
      return { ...server, power: 'running', powerAt: now + (server.power === 'suspended' ? bootMs : 0) }
    case undefined:
      return wrong(server, action.replace('_', ' '))
  }
}
