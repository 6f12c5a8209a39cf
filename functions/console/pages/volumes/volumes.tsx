import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { Backups } from './backups.tsx'
import { Snapshots } from './snapshots.tsx'
import { VolumeList } from './volume-list.tsx'

const PARTS: [name: string, title: string, Part: ComponentType][] = [
  ['', 'Volumes', VolumeList],
  ['snapshots', 'Snapshots', Snapshots],
  ['backups', 'Backups', Backups],
]

/** Disks that outlive servers. */
const Volumes = ({ query }: PageProps) => {
  const current = query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Volumes" />
      <Sections
        label="Parts of the volumes"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/volumes', {}, { part })}
      />
      <Part />
    </>
  )
}

export default Volumes
