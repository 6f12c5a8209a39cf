import type { NativeId } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { volumeNamed } from '../records/volume.ts'
import type { Host } from '../wire/host.ts'
import { readFrom } from '../wire/transfer.ts'
import { homeOf } from './parts.ts'
import { withOurs } from './power.ts'

/** The host cuts what a console said into files of 2 MiB by itself, and keeps some of them; the newest is read. */
const MOST = 2 * 2 ** 20

/** What the guest said on its first serial port. @throws `definitive` for a machine that was not made here */
export const consoleLog =
  (context: Context) =>
  async (id: NativeId): Promise<string> => {
    let said = ''
    await withOurs(context, id, async (host: Host, { note }) => {
      if (!note?.made) refuse('Only of servers that were made here it is kept what their console says.')
      const home = await homeOf(context, host, note!.mark)
      const log = await volumeNamed(host, home.pool.name, home.nameOf('log'))
      if (log) said = new TextDecoder().decode(await readFrom(host, log.ref, { most: MOST }))
    })
    return said
  }
