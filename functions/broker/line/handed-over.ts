import { CloudError, ReadOnly } from '../../../adapters/errors.ts'
import { table } from '../../../adapters/table.ts'

/** Why an intent was refused, by the name that the database gave the reason. */
const HANDED: Record<string, () => CloudError> = table({
  'read-only': () => new ReadOnly('It is on a cloud that is connected read-only: nothing there is changed.'),
  foreign: () => new ReadOnly('It was adopted to be looked at only. Adopt it again, with a tag, to change it.'),
  adopting: () => new CloudError('conflict', 'It is being adopted; its mark is not on yet.'),
  releasing: () => new CloudError('conflict', 'It is being handed back.'),
})

/** The refusal of a change of what is not ours to change; undefined for any other guard. */
export const handedOver = (guard: string): CloudError | undefined => HANDED[guard]?.()
