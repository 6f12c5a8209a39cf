import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { diskIn } from '../../../support/disks.ts'
import { has } from '../../support/match.ts'
import { ask, gone, look, refused, type Step, tell } from '../story.ts'

const md5 = (path: string) => createHash('md5').update(readFileSync(path)).digest('hex')

/** A file of one's own: uploaded, booted where its format is taken, saved again, deleted. */
export const image = (format: string): Step[] => [
  look(`somebody has a disk of ${format}`, async ({ broker, vars }) => {
    const [disk = '', container = ''] = format.split('/')
    Object.assign(vars, {
      upload: join(broker.folder, 'upload.img'),
      saved: join(broker.folder, 'saved.img'),
      disk_format: disk,
      container_format: container,
    })
    writeFileSync(vars.upload!, diskIn([format]).bytes)
  }),
  ask(
    'image create --file {upload} --disk-format {disk_format} --container-format {container_format} own1',
    { name: 'own1', status: 'active', visibility: 'shared', disk_format: '{disk_format}' },
    { own1: 'id' },
  ),
  ask('image show own1', {
    id: '{own1}',
    status: 'active',
    checksum: (sum, { upload }) => sum === md5(upload!),
    size: (size, { upload }) => size === readFileSync(upload!).length,
  }),
  tell('image save --file {saved} own1'),
  look('what was saved is what was uploaded', async ({ vars: { saved, upload } }) => {
    if (!readFileSync(saved!).equals(readFileSync(upload!))) throw new Error('the files differ')
  }),
  ask(
    'server create --flavor {flavor} --image own1 --network n1 --wait vm2',
    { name: 'vm2', status: 'ACTIVE', image: (said, { own1 }) => JSON.stringify(said).includes(own1!) },
    { vm2: 'id' },
  ),
  ask('image show own1', { properties: (all, { cloud }) => all['plimsoll:clouds'] === cloud }),
  tell('server delete --wait vm2'),
  gone('server show {vm2}'),
  tell('image delete own1'),
  gone('image show {own1}'),
  refused('image create --file {upload} --disk-format qcow2 --container-format bare wrong', /does not match|415/i),
  look('an image that was refused waits for other data', async ({ demo }) => {
    const { images } = await demo.must('GET', '/image/v2/images?name=wrong')
    for (const { id, status } of images) {
      if (status !== 'queued') throw new Error(`it is ${status}`)
      await demo.must('DELETE', `/image/v2/images/${id}`)
    }
  }),
  ask('image list --private', (list) => !has({ Name: 'own1' })(list, {})),
]
