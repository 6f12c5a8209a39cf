import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { inLines, linesOf } from '../../api/lines.ts'
import { useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import type { Cloud } from '../clouds/shapes.ts'

export interface Mapping {
  cloud: string
  mapping: Record<string, unknown>
  created_at: string
}

/** What a place of a project is made of on a type of clouds, as its adapter reads it; others say themselves what will not do. */
const WORDS: Record<string, string> = {
  aws: 'role_arn, external_id and vpc',
  vsphere: 'folder, resource_pool, datastore, storage_policy and network',
  sandbox: 'account',
}

/** Lets a project use a cloud, or says as what else. */
export const MapTo = ({
  path,
  mapping,
  onClose,
  onDone,
}: WindowProps & { path: string; mapping: Mapping | undefined }) => {
  const clouds = useChoices<Cloud>('broker', '/clouds', 'clouds', true)
  const { filters: first, port_security_off: off, ...rest } = mapping?.mapping ?? {}
  const [cloud, setCloud] = useState(mapping?.cloud ?? '')
  const [filters, setFilters] = useState(String(first ?? ''))
  const [ports, setPorts] = useState(off === undefined ? '' : String(off))
  const [lines, setLines] = useState(linesOf(rest))
  const type = clouds.rows.find(({ name }) => name === cloud)?.type ?? ''
  const body = () => ({
    mapping: {
      ...inLines(lines),
      ...(filters && { filters }),
      ...(ports && { port_security_off: ports === 'true' }),
    },
  })
  return (
    <Confirm
      title={mapping ? `How it is mapped to ${mapping.cloud}` : 'Map to a cloud'}
      verb={mapping ? 'Change' : 'Map'}
      command={() => [`PUT /broker/v1${path}/clouds/${cloud || 'CLOUD'}  ${JSON.stringify(body())}`]}
      work={async () => {
        await ask('broker', `${path}/clouds/${encodeURIComponent(cloud)}`, { method: 'PUT', body: body() })
        notify(`The project reaches ${cloud}.`)
        onDone()
      }}
      onClose={onClose}
    >
      <ChoiceField
        label="Cloud"
        choices={clouds}
        none="No cloud is registered."
        first="Which…"
        value={cloud}
        onChange={setCloud}
        required
        disabled={mapping !== undefined}
        keyOf={({ name }) => name}
        wordsOf={({ name }) => name}
      />
      <TextField
        label="As what"
        hint={`A line each, as name = value: the account, role, network or folder there. Nothing: by the credentials of the cloud itself.${Object.hasOwn(WORDS, type) ? ` On ${type}: ${WORDS[type]}.` : ''}`}
        rows={4}
        value={lines}
        onInput={setLines}
      />
      <div class="pair">
        <SelectField
          label="Security groups are"
          value={filters}
          onChange={setFilters}
          options={[
            { value: '', label: 'as the cloud says' },
            { value: 'enforced', label: 'enforced there' },
            { value: 'trusted', label: 'trusted to be' },
            { value: 'none', label: 'not there' },
          ]}
        />
        <SelectField
          label="Ports without port security"
          value={ports}
          onChange={setPorts}
          options={[
            { value: '', label: 'not said' },
            { value: 'true', label: 'may be' },
            { value: 'false', label: 'may not be' },
          ]}
        />
      </div>
    </Confirm>
  )
}
