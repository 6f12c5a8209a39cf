import { Refusing } from '../line/refused.ts'
import type { PartRefusal } from '../money/parts.ts'

/** Why a volume, snapshot or attachment will not do as asked. The service words it and gives it a status. */
export type VolumeRefusal =
  /** It is in a status in which that cannot be done. */
  | { kind: 'status'; status: string; allowed: string[] }
  | { kind: 'no-zone'; zone: string }
  /** No cloud of the project has volumes. */
  | { kind: 'no-cloud' }
  /** The volume type is not offered there; `zones`: where it is, as `<cloud>.<zone>`. */
  | { kind: 'no-type'; type: string; zones: string[] }
  /** Two things that belong together are in different places: `<cloud>` or `<cloud>.<zone>`. */
  | { kind: 'elsewhere'; what: string; here: string; there: string }
  | { kind: 'too-small'; what: string; size: number; least: number }
  | { kind: 'unknown'; what: 'snapshot' | 'image' | 'volume' | 'backup'; id: string }
  /** The key of a transfer is another. */
  | { kind: 'auth-key'; id: string }
  /** Nothing whole for an incremental backup to build on. */
  | { kind: 'no-parent' }
  /** Only the latest snapshot of a volume is what it goes back to. */
  | { kind: 'not-latest'; id: string }
  | { kind: 'has-snapshots' }
  | { kind: 'attached' }
  /** The volume may only be read, and no cloud attaches a disk so. */
  | { kind: 'readonly' }
  /** It is too dear for what the project may spend, or nobody knows yet what that did buy; `reason` is a sentence for people. */
  | PartRefusal
  /** The cloud cannot; `reason` is a sentence for people. */
  | { kind: 'incapable'; reason: string }

export class VolumeRefused extends Refusing<VolumeRefusal> {
  constructor(refusal: VolumeRefusal) {
    super(refusal, `volume refused: ${JSON.stringify(refusal)}`)
  }
}
