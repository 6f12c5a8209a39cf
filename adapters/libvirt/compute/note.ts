import { NAMESPACE, type Note, PREFIX, writeNote } from '../marks.ts'
import type { Domain } from '../records/domain.ts'
import type { Host } from '../wire/host.ts'
import { impactOn, SET_METADATA } from '../wire/procedures.ts'

/** virDomainMetadataType */
const ELEMENT = 2

/** Writes our element into a domain, or (null) takes it out; everything else there stays as it is. */
export const writeInto = (host: Host, { ref }: Pick<Domain, 'ref'>, note: Note | null): Promise<unknown> =>
  host.call(SET_METADATA, {
    domain: ref,
    type: ELEMENT,
    metadata: note && writeNote(note, ref.uuid),
    key: note && PREFIX,
    uri: NAMESPACE,
    flags: impactOn(ref),
  })
