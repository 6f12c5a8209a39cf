import type { NativeId } from '../../contract.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { partsOf } from '../records/ids.ts'
import type { Host } from '../wire/host.ts'
import { readFrom } from '../wire/transfer.ts'
import { logOf } from './log.ts'
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
      const log = await logOf(context, host, partsOf(id, 1)[0]!)
      if (log) said = new TextDecoder().decode(await readFrom(host, log, { most: MOST }))
    })
    return said
  }
