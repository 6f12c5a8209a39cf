import { addEc2 } from '../aws/index.ts'
import { launch as launchMoto } from '../moto/launch.ts'
import { logIn } from '../support/api.ts'
import { RUNTIMES, type Runtime, startBroker } from '../support/broker.ts'
import { lackOf } from '../support/debian.ts'
import type { Report } from '../support/report.ts'
import { stretch } from '../support/wire.ts'
import { addVcenter } from '../vsphere/client.peer.ts'
import { launch as launchVcsim } from '../vsphere/launch.ts'
import { mixedShop } from './story.ts'

/** One project on EC2 (moto), vSphere (vcsim) and the embedded cloud at once, on both runtimes side by side. */
export const mixed = async (report: Report): Promise<void> => {
  const from = Date.now()
  const lack = await lackOf('qemu-img', 'qemu-utils')
  const converts = lack === null
  const why = converts ? '' : `nothing is converted: ${lack}`
  report.step('mixed shop', 'qemu-img of Debian', converts ? 'passed' : 'skipped', Date.now() - from, why)
  await Promise.all(RUNTIMES.map((runtime) => shopOn(runtime, report)))
}

const shopOn = async (runtime: Runtime, report: Report): Promise<void> => {
  const name = `${runtime} × mixed shop`
  const started = Date.now()
  const ends: (() => Promise<unknown>)[] = []
  try {
    const broker = await startBroker(runtime)
    ends.push(() => broker.stop())
    const moto = await launchMoto()
    ends.push(() => moto.stop())
    const vcsim = await launchVcsim()
    ends.push(() => vcsim.stop())
    const [ec2, vcenter] = [await stretch(moto.url), await stretch(vcsim.url)]
    ends.push(ec2.stop, vcenter.stop)
    const people = { broker, admin: await logIn(broker, 'admin'), demo: await logIn(broker, 'demo') }
    await addEc2(people, ec2.url)
    await addVcenter(people, vcenter.url)
    report.step(name, 'three clouds are one project', 'passed', Date.now() - started)
    const cron = setInterval(() => void broker.cron().catch(() => {}), 5_000)
    ends.push(async () => clearInterval(cron))
    const whole = await mixedShop({ ...people, moto, vcsim, ec2, vcenter }, async (title, run) => {
      const from = Date.now()
      const fault = await run().then(
        () => null,
        (error) => String(error instanceof Error ? error.message : error).slice(0, 600),
      )
      report.step(name, title, fault === null ? 'passed' : 'failed', Date.now() - from, fault ?? '')
      return fault === null
    })
    if (!whole) console.log(`last words of the broker of ${name}:\n${broker.tail(Number(process.env.PEERS_LOG ?? 20))}`)
  } catch (error) {
    report.step(name, 'three clouds are one project', 'failed', Date.now() - started, String(error))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}
