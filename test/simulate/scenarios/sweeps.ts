import { bound, type Scenario, viewOf } from './props.ts'

/** What listings show, and what may be concluded from that. */
export const sweeps: Record<string, Scenario> = {
  /** For a quarter of an hour the cloud shows an empty account, in listings and to every direct look. */
  async 'an empty account'(stage) {
    await stage.open({ profile: 'token' })
    for (let i = 0; i < 6; i++) await stage.newVolume()
    await stage.settle()
    stage.scheduler.pass(10 * 60_000)
    const hidden = (key: string) => key.includes('/objects/')
    stage.view = {
      ...viewOf(stage.memory),
      get: async (key) => (hidden(key) ? null : stage.memory.get(key)),
      list: async (prefix, ...rest) => (hidden(prefix) ? [] : stage.memory.list(prefix, ...rest)),
    }
    await stage.minutes(15)
    stage.view = stage.memory
    const wrong = await stage.count("select count(*) as n from volumes where status <> 'available'")
    stage.expect(wrong === 0, `${wrong} volumes were declared lost on the word of an empty listing`)
    return stage.judge()
  },

  /** A volume is made while a sweep is between its listing and its look at the rows. */
  async 'made behind a listing'(stage) {
    await stage.open({ profile: 'token' })
    const held = stage.hold(0, /from bindings where cloud_id = \? and kind = \? and phase in \('bound', 'deleting'\)/)
    const volumes = stage.hold(0, /list .*\/volume\//)
    const sweeping = stage.sweep(0)
    await held.reached
    held.release()
    await volumes.reached
    const rows = stage.hold(0, /from bindings where cloud_id = \? and kind = \? and phase in \('bound', 'deleting'\)/)
    volumes.release()
    await rows.reached
    stage.scheduler.pass(100)
    await stage.newVolume(1)
    await stage.work(1)
    rows.release()
    const missing = (await sweeping).reduce((sum, report) => sum + report.missing, 0)
    stage.expect(missing === 0, 'an object was judged by a listing older than itself')
    await stage.settle()
    return stage.judge()
  },

  /** A volume is deleted while a sweep waits for its listing. */
  async 'deleted before a listing'(stage) {
    await stage.open({ profile: 'token' })
    const id = await bound(stage)
    const held = stage.hold(0, /list .*\/volume\//)
    const sweeping = stage.sweep(0)
    await held.reached
    await stage.send(1, 'DELETE', `${stage.volumes}/${id}`)
    for (let i = 0; i < 6; i++) {
      await stage.work(1)
      stage.scheduler.pass(2_000)
    }
    held.release()
    const missing = (await sweeping).reduce((sum, report) => sum + report.missing, 0)
    stage.expect(missing === 0, 'a row was judged by a listing younger than itself')
    await stage.settle()
    return stage.judge()
  },
}
