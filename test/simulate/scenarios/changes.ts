import type { Stage } from '../stage.ts'
import { bound, type Scenario, WRITES_VOLUME } from './props.ts'

/** Another name for a volume, by way of a process. */
const rename = (stage: Stage, n: 0 | 1, id: string, name: string) =>
  stage.send(n, 'PUT', `${stage.volumes}/${id}`, { volume: { name } })

/** What is there is to become something else, and then something else again. */
export const changes: Record<string, Scenario> = {
  /** A wish is changed between two steps of the process that fulfils the one before. */
  async 'another wish between two steps'(stage) {
    await stage.open({ profile: 'token' })
    const id = await stage.newVolume()
    await stage.work()
    stage.scheduler.pass(3_000)
    const last = stage.hold(0, /"applied" = \?.*"error" = \?/)
    const working = stage.work(0)
    await last.reached
    await stage.send(1, 'POST', `${stage.volumes}/${id}/action`, { 'os-extend': { new_size: 2 } })
    last.release()
    await working
    await stage.settle()
    return stage.judge()
  },

  /** A server is renamed while it starts again. */
  async 'renamed in the middle of an action'(stage) {
    await stage.open({ profile: 'token' })
    const id = await stage.newServer()
    await stage.settle()
    await stage.send(0, 'POST', `/compute/v2.1/servers/${id}/action`, { reboot: { type: 'HARD' } })
    await stage.work()
    await stage.send(0, 'PUT', `/compute/v2.1/servers/${id}`, { server: { name: 'other' } })
    await stage.settle()
    return stage.judge()
  },

  /** A change goes unanswered, and has its effect while the next one is asked for. */
  async 'a change overtaken by the next'(stage) {
    await stage.open({ profile: 'token' })
    const id = await bound(stage)
    await rename(stage, 0, id, 'first')
    const held = stage.hold(0, WRITES_VOLUME)
    stage.scheduler.givenUp = 1
    await stage.work(0)
    stage.scheduler.givenUp = 0
    await held.reached
    await rename(stage, 1, id, 'second')
    await stage.work(1)
    held.release()
    await stage.settle()
    return stage.judge()
  },

  /** A change takes longer than the lease of who asked for it, and another has made the next one meanwhile. */
  async 'a change after its lease'(stage) {
    await stage.open({ profile: 'token' })
    const id = await bound(stage)
    await rename(stage, 0, id, 'first')
    const held = stage.hold(0, WRITES_VOLUME)
    const late = stage.work(0)
    await held.reached
    stage.scheduler.pass(61_000)
    await rename(stage, 1, id, 'second')
    await stage.work(1)
    held.release()
    await late
    await stage.settle()
    return stage.judge()
  },
}
