import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { Capabilities } from './capabilities.tsx'
import { CloudList } from './cloud-list.tsx'
import { HealthPart } from './health.tsx'
import { Links } from './links.tsx'
import { Offers } from './offers.tsx'
import { PriceBooks } from './prices.tsx'

const PARTS: [name: string, title: string, Part: ComponentType][] = [
  ['', 'Clouds', CloudList],
  ['health', 'Health', HealthPart],
  ['capabilities', 'Capabilities', Capabilities],
  ['offers', 'Offers', Offers],
  ['prices', 'Prices', PriceBooks],
  ['links', 'Links', Links],
]

/** What the broker stands on. */
const Clouds = ({ query }: PageProps) => {
  const current = query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Clouds">
        <a class="button primary" href={linkTo('/clouds/register')}>
          Register a cloud
        </a>
      </Heading>
      <Sections
        label="Parts of the clouds"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/clouds', {}, { part })}
      />
      <Part />
    </>
  )
}

export default Clouds
