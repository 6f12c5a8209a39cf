import { randomBytes } from 'node:crypto'
import type { Line } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { refuse, unclear } from '../../shared/refusals.ts'
import { child, childrenOf, parseXml } from '../../shared/xml.ts'
import type { Context } from '../context.ts'
import type { Domain } from '../records/domain.ts'
import type { Host } from '../wire/host.ts'
import { DOMAIN_XML, type DomainRef, LIVE, UPDATE_DEVICE } from '../wire/procedures.ts'
import { loggedIn, WrongPassword } from '../wire/rfb.ts'
import type { There } from '../wire/uri.ts'

/*
 * The screen of a server that is made here listens on the loopback of its host, where every program of that host may knock. So it
 * has a password from birth that lets nobody in, as it expired long ago, and gets another one each time that somebody comes, who
 * is let in by the broker; then that expires too.
 */

/** Eight characters, which is all that VNC reads of a password. */
export const randomWord = (): string => randomBytes(6).toString('base64url')

/** A host's clock may be another one: so long a password is good should nobody be left to end it. */
const GOOD_MS = 600_000
/** Somebody else who comes at the same time takes the password away. */
const TRIES = 3

/** The screen of a machine in the words of its definition. @param until when the password expires, in milliseconds since 1970 */
export const screenXml = ({ port, password, until }: { port: number; password: string; until: number }): string => {
  // The epoch itself means never.
  const valid = new Date(Math.max(until, 86_400_000)).toISOString().slice(0, 19)
  return `<graphics type="vnc" port="${port}" autoport="yes" listen="127.0.0.1" passwd="${password}" passwdValidTo="${valid}"><listen type="address" address="127.0.0.1"/></graphics>`
}

/** What lets in who knocks at 127.0.0.1. */
const LOOPBACK = ['127.0.0.1', '0.0.0.0', '::', '']

/** Where the screen of a machine that runs is. @throws `conflict` while it does not, `definitive` where it has none that is spoken */
const placeOf = async (host: Host, { ref, power }: Pick<Domain, 'ref' | 'power'>): Promise<There> => {
  if (ref.id < 0 || power === 'stopped') throw new CloudError('conflict', 'Only a server that runs has a screen.')
  const { xml } = await host.call(DOMAIN_XML, { domain: ref, flags: 0 })
  const screens = childrenOf(child(parseXml(xml), 'devices'), 'graphics')
  const screen = screens.find(({ attributes }) => attributes.get('type') === 'vnc')
  if (!screen) return refuse('The machine has no screen that speaks VNC.')
  const listener = child(screen, 'listen')?.attributes
  const socket = listener?.get('socket') ?? screen.attributes.get('socket')
  if (socket) return { path: socket }
  const address = listener?.get('address') ?? screen.attributes.get('listen') ?? ''
  const port = Number(screen.attributes.get('port'))
  if (!(port > 0) || !LOOPBACK.includes(address))
    return refuse('The screen of the machine is not on its own host alone.')
  return { port }
}

const UNREACHED =
  'The screen of a server is seen by its own host alone, where neither the TLS of libvirt leads nor its tunnel: SSH does, and a serial console is brought by every way.'

/** Where the screen of a machine is, and how it is reached. @throws what keeps it from being shown, as far as it is known without connecting */
export const reachScreen = async (host: Host, domain: Domain) => {
  const place = await placeOf(host, domain)
  const { beside } = host
  return beside ? { place, open: () => beside(place) } : refuse(UNREACHED)
}

const setPassword = (host: Host, domain: DomainRef, port: number, password: string, until: number) =>
  host.call(UPDATE_DEVICE, { domain, xml: screenXml({ port, password, until }), flags: LIVE })

/** The screen of a machine. One that was not made here is asked for its password by whoever comes. */
export const screenOf = async (
  { surroundings }: Context,
  host: Host,
  domain: Domain,
  limit: AbortSignal,
): Promise<Line> => {
  const { place, open } = await reachScreen(host, domain)
  if (!domain.note?.made || !('port' in place)) return open()
  const { port } = place
  for (let left = TRIES; ; left--) {
    const password = randomWord()
    await setPassword(host, domain.ref, port, password, surroundings.now() + GOOD_MS)
    const line = await open()
    const late = AbortSignal.any([limit, AbortSignal.timeout(surroundings.timeoutMs)])
    if (late.aborted) line.close()
    else late.addEventListener('abort', line.close)
    try {
      return await loggedIn(line, password)
    } catch (error) {
      line.close()
      if (!(error instanceof WrongPassword) || left <= 1) throw unclear('a login to the screen', error)
    } finally {
      late.removeEventListener('abort', line.close)
      // Nobody is left alone with a screen whose password is good still.
      await setPassword(host, domain.ref, port, randomWord(), 0).catch((error) => {
        line.close()
        throw error
      })
    }
  }
}
