import { changeSetting, readSettings, writeSettings } from '../../db/queries/line/settings.ts'
import type { Database, Deployment } from '../context.ts'
import { keyring } from '../crypto/keyring.ts'
import { open, seal } from '../crypto/seal.ts'

/** The database holds things sealed with a key that we were not given. */
export class WrongKey extends Error {
  constructor() {
    super('PLIMSOLL_SECRET_KEY does not open this database: it was made with another key.')
    this.name = 'WrongKey'
  }
}

const CHECK = 'plimsoll'

/** Who we are. The first start chooses an id and seals a word, by which every later start knows its key. */
export const identify = async (db: Database, secretKeys: Uint8Array[], newId: () => string): Promise<Deployment> => {
  const keys = keyring(secretKeys, 'check')
  let known = await readSettings(db)
  if (!known.has('deployment')) {
    // Two processes may start at once: the second reads what the first wrote.
    await writeSettings(db, { deployment: newId(), key_check: seal(CHECK, 'check', keys) })
    known = await readSettings(db)
  }
  if (open(known.get('key_check') ?? '', 'check', keys) !== CHECK) throw new WrongKey()
  return { id: known.get('deployment')! }
}

/** Seals the word again under today's first key, so that the older one can be taken away. */
export const rewrapCheck = async (db: Database, secretKeys: Uint8Array[]): Promise<void> => {
  const keys = keyring(secretKeys, 'check')
  const sealed = (await readSettings(db)).get('key_check')
  if (!sealed?.startsWith(`v1.${keys[0]!.kid}.`)) await changeSetting(db, 'key_check', seal(CHECK, 'check', keys))
}
