import { Killed } from '../../support/mortal.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './props.ts'

const PORTS = '/network/v2.0/ports'
const port = (stage: Stage) => ({ port: { network_id: stage.world.network } })

/** Requests that are broken off, and asked again. */
export const requests: Record<string, Scenario> = {
  /** Two processes, each killed at every one of its first steps while it serves a request and a deletion. */
  async 'killed at every step of a request'(stage) {
    for (let dieAt = 1; dieAt < 24; dieAt++) {
      await stage.open({ profile: 'token' })
      const { life } = stage.slot(0)
      let steps = 0
      stage.scheduler.before = (who) => {
        if (who === life && ++steps >= dieAt) throw new Killed()
      }
      await stage.send(0, 'POST', stage.volumes, { volume: { size: 1 } }).catch(() => null)
      stage.scheduler.before = null
      const ours = [...stage.violations].filter((what) => what.startsWith('quota'))
      if (ours.length) return ours
      stage.violations.clear()
      stage.world.restart(stage.slot(0))
      stage.scheduler.pass(61_000)
      await stage.settle()
    }
    return stage.judge({ settled: false })
  },

  /** The process dies after its commit, and the client asks again with the same key. */
  async 'asked twice'(stage) {
    await stage.open({ profile: 'token' })
    const body = { volume: { size: 1, name: 'only-twice' } }
    await stage.send(0, 'POST', stage.volumes, body, 'the-same-key')
    await stage.send(1, 'POST', stage.volumes, body, 'the-same-key')
    await stage.settle()
    return stage.judge()
  },

  /** The process dies between the default group, which the first port of a project brings about, and the port. */
  async 'killed between two batches of a request'(stage) {
    await stage.open({ profile: 'token' })
    const { life } = stage.slot(0)
    stage.scheduler.before = (who, label) => {
      if (who === life && label.includes('insert into "ports"')) throw new Killed()
    }
    await stage.ask(0, 'POST', PORTS, port(stage), 'the-same-key').catch(() => null)
    stage.scheduler.before = null
    const made = (await stage.send(1, 'POST', PORTS, port(stage), 'the-same-key'))?.port?.id
    const rows = await stage.count(`select count(*) as n from ports where id = '${made}'`)
    stage.expect(rows === 1, 'a port was acknowledged and never written')
    return stage.judge()
  },

  /** Two want the same address; the second took the next, and died before it could say so. */
  async 'another address, and no answer'(stage) {
    await stage.open({ profile: 'token' })
    // The default group is there: what follows is one batch each.
    await stage.send(1, 'POST', PORTS, port(stage))
    const held = stage.hold(0, /insert into "ports"/)
    const first = stage.ask(0, 'POST', PORTS, port(stage), 'the-same-key').catch(() => null)
    await held.reached
    await stage.send(1, 'POST', PORTS, port(stage))
    stage.scheduler.before = (_, label) => {
      if (label.includes('update "repeatables"')) throw new Killed()
    }
    held.release()
    await first
    stage.scheduler.before = null
    const { body } = await stage.ask(1, 'POST', PORTS, port(stage), 'the-same-key')
    const told = body?.port?.id
    const rows = await stage.count(`select count(*) as n from ports where id = '${told}'`)
    stage.expect(told === undefined || rows === 1, 'a port was acknowledged and never written')
    return stage.judge()
  },
}
