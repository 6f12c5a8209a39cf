import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { upload } from '../../api/upload.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { percentWords } from '../../parts/words.ts'
import { byteWords } from './shapes.ts'

const FORMATS = ['qcow2', 'raw', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'ami', 'ari', 'aki', 'ploop']

/** The format that a file's name tells. */
const formatOf = (name: string): string => {
  const ending = /\.(\w+)$/.exec(name.toLowerCase())?.[1] ?? ''
  return FORMATS.includes(ending) ? ending : ending === 'img' ? 'qcow2' : 'raw'
}

/** An image is made, and its file sent, by parts of which one sees how many are there. */
export const Upload = ({ onClose, onDone }: { onClose: () => void; onDone: () => void }) => {
  const [file, setFile] = useState<File | null>(null)
  const [wish, setWish] = useState({ name: '', format: 'qcow2', disk: '0', ram: '0' })
  const [sent, setSent] = useState<number | null>(null)
  const leaving = useRef(new AbortController())
  useEffect(() => () => leaving.current.abort(), [])
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const work = async () => {
    const { id } = await ask<{ id: string }>('image', '/images', {
      method: 'POST',
      body: {
        name: wish.name,
        disk_format: wish.format,
        container_format: 'bare',
        min_disk: Number(wish.disk),
        min_ram: Number(wish.ram),
      },
    })
    try {
      setSent(0)
      await upload('image', `/images/${id}/file`, file as File, setSent, leaving.current.signal)
    } catch (error) {
      // Without its file it is of no use to anybody.
      await ask('image', `/images/${id}`, { method: 'DELETE' }).catch(() =>
        notify(`${wish.name} has no file and is still there: delete it.`),
      )
      throw error
    } finally {
      setSent(null)
      onDone()
    }
    notify(`${wish.name} is uploaded.`)
  }
  return (
    <Confirm
      title="Upload an image"
      verb="Upload"
      breaksOff
      command={[
        commandLine(
          'image',
          'create',
          ['--disk-format', wish.format],
          ['--container-format', 'bare'],
          ['--min-disk', wish.disk === '0' ? null : wish.disk],
          ['--min-ram', wish.ram === '0' ? null : wish.ram],
          ['--file', file?.name ?? 'FILE'],
          wish.name || 'NAME',
        ),
      ]}
      work={work}
      onClose={onClose}
    >
      <div class="field">
        <label for="image-file">File</label>
        <input
          id="image-file"
          type="file"
          required
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0] ?? null
            setFile(chosen)
            if (chosen)
              setWish((old) => ({
                ...old,
                name: old.name || chosen.name.replace(/\.\w+$/, ''),
                format: formatOf(chosen.name),
              }))
          }}
        />
        {file && <p class="hint">{byteWords(file.size)}</p>}
      </div>
      <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} />
      <SelectField
        label="Format"
        hint="What the file is. Clouds that take another get it converted, where the broker can."
        value={wish.format}
        onChange={set('format')}
        options={FORMATS.map((value) => ({ value, label: value }))}
      />
      <div class="pair">
        <TextField label="Least disk, GiB" type="number" min="0" value={wish.disk} onInput={set('disk')} />
        <TextField label="Least memory, MiB" type="number" min="0" value={wish.ram} onInput={set('ram')} />
      </div>
      {sent !== null && (
        <div class="meter">
          <span class="meter-label" role="status">
            {sent < 1 ? 'Sending' : 'Sent; the broker looks at it'}
          </span>
          <span class="meter-numbers">{percentWords(sent)}</span>
          <progress aria-label="Sent" max={1} value={sent} />
        </div>
      )}
    </Confirm>
  )
}
